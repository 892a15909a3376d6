// Placing a payload: bytes of its parts, and every relocation applied. What the file is, link_reader.cpp has checked.
#include "backend/link.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "backend/arch/arch.h"
#include "backend/link_reader.h"
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
  auto opened = PayloadFile::open(file, name, machine);
  if (!opened) return std::unexpected(std::move(opened.error()));
  return PayloadReader(std::move(*opened), machine).read();
}

const PayloadSymbol *PayloadImage::find(const std::string &symbol) const {
  auto found = byName_.find(symbol);
  return found == byName_.end() || found->second == kAmbiguous ? nullptr : &exported[found->second];
}

Result<Bytes> PayloadImage::place(RemoteAddress base, const Resolve &resolve) const {
  LPC_CHECK(base.value % alignment == 0 && base.value <= std::numeric_limits<uint64_t>::max() - size);
  std::vector<uint64_t> addresses;
  for (const UndefinedSymbol &symbol : undefined) {
    auto address = resolve(symbol);
    if (!address) return std::unexpected(std::move(address.error()));
    addresses.push_back(address->value);
  }

  Bytes content(contentSize_);
  for (const Part &part : parts_)
    std::ranges::copy(part.bytes, content.begin() + static_cast<ptrdiff_t>(part.offset));
  const Arch &arch = Arch::of(machine_);
  for (const Relocation &relocation : relocations_) {
    const RelocationRule &rule = *arch.relocation(relocation.type);
    uint64_t value = static_cast<uint64_t>(relocation.addend); // sums wrap, as the psABI has them
    const SymbolEntry &symbol = symbols_[relocation.symbol];
    switch (rule.value) {
    case RelocationRule::Value::Base: value += base.value; break;
    case RelocationRule::Value::SymbolFromPlace: value -= base.value + relocation.offset; [[fallthrough]];
    case RelocationRule::Value::Symbol:
      switch (symbol.kind) {
      case SymbolEntry::Kind::Own: value += base.value + symbol.value; break;
      case SymbolEntry::Kind::Absolute: value += symbol.value; break;
      case SymbolEntry::Kind::Undefined: value += addresses[symbol.value]; break;
      }
      break;
    case RelocationRule::Value::Nothing:
    case RelocationRule::Value::Copy:
    case RelocationRule::Value::IndirectFunction:
    case RelocationRule::Value::ThreadLocal: LPC_CHECK(!"a relocation that was refused when reading");
    }
    if (!fits(value, rule)) {
      bool outside = symbol.kind == SymbolEntry::Kind::Undefined;
      return fail(DiagnosticId::RelocationOverflow,
                  cat("`", name_, "`: a relocation (", rule.name, ") at ", hexAddress(base + relocation.offset),
                      " cannot reach ",
                      outside ? cat("`", undefined[symbol.value].name, "` at ", hexAddress(addresses[symbol.value]))
                              : "its symbol"),
                  "compile the payload with -fPIC");
    }
    storeLittle(std::span(content).subspan(relocation.offset, rule.width), value);
  }
  return content;
}

} // namespace lpc::backend
