// The values of literals.
//
// Each function reads by hand, not by strtoull and the like: those take more than the language (blanks, commas of a
// locale, "infinity") and cannot tell what is wrong.
#include "frontend/parse/literals.h"

#include <clocale>
#include <cmath>
#include <cstdlib>
#include <optional>

#include "ir/support/cat.h"
#include "ir/support/utf8.h"

namespace lpc::parsing {

namespace {

constexpr unsigned kNoDigit = 99;

unsigned digitValue(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A' + 10);
  return kNoDigit;
}

// --- integers -----------------------------------------------------------------------------------------------------

struct Base {
  unsigned value;
  size_t prefix;         // characters before the digits
  std::string_view kind; // with its article
};

Base baseOf(std::string_view unsignedWord) {
  if (unsignedWord.size() >= 2 && unsignedWord[0] == '0') {
    char second = unsignedWord[1];
    if (second == 'x' || second == 'X') return {16, 2, "a hexadecimal"};
    if (second == 'b' || second == 'B') return {2, 2, "a binary"};
    return {8, 1, "an octal"};
  }
  return {10, 0, "a decimal"};
}

LiteralError badInteger(std::string_view word, std::string_view reason, std::string help = {}) {
  return {DiagnosticId::BadInteger, cat(inTicks(word), " is not an integer", reason), 0, word.size(), std::move(help)};
}

LiteralError badDigit(std::string_view word, std::string_view at, const Base &base) {
  unsigned digit = digitValue(at[0]);
  std::string help;
  if (base.value == 8 && digit < 10) help = "a leading 0 makes a number octal";
  if (base.value == 10 && digit < 16) help = "a hexadecimal number starts with `0x`";
  std::string_view character = at.substr(0, codePointLength(at));
  return badInteger(word, cat(": ", inTicks(character), " is not a digit of ", base.kind, " number"), help);
}

// --- strings ------------------------------------------------------------------------------------------------------

struct Escape {
  char byte;
  size_t length; // with the backslash
};

std::optional<char> simpleEscape(char letter) {
  switch (letter) {
  case 'n': return '\n';
  case 't': return '\t';
  case 'r': return '\r';
  case '\\': return '\\';
  case '"': return '"';
  default: return std::nullopt;
  }
}

LiteralError badString(std::string message, size_t offset, size_t length, std::string help = {}) {
  return {DiagnosticId::BadString, std::move(message), offset, length, std::move(help)};
}

// `text` starts with a backslash, which stands at `offset` of the word.
Literal<Escape> readEscape(std::string_view text, size_t offset) {
  constexpr const char *kEscapes = R"(the escapes are \n \t \r \0 \\ \" \xHH \ooo)";
  if (text.size() < 2) return std::unexpected(badString("a string cannot end in a lone `\\`", offset, 1, kEscapes));
  if (auto simple = simpleEscape(text[1])) return Escape{*simple, 2};
  if (text[1] == 'x') {
    if (text.size() >= 4 && digitValue(text[2]) < 16 && digitValue(text[3]) < 16)
      return Escape{static_cast<char>(digitValue(text[2]) * 16 + digitValue(text[3])), 4};
    return std::unexpected(badString("`\\x` needs two hexadecimal digits", offset, 2, kEscapes));
  }
  unsigned value = 0;
  size_t length = 1;
  for (; length < 4 && length < text.size() && digitValue(text[length]) < 8; length++)
    value = value * 8 + digitValue(text[length]);
  if (length == 1) {
    size_t character = 1 + codePointLength(text.substr(1));
    return std::unexpected(
        badString(cat(inTicks(text.substr(0, character)), " is not an escape"), offset, character, kEscapes));
  }
  if (value > 0xff)
    return std::unexpected(badString(cat(inTicks(text.substr(0, length)), " is more than a byte holds"), offset, length,
                                     "the largest octal escape is `\\377`"));
  return Escape{static_cast<char>(value), length};
}

} // namespace

std::string inTicks(std::string_view word) {
  constexpr size_t kShown = 60;
  if (word.size() <= kShown) return cat("`", word, "`");
  size_t end = kShown;
  while ((static_cast<unsigned char>(word[end]) & 0xc0) == 0x80) // not inside a code point
    end--;
  return cat("`", word.substr(0, end), "…`");
}

Literal<ast::Integer> readInteger(std::string_view word) {
  ast::Integer out{.spelling = std::string(word)};
  std::string_view rest = word;
  if (rest.starts_with('-') || rest.starts_with('+')) {
    out.negative = rest[0] == '-';
    rest.remove_prefix(1);
  }
  if (rest.empty() || digitValue(rest[0]) > 9) return std::unexpected(badInteger(word, ""));
  Base base = baseOf(rest);
  std::string_view digits = rest.substr(base.prefix);
  if (digits.empty()) return std::unexpected(badInteger(word, cat(": there are no digits behind ", inTicks(rest))));
  bool fits = true, afterDigit = base.value == 8; // 0_7: the 0 is a digit
  for (size_t i = 0; i < digits.size(); i++) {
    if (digits[i] == '_') {
      if (!afterDigit || i + 1 == digits.size())
        return std::unexpected(badInteger(word, ": `_` stands between two digits"));
      afterDigit = false;
      continue;
    }
    unsigned digit = digitValue(digits[i]);
    if (digit >= base.value) return std::unexpected(badDigit(word, digits.substr(i), base));
    afterDigit = true;
    fits = fits && !__builtin_mul_overflow(out.magnitude, base.value, &out.magnitude) &&
           !__builtin_add_overflow(out.magnitude, digit, &out.magnitude);
  }
  if (!fits)
    return std::unexpected(LiteralError{DiagnosticId::IntegerOutOfRange, cat(inTicks(word), " does not fit 64 bits"), 0,
                                        word.size(),
                                        "the largest integer is 18446744073709551615 (0xffffffffffffffff)"});
  return out;
}

Literal<ast::Real> readReal(std::string_view word) {
  // The "C" locale, whatever the program around us has chosen: a comma would end the number at its point.
  static const locale_t plain = newlocale(LC_ALL_MASK, "C", nullptr);
  ast::Real out{.spelling = std::string(word)};
  std::string_view magnitude = word.substr(word.starts_with('-') || word.starts_with('+') ? 1 : 0);
  bool named = magnitude == "nan" || magnitude == "inf";
  char *end = nullptr;
  out.value = strtod_l(out.spelling.c_str(), &end, plain);
  bool starts = !magnitude.empty() && (digitValue(magnitude[0]) < 10 || magnitude[0] == '.');
  if (!named && (!starts || end != out.spelling.data() + out.spelling.size()))
    return std::unexpected(LiteralError{DiagnosticId::BadFloat, cat(inTicks(word), " is not a floating-point number"),
                                        0, word.size(),
                                        "such numbers look like `1.5`, `-2e-3`, `0x1.8p3`, `nan`, `inf`"});
  if (!named && std::isinf(out.value))
    return std::unexpected(LiteralError{DiagnosticId::BadFloat,
                                        cat(inTicks(word), " is too large for a 64-bit floating-point number"), 0,
                                        word.size(), "write `inf` if that is what you mean"});
  return out;
}

Literal<std::string> readString(std::string_view word) {
  if (!word.starts_with('"'))
    return std::unexpected(
        badString(cat("expected a string in double quotes, not ", inTicks(word)), 0, word.size(), "put it in quotes"));
  std::string out;
  for (size_t i = 1; i < word.size();) {
    if (word[i] == '"') return out;
    if (word[i] != '\\') {
      out += word[i++];
      continue;
    }
    auto escape = readEscape(word.substr(i), i);
    if (!escape) return std::unexpected(std::move(escape.error()));
    out += escape->byte;
    i += escape->length;
  }
  return std::unexpected(badString("the string has no closing quote on its line", 0, word.size(),
                                   "write `\\n` for a newline in a string"));
}

Literal<Bytes> readHex(std::string_view word) {
  for (size_t i = 0; i < word.size(); i++) {
    if (digitValue(word[i]) < 16) continue;
    size_t length = codePointLength(word.substr(i));
    bool prefixed = word.starts_with("0x") || word.starts_with("0X");
    return std::unexpected(LiteralError{DiagnosticId::BadHex,
                                        cat(inTicks(word.substr(i, length)), " is not a hexadecimal digit"), i, length,
                                        prefixed ? "the digits stand without `0x` here" : ""});
  }
  if (word.size() % 2 != 0)
    return std::unexpected(
        LiteralError{DiagnosticId::BadHex,
                     cat(inTicks(word), " has ", word.size(), word.size() == 1 ? " digit" : " digits",
                         ", but every byte is a pair of digits"),
                     0, word.size()});
  return *fromHex(word);
}

} // namespace lpc::parsing
