// Functions as the symbol table bounds them.
//
// Where a byte can't be decoded (data in a function, an instruction newer than the decoder) decoding goes on behind it:
// that may show branches that are none, which at worst refuses a patch; to stop there would hide branches, which could
// break a program.
#include "frontend/sema/functions.h"

#include <algorithm>

#include "ir/support/cat.h"

namespace lpc::sema {
namespace {

constexpr uint64_t kWithoutSymbol = 64; // bytes that are decoded where no function is known: more than any jump needs
constexpr std::ptrdiff_t kLinesBefore = 4, kLinesAfter = 2;

void decode(Function &function, const Decoder &decoder) {
  BytesView rest = function.bytes;
  uint64_t at = function.begin.value;
  while (!rest.empty()) {
    for (const Instruction &instruction : decodeAll(decoder, rest, at))
      function.code.push_back(instruction);
    uint64_t end = function.begin.value;
    if (!function.code.empty()) end = function.code.back().address + function.code.back().length;
    if (end > at) rest = rest.subspan(end - at);
    at = std::max(at, end);
    if (rest.empty()) return;
    if (!function.undecodable) function.undecodable = LinkAddress{at};
    rest = rest.subspan(1);
    at++;
  }
}

// The end of what may be read from `address` on as one piece of code.
uint64_t codeEnd(const target::ElfFile &file, LinkAddress address) {
  if (const target::Section *section = file.sectionAt(address)) return section->address.value + section->size;
  if (const target::Segment *segment = file.segmentAt(address)) return segment->address.value + segment->fileSize;
  return address.value;
}

std::optional<Function> decoded(Function function, const target::ElfFile &file, const Context &context) {
  auto bytes = file.bytesAt(function.begin, function.end - function.begin);
  if (!bytes || bytes->empty()) return std::nullopt;
  function.bytes = std::move(*bytes);
  decode(function, *context.decoder);
  return function;
}

bool covers(const target::Symbol &symbol, LinkAddress address) {
  return symbol.size != 0 && symbol.address <= address && address - symbol.address < symbol.size;
}

} // namespace

const Instruction *Function::covering(LinkAddress address) const {
  auto after = std::ranges::upper_bound(code, address.value, {}, &Instruction::address);
  if (after == code.begin()) return nullptr;
  const Instruction &instruction = *std::prev(after);
  return address.value < instruction.address + instruction.length ? &instruction : nullptr;
}

std::string Function::at(LinkAddress address) const {
  if (name.empty()) return hexAddress(address);
  return address == begin ? name : cat(name, "+", address - begin);
}

std::optional<Function> functionOf(const target::Symbol &symbol, const target::ElfFile &file, const std::string &owner,
                                   const Context &context) {
  uint64_t limit = codeEnd(file, symbol.address); // a size from a file is not trusted
  uint64_t room = limit - std::min(limit, symbol.address.value);
  return decoded({.name = readable(symbol.name),
                  .owner = owner,
                  .begin = symbol.address,
                  .end = symbol.address + std::min(symbol.size, room)},
                 file, context);
}

std::optional<Function> functionAt(const Spot &spot, const Context &context) {
  const target::ElfFile &file = *spot.file;
  if (spot.symbol != nullptr && spot.symbol->kind == target::SymbolKind::Function && covers(*spot.symbol, spot.link))
    return functionOf(*spot.symbol, file, spot.owner, context);
  if (auto symbol = file.symbolAt(spot.link); symbol && covers(*symbol, spot.link))
    return functionOf(*symbol, file, spot.owner, context);
  uint64_t limit = std::min(file.nextSymbol(spot.link).value, codeEnd(file, spot.link));
  uint64_t size = limit - std::min(limit, spot.link.value);
  return decoded(
      {.name = "", .owner = spot.owner, .begin = spot.link, .end = spot.link + std::min(size, kWithoutSymbol)}, file,
      context);
}

namespace {

// The lines of a listing, in columns.
class Rows {
public:
  Rows(const Function &function, LinkAddress marked) : function_(function), marked_(marked.value) {}

  void add(uint64_t begin, uint64_t end, std::string text) {
    BytesView bytes = BytesView(function_.bytes).subspan(begin - function_.begin.value, end - begin);
    rows_.push_back({begin <= marked_ && marked_ < end, hexAddress(begin), cat("+", begin - function_.begin.value),
                     toSpacedHex(bytes), std::move(text)});
    offsetWidth_ = std::max(offsetWidth_, rows_.back().offset.size());
    bytesWidth_ = std::max(bytesWidth_, rows_.back().bytes.size());
  }

  [[nodiscard]] std::vector<std::string> lines() const {
    auto padded = [](const std::string &text, size_t width) { return text + std::string(width - text.size(), ' '); };
    std::vector<std::string> out;
    out.reserve(rows_.size());
    for (const Row &row : rows_)
      out.push_back(cat(row.marked ? "-> " : "", row.address, " ", padded(row.offset, offsetWidth_), "  ",
                        padded(row.bytes, bytesWidth_), "  ", row.text));
    return out;
  }

private:
  struct Row {
    bool marked = false;
    std::string address, offset, bytes, text;
  };

  const Function &function_;
  uint64_t marked_;
  std::vector<Row> rows_;
  size_t offsetWidth_ = 0, bytesWidth_ = 0;
};

} // namespace

Note listing(const Function &function, LinkAddress address, const Context &context) {
  auto here =
      std::ranges::upper_bound(function.code, address.value, {}, &Instruction::address) - function.code.begin() - 1;
  auto count = static_cast<std::ptrdiff_t>(function.code.size());
  auto first = std::max<std::ptrdiff_t>(0, here - kLinesBefore), last = std::min(count, here + kLinesAfter + 1);
  Rows rows(function, address);
  uint64_t at = first == 0 ? function.begin.value : function.code[static_cast<size_t>(first)].address;
  auto undecoded = [&](uint64_t end) {
    if (at < end) rows.add(at, end, "(no instruction)");
  };
  for (auto i = first; i < last; i++) {
    const Instruction &instruction = function.code[static_cast<size_t>(i)];
    undecoded(instruction.address);
    at = instruction.address + instruction.length;
    rows.add(instruction.address, at, context.decoder->text(function.bytesOf(instruction), instruction.address));
  }
  if (last == count) undecoded(function.end.value);
  return {function.name.empty() ? function.owner : cat(function.owner, ", ", function.name), {}, rows.lines()};
}

} // namespace lpc::sema
