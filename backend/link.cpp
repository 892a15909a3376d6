// Placing a payload: bytes of its parts, and every relocation applied. What the file is, link_reader.cpp has checked.
#include "backend/link.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "backend/arch/arch.h"
#include "backend/link_reader.h"
#include "frontend/target/relocatable.h"
#include "ir/support/cat.h"

namespace lpc::backend {
namespace {

bool fits(uint64_t value, const RelocationRule &rule) {
  if (rule.range == RelocationRule::Range::Whole || rule.width == 8) return true;
  unsigned bits = 8U * rule.width;
  if (rule.range == RelocationRule::Range::Unsigned) return value >> bits == 0;
  int64_t top = static_cast<int64_t>(value) >> (bits - 1); // 0 or -1: the rest of the value is its sign
  return top == 0 || top == -1;
}

} // namespace

Result<PayloadImage> PayloadImage::read(BytesView file, const std::string &name, Machine machine) {
  Bytes linked;
  if (target::isRelocatable(file)) {
    if (auto right = PayloadFile::isFor(file, name, machine); !right) return std::unexpected(std::move(right.error()));
    auto done = target::linkRelocatable(file, name);
    if (!done) return std::unexpected(std::move(done.error()));
    linked = std::move(*done);
    file = linked;
  }
  auto opened = PayloadFile::open(file, name, machine);
  if (!opened) return std::unexpected(std::move(opened.error()));
  return PayloadReader(std::move(*opened), machine).read();
}

bool PayloadImage::isImport(uint64_t offset) const {
  auto found = std::ranges::lower_bound(relocations_, offset, {}, &Relocation::offset);
  if (found == relocations_.end() || found->offset != offset) return false;
  const RelocationRule *rule = Arch::of(machine_).relocation(found->type);
  return rule != nullptr && rule->inLinkageTable;
}

const PayloadSymbol *PayloadImage::find(const std::string &symbol) const {
  auto found = byName_.find(symbol);
  return found == byName_.end() || found->second == kAmbiguous ? nullptr : &exported[found->second];
}

// One placing.
class PayloadPlacer {
public:
  PayloadPlacer(const PayloadImage &image, RemoteAddress base, std::vector<AppliedRelocation> *applied)
      : image_(image), base_(base.value), applied_(applied) {
    for (const PayloadSymbol &symbol : image.exported)
      if (applied != nullptr) names_.emplace(symbol.offset, symbol.name);
  }

  Result<void> resolve(const PayloadImage::Resolve &resolve, const PayloadImage::ResolveThreadLocal &threadLocal) {
    for (const UndefinedSymbol &symbol : image_.undefined) {
      values_.emplace_back();
      if (symbol.threadLocal) {
        auto place = threadLocal(symbol);
        if (!place) return std::unexpected(std::move(place.error()));
        values_.back().threadLocal = *place;
      } else {
        auto address = resolve(symbol);
        if (!address) return std::unexpected(std::move(address.error()));
        values_.back().address = address->value;
      }
    }
    return checkModules();
  }

  Result<Bytes> place() {
    content_.resize(image_.contentSize_);
    for (const PayloadImage::Part &part : image_.parts_)
      std::ranges::copy(part.bytes, content_.begin() + static_cast<ptrdiff_t>(part.offset));
    for (const PayloadImage::Relocation &relocation : image_.relocations_)
      if (auto applied = apply(relocation, *Arch::of(image_.machine_).relocation(relocation.type)); !applied)
        return std::unexpected(std::move(applied.error()));
    return std::move(content_);
  }

private:
  using Relocation = PayloadImage::Relocation;
  using Kind = PayloadImage::SymbolEntry::Kind;

  // The local-dynamic model asks for one block, and takes all variables to be in it: their offsets stand alone, without
  // the module's id before them. With variables of several objects it would read and write those of others.
  Result<void> checkModules() const {
    constexpr uint64_t kWord = 8;
    const UndefinedSymbol *first = nullptr;
    uint64_t module = 0;
    for (const Relocation *before = nullptr; const Relocation &relocation : image_.relocations_) {
      const Relocation *previous = std::exchange(before, &relocation);
      if (valueOf(relocation) != RelocationRule::Value::ModuleOffset) continue;
      bool pair = previous != nullptr && valueOf(*previous) == RelocationRule::Value::ModuleId &&
                  previous->offset + kWord == relocation.offset;
      if (pair) continue;
      size_t index = image_.symbols_[relocation.symbol].value;
      if (first == nullptr) first = &image_.undefined[index], module = values_[index].threadLocal.module;
      if (values_[index].threadLocal.module == module) continue;
      return fail(DiagnosticId::ThreadLocalSymbol,
                  cat("`", image_.name_, "` takes `", first->name, "` and `", image_.undefined[index].name,
                      "` to be thread-local variables of one object (local-dynamic model), and they are of two"),
                  "compile the payload with -fPIC -ftls-model=global-dynamic");
    }
    return {};
  }
  [[nodiscard]] RelocationRule::Value valueOf(const PayloadImage::Relocation &relocation) const {
    return Arch::of(image_.machine_).relocation(relocation.type)->value;
  }

  struct Value {
    uint64_t address = 0;
    ThreadLocalPlace threadLocal{};
  };

  Result<void> apply(const Relocation &relocation, const RelocationRule &rule) {
    uint64_t value = static_cast<uint64_t>(relocation.addend); // sums wrap, as the psABI has them
    const PayloadImage::SymbolEntry &symbol = image_.symbols_[relocation.symbol];
    using Rule = RelocationRule::Value;
    switch (rule.value) {
    case Rule::Base: value += base_; break;
    case Rule::SymbolFromPlace: value -= base_ + relocation.offset; [[fallthrough]];
    case Rule::Symbol: value += addressOf(symbol); break;
    case Rule::ModuleId: value = values_[symbol.value].threadLocal.module; break;
    case Rule::ModuleOffset: value += values_[symbol.value].threadLocal.offset; break;
    case Rule::ThreadOffset:
    case Rule::ThreadDescriptor: {
      auto offset = values_[symbol.value].threadLocal.fromThread;
      if (!offset) return notStatic(image_.undefined[symbol.value], rule);
      value += static_cast<uint64_t>(*offset);
      if (rule.value == Rule::ThreadOffset) break;
      constexpr uint64_t kWord = 8;
      store(relocation.offset, kWord, base_ + image_.descriptorFunction_);
      store(relocation.offset + kWord, kWord, value);
      note(relocation, rule, value);
      return {};
    }
    case Rule::Nothing:
    case Rule::Copy:
    case Rule::IndirectFunction: LPC_CHECK(!"a relocation that was refused when reading");
    }
    if (!fits(value, rule)) return overflow(relocation, rule, symbol);
    store(relocation.offset, rule.width, value);
    note(relocation, rule, value);
    return {};
  }

  void note(const Relocation &relocation, const RelocationRule &rule, uint64_t value) {
    if (applied_ == nullptr) return;
    const PayloadImage::SymbolEntry &symbol = image_.symbols_[relocation.symbol];
    std::string name;
    if (symbol.kind == Kind::Undefined) name = image_.undefined[symbol.value].versionedName();
    if (auto own = names_.find(symbol.value); symbol.kind == Kind::Own && own != names_.end()) name = own->second;
    if (relocation.symbol == 0) name.clear();
    applied_->push_back({relocation.offset, rule.name, std::move(name), value});
  }

  [[nodiscard]] uint64_t addressOf(const PayloadImage::SymbolEntry &symbol) const {
    switch (symbol.kind) {
    case Kind::Own: return base_ + symbol.value;
    case Kind::Absolute: return symbol.value;
    case Kind::Undefined: return values_[symbol.value].address;
    }
    return 0;
  }

  void store(uint64_t offset, uint64_t width, uint64_t value) {
    storeLittle(std::span(content_).subspan(offset, width), value);
  }

  [[nodiscard]] std::unexpected<Error> notStatic(const UndefinedSymbol &symbol, const RelocationRule &rule) const {
    return fail(DiagnosticId::ThreadLocalSymbol,
                cat("`", image_.name_, "` takes `", symbol.name,
                    "` to be at one distance from every thread's pointer (", rule.name,
                    "), and the object that has it was loaded after the program's start"),
                "compile the payload with -fPIC -ftls-model=global-dynamic -mtls-dialect=gnu");
  }

  [[nodiscard]] std::unexpected<Error> overflow(const Relocation &relocation, const RelocationRule &rule,
                                                const PayloadImage::SymbolEntry &symbol) const {
    bool outside = symbol.kind == Kind::Undefined;
    return fail(
        DiagnosticId::RelocationOverflow,
        cat("`", image_.name_, "`: a relocation (", rule.name, ") at ", hexAddress(base_ + relocation.offset),
            " cannot reach ",
            outside ? cat("`", image_.undefined[symbol.value].name, "` at ", hexAddress(values_[symbol.value].address))
                    : "its symbol"),
        "compile the payload with -fPIC");
  }

  const PayloadImage &image_;
  uint64_t base_;
  std::vector<AppliedRelocation> *applied_;
  std::map<uint64_t, std::string> names_; // by offset
  std::vector<Value> values_;             // by index in image_.undefined
  Bytes content_;
};

Result<ThreadLocalPlace> PayloadImage::noThreadLocals(const UndefinedSymbol &symbol) {
  return fail(DiagnosticId::ThreadLocalSymbol, cat("`", symbol.name, "` is a thread-local variable"));
}

Result<Bytes> PayloadImage::place(RemoteAddress base, const Resolve &resolve,
                                  const ResolveThreadLocal &resolveThreadLocal,
                                  std::vector<AppliedRelocation> *applied) const {
  LPC_CHECK(base.value % alignment == 0 && base.value <= std::numeric_limits<uint64_t>::max() - size);
  PayloadPlacer placer(*this, base, applied);
  if (auto resolved = placer.resolve(resolve, resolveThreadLocal); !resolved)
    return std::unexpected(std::move(resolved.error()));
  return placer.place();
}

} // namespace lpc::backend
