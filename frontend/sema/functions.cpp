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

Note listing(const Function &function, LinkAddress address, const Context &context) {
  struct Row {
    bool marked;
    std::string address, offset, bytes, text;
  };
  auto here =
      std::ranges::upper_bound(function.code, address.value, {}, &Instruction::address) - function.code.begin() - 1;
  auto count = static_cast<std::ptrdiff_t>(function.code.size());
  std::vector<Row> rows;
  size_t offsetWidth = 0, bytesWidth = 0;
  for (auto i = std::max<std::ptrdiff_t>(0, here - kLinesBefore); i < std::min(count, here + kLinesAfter + 1); i++) {
    const Instruction &instruction = function.code[static_cast<size_t>(i)];
    BytesView bytes = function.bytesOf(instruction);
    bool marked = instruction.address <= address.value && address.value < instruction.address + instruction.length;
    rows.push_back({marked, hexAddress(instruction.address), cat("+", instruction.address - function.begin.value),
                    toSpacedHex(bytes), context.decoder->text(bytes, instruction.address)});
    offsetWidth = std::max(offsetWidth, rows.back().offset.size());
    bytesWidth = std::max(bytesWidth, rows.back().bytes.size());
  }
  auto padded = [](const std::string &text, size_t width) { return text + std::string(width - text.size(), ' '); };
  Note note{function.name.empty() ? function.owner : cat(function.owner, ", ", function.name)};
  for (const Row &row : rows)
    note.lines.push_back(cat(row.marked ? "-> " : "", row.address, " ", padded(row.offset, offsetWidth), "  ",
                             padded(row.bytes, bytesWidth), "  ", row.text));
  return note;
}

} // namespace lpc::sema
