// Widths follow Unicode's East Asian Width (UAX #11). wcwidth(3) was rejected because it depends on the locale of
// whoever runs lpc; so the few ranges that matter stand here. They are blocks, not single characters: unassigned ones
// inside a block take its width, and marks of scripts that no block names count as one column.
#include "ir/support/display.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "ir/support/utf8.h"

namespace lpc {
namespace {

constexpr unsigned kTabStop = 8;

struct Range {
  char32_t first, last;
};

constexpr Range kWide[] = {
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2329, 0x232a},   {0x23e9, 0x23ec},   {0x23f0, 0x23f0},
    {0x23f3, 0x23f3},   {0x25fd, 0x25fe},   {0x2614, 0x2615},   {0x2648, 0x2653},   {0x267f, 0x267f},
    {0x2693, 0x2693},   {0x26a1, 0x26a1},   {0x26aa, 0x26ab},   {0x26bd, 0x26be},   {0x26c4, 0x26c5},
    {0x26ce, 0x26ce},   {0x26d4, 0x26d4},   {0x26ea, 0x26ea},   {0x26f2, 0x26f3},   {0x26f5, 0x26f5},
    {0x26fa, 0x26fa},   {0x26fd, 0x26fd},   {0x2705, 0x2705},   {0x270a, 0x270b},   {0x2728, 0x2728},
    {0x274c, 0x274c},   {0x274e, 0x274e},   {0x2753, 0x2755},   {0x2757, 0x2757},   {0x2795, 0x2797},
    {0x27b0, 0x27b0},   {0x27bf, 0x27bf},   {0x2b1b, 0x2b1c},   {0x2b50, 0x2b50},   {0x2b55, 0x2b55},
    {0x2e80, 0x3029},   {0x302e, 0x303e},   {0x3041, 0x3098},   {0x309b, 0x3247},   {0x3250, 0x4dbf},
    {0x4e00, 0xa4cf},   {0xa960, 0xa97f},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe10, 0xfe19},
    {0xfe30, 0xfe6f},   {0xff01, 0xff60},   {0xffe0, 0xffe6},   {0x16fe0, 0x18cff}, {0x1aff0, 0x1b2ff},
    {0x1f004, 0x1f004}, {0x1f0cf, 0x1f0cf}, {0x1f18e, 0x1f18e}, {0x1f191, 0x1f19a}, {0x1f200, 0x1f320},
    {0x1f32d, 0x1f335}, {0x1f337, 0x1f37c}, {0x1f37e, 0x1f393}, {0x1f3a0, 0x1f3ca}, {0x1f3cf, 0x1f3d3},
    {0x1f3e0, 0x1f3f0}, {0x1f3f4, 0x1f3f4}, {0x1f3f8, 0x1f43e}, {0x1f440, 0x1f440}, {0x1f442, 0x1f4fc},
    {0x1f4ff, 0x1f53d}, {0x1f54b, 0x1f54e}, {0x1f550, 0x1f567}, {0x1f57a, 0x1f57a}, {0x1f595, 0x1f596},
    {0x1f5a4, 0x1f5a4}, {0x1f5fb, 0x1f64f}, {0x1f680, 0x1f6c5}, {0x1f6cc, 0x1f6cc}, {0x1f6d0, 0x1f6d2},
    {0x1f6d5, 0x1f6df}, {0x1f6eb, 0x1f6ef}, {0x1f6f4, 0x1f6ff}, {0x1f7e0, 0x1f7eb}, {0x1f90c, 0x1f93a},
    {0x1f93c, 0x1f945}, {0x1f947, 0x1f9ff}, {0x1fa70, 0x1faff}, {0x20000, 0x3fffd},
};

constexpr Range kCombining[] = {
    {0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},   {0x5bf, 0x5bf},     {0x5c1, 0x5c2},   {0x5c4, 0x5c5},
    {0x610, 0x61a},   {0x64b, 0x65f},   {0x670, 0x670},   {0x6d6, 0x6dc},     {0x6df, 0x6e4},   {0x6e7, 0x6e8},
    {0x6ea, 0x6ed},   {0x93c, 0x93c},   {0x941, 0x948},   {0x94d, 0x94d},     {0xe31, 0xe31},   {0xe34, 0xe3a},
    {0xe47, 0xe4e},   {0x1160, 0x11ff}, {0x1ab0, 0x1ace}, {0x1dc0, 0x1dff},   {0x20d0, 0x20f0}, {0x302a, 0x302d},
    {0x3099, 0x309a}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xe0100, 0xe01ef},
};

// Controls, invisible formatting, bidirectional overrides, line and paragraph separators, surrogates' neighbours that
// are no characters, and private use (which fonts show as anything).
constexpr Range kUnprintable[] = {
    {0x0, 0x1f},        {0x7f, 0x9f},        {0xad, 0xad},       {0x600, 0x605},     {0x61c, 0x61c},
    {0x6dd, 0x6dd},     {0x70f, 0x70f},      {0x180e, 0x180e},   {0x200b, 0x200f},   {0x2028, 0x202e},
    {0x2060, 0x206f},   {0xe000, 0xf8ff},    {0xfdd0, 0xfdef},   {0xfeff, 0xfeff},   {0xfff0, 0xfffb},
    {0xfffe, 0xffff},   {0x110bd, 0x110bd},  {0x13430, 0x13438}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
    {0xe0000, 0xe00ff}, {0xe01f0, 0x10ffff},
};

template <size_t N> bool in(const Range (&table)[N], char32_t c) {
  const auto *range = std::lower_bound(std::begin(table), std::end(table), c,
                                       [](const Range &r, char32_t wanted) { return r.last < wanted; });
  return range != std::end(table) && range->first <= c;
}

// The code point that `sequence`, one valid UTF-8 sequence, stands for.
char32_t codePoint(std::string_view sequence) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(sequence[i]); };
  if (sequence.size() == 1) return byte(0);
  char32_t c = byte(0) & (0x7fU >> sequence.size());
  for (size_t i = 1; i < sequence.size(); i++)
    c = (c << 6) | (byte(i) & 0x3fU);
  return c;
}

std::string hex(uint32_t value, size_t digits) {
  std::string out;
  for (; value != 0 || out.size() < digits; value >>= 4)
    out.insert(out.begin(), "0123456789abcdef"[value & 15]);
  return out;
}

Glyph spelled(std::string text) {
  auto width = static_cast<unsigned>(text.size());
  return {std::move(text), width};
}

// The glyph at the front of `rest`, which is advanced past it.
Glyph takeGlyph(std::string_view &rest) {
  size_t length = codePointLength(rest);
  std::string_view raw = rest.substr(0, std::max<size_t>(length, 1));
  rest.remove_prefix(raw.size());
  if (length == 0) return spelled("\\x" + hex(static_cast<unsigned char>(raw[0]), 2));
  char32_t c = codePoint(raw);
  if (c < 0x80 && in(kUnprintable, c)) return spelled("\\x" + hex(c, 2));
  if (in(kUnprintable, c)) return spelled("\\u{" + hex(c, 1) + "}");
  unsigned width = in(kWide, c) ? 2 : in(kCombining, c) ? 0 : 1;
  return {std::string(raw), width};
}

// The same, which a tab is too, from `column` to its stop.
Glyph nextGlyph(std::string_view &rest, size_t column) {
  if (rest.front() != '\t') return takeGlyph(rest);
  rest.remove_prefix(1);
  auto blanks = static_cast<unsigned>(kTabStop - column % kTabStop);
  return {std::string(blanks, ' '), blanks};
}

} // namespace

std::vector<Glyph> glyphs(std::string_view line) {
  std::vector<Glyph> out;
  size_t column = 0;
  while (!line.empty()) {
    out.push_back(nextGlyph(line, column));
    column += out.back().width;
  }
  return out;
}

std::string displayable(std::string_view text) {
  std::string out;
  size_t column = 0;
  while (!text.empty()) {
    Glyph glyph = nextGlyph(text, column);
    column += glyph.width;
    out += glyph.text;
  }
  return out;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    std::string_view raw = text;
    Glyph glyph = takeGlyph(text);
    raw.remove_suffix(text.size());
    if (raw == "\n") {
      out += "\\n";
    } else if (raw == "\t") {
      out += "\\t";
    } else if (raw == "\r") {
      out += "\\r";
    } else if (raw == "\"" || raw == "\\") {
      out.append("\\").append(raw);
    } else if (glyph.text == raw) {
      out += raw;
    } else {
      for (char c : raw)
        out.append("\\x").append(hex(static_cast<unsigned char>(c), 2));
    }
  }
  return out + "\"";
}

} // namespace lpc
