// Resolving addresses of the IR in one process. A pointer (`[ADDR]`) is followed while the process runs and recorded:
// the executor compares it again when everything stands, so a pointer that moved meanwhile means a new plan, never a
// wrong place.
#include "backend/resolve.h"

#include "ir/support/cat.h"

namespace lpc::backend {
namespace {

std::unexpected<Error> outside(const std::string &what, const Place &place) {
  return std::unexpected(
      Error{DiagnosticId::BadAddress, cat("`", what, "` lies outside of the address space"), {}, {}, place});
}

Result<RemoteAddress> moved(RemoteAddress base, int64_t addend, const std::string &what, const Place &place) {
  auto result = base.plus(addend);
  if (!result) return outside(what, place);
  return *result;
}

} // namespace

Result<RemoteAddress> Resolver::operator()(const ir::Address &address, const Place &place) {
  struct Visitor {
    Resolver &self;
    const Place &place;
    Result<RemoteAddress> operator()(const ir::InObject &a) const {
      return self.snapshot_.modules[self.modules_[static_cast<size_t>(a.object)]].bias.of(a.address);
    }
    Result<RemoteAddress> operator()(const ir::InMemory &a) const {
      return self.bases_[static_cast<size_t>(a.memory)] + a.offset;
    }
    Result<RemoteAddress> operator()(const ir::InPayload &a) const {
      const std::string &memory = self.patch_.memories[static_cast<size_t>(a.memory)].name;
      if (auto open = self.opens_.find(a.memory); open != self.opens_.end()) return self.opened(open->second, a, place);
      const PayloadSymbol *symbol = self.images_.at(a.memory).find(a.symbol);
      if (!symbol)
        return std::unexpected(
            Error{DiagnosticId::UnknownSymbol, cat("`$", memory, "` has no symbol `", a.symbol, "`"), {}, {}, place});
      return moved(self.bases_[static_cast<size_t>(a.memory)] + symbol->offset, a.addend, "$" + memory + ":" + a.symbol,
                   place);
    }
    Result<RemoteAddress> operator()(const ir::Absolute &a) const { return a.address; }
    Result<RemoteAddress> operator()(const ir::Loaded &a) const { return self.loaded(a, place); }
  };
  return std::visit(Visitor{*this, place}, address.where);
}

Result<RemoteAddress> Resolver::opened(const OpenImage &image, const ir::InPayload &address, const Place &place) {
  const std::string &memory = patch_.memories[static_cast<size_t>(address.memory)].name;
  auto symbol = image.exported(address.symbol);
  bool hasAddress =
      symbol && symbol->kind != target::SymbolKind::ThreadLocal && symbol->kind != target::SymbolKind::Ifunc;
  if (!hasAddress)
    return std::unexpected(Error{
        DiagnosticId::UnknownSymbol, cat("`$", memory, "` exports no symbol `", address.symbol, "`"), {}, {}, place});
  return moved(image.of(symbol->address), address.addend, "$" + memory + ":" + address.symbol, place);
}

Result<RemoteAddress> Resolver::loaded(const ir::Loaded &address, const Place &place) {
  auto pointer = (*this)(*address.pointer, place);
  if (!pointer) return pointer;
  if (ownMemory(*pointer, 1))
    return std::unexpected(
        Error{DiagnosticId::BadAddress,
              "a pointer in memory that the patch itself makes can't be followed: it is not there yet",
              {},
              "name the destination itself",
              place});
  auto bytes = process_.read(*pointer, pointerSize(patch_.machine));
  if (!bytes) {
    Error error = std::move(bytes.error()).during(cat("reading the pointer at ", hexAddress(*pointer)));
    error.place = place;
    return std::unexpected(std::move(error));
  }
  uint64_t value = loadLittle(*bytes);
  pointers_.push_back({*pointer, std::move(*bytes), place.line});
  return moved(RemoteAddress{value}, address.addend, cat("[", hexAddress(*pointer), "]"), place);
}

std::optional<size_t> Resolver::ownMemory(RemoteAddress at, uint64_t size) const {
  for (size_t i = 0; i < bases_.size(); i++)
    if (!opens_.contains(static_cast<ir::MemoryId>(i)) && at >= bases_[i] && at - bases_[i] < patch_.memories[i].size &&
        size <= patch_.memories[i].size - (at - bases_[i]))
      return i;
  return std::nullopt;
}

} // namespace lpc::backend
