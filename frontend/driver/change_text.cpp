// What was changed, as the author of the patch wrote it. A value is printed from the bytes that were written, by the
// type word of its `set`: what is shown is what is there.
#include "frontend/driver/change_text.h"

#include <sys/mman.h>

#include <array>
#include <bit>
#include <charconv>

#include "frontend/ast/ast.h"
#include "ir/support/cat.h"

namespace lpc::driver {
namespace {

std::string signedText(BytesView bytes) {
  unsigned unused = 64 - 8 * static_cast<unsigned>(bytes.size());
  return std::to_string(static_cast<int64_t>(loadLittle(bytes) << unused) >> unused);
}

// The shortest digits that read back as the same number.
template <class Float, class Bits> std::string realText(BytesView bytes) {
  std::array<char, 64> text{};
  auto [end, error] =
      std::to_chars(text.data(), text.data() + text.size(), std::bit_cast<Float>(static_cast<Bits>(loadLittle(bytes))));
  return {text.data(), end};
}

// Between quotes, with the escapes of the language.
std::string quotedText(BytesView bytes) {
  std::string out = "\"";
  for (uint8_t byte : bytes) {
    if (byte == '"' || byte == '\\')
      out += cat('\\', static_cast<char>(byte));
    else if (byte >= 0x20 && byte < 0x7f)
      out += static_cast<char>(byte);
    else
      out += "\\x" + toHex(BytesView(&byte, 1));
  }
  return out + "\"";
}

std::string valueText(const backend::PlannedChange &change, const SpellAddress &spell) {
  BytesView bytes = change.newBytes;
  std::optional<ast::Type> type = ast::typeNamed(change.type);
  if (!type) return toHex(bytes);
  switch (*type) {
  case ast::Type::Int:
  case ast::Type::I8:
  case ast::Type::I16:
  case ast::Type::I32:
  case ast::Type::I64: return signedText(bytes);
  case ast::Type::U8:
  case ast::Type::U16:
  case ast::Type::U32:
  case ast::Type::U64: return std::to_string(loadLittle(bytes));
  case ast::Type::F32: return realText<float, uint32_t>(bytes);
  case ast::Type::F64: return realText<double, uint64_t>(bytes);
  case ast::Type::Str: return {bytes.begin(), bytes.end()};
  case ast::Type::Text: return quotedText(bytes);
  case ast::Type::Cstr: return quotedText(bytes.empty() ? bytes : bytes.first(bytes.size() - 1));
  case ast::Type::Hex: return toHex(bytes);
  case ast::Type::Addr: return spell(RemoteAddress{loadLittle(bytes)});
  }
  return toHex(bytes);
}

} // namespace

std::string changeText(const backend::PlannedChange &change, const SpellAddress &spell) {
  switch (change.kind) {
  case backend::PlannedChange::Kind::Set:
    return cat("set ", spell(change.address), " ", change.type, " ", valueText(change, spell));
  case backend::PlannedChange::Kind::Jump: return cat("jmp ", spell(change.address), " ", spell(change.destination));
  case backend::PlannedChange::Kind::Code: return cat("asm ", spell(change.address), " [", change.newBytes.size(), "]");
  case backend::PlannedChange::Kind::Return:
    return cat("return ", spell(change.address), change.type.empty() ? "" : " ", change.type);
  case backend::PlannedChange::Kind::Import:
    return cat("got ", change.type, " ", spell(change.destination), " @ ", spell(change.address));
  case backend::PlannedChange::Kind::Nop: return cat("nop ", spell(change.address), " ", change.newBytes.size());
  }
  return {};
}

std::string spelledPlainly(RemoteAddress address) { return hexAddress(address); }

std::string openingText(const backend::PlannedOpening &opening) {
  return cat("$", opening.name, opening.loaded ? cat(" @ ", hexAddress(opening.base)) : "", " [", opening.size, "] ",
             opening.loaded && !opening.path.empty() ? opening.path : opening.file,
             opening.wasLoaded ? " (loaded before)" : "");
}

std::string memoryText(const backend::PlannedMemory &memory) {
  return cat(memory.id ? "$" : "", memory.name, " @ ", hexAddress(memory.address), " [", memory.requested, "]");
}

std::string bytesText(const backend::PlannedChange &change) {
  return cat(toSpacedHex(change.oldBytes), " -> ", toSpacedHex(change.newBytes));
}

std::string permissionText(int protection) {
  std::string out;
  if ((protection & PROT_READ) != 0) out += 'r';
  if ((protection & PROT_WRITE) != 0) out += 'w';
  if ((protection & PROT_EXEC) != 0) out += 'x';
  return out.empty() ? "none" : out;
}

} // namespace lpc::driver
