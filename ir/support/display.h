// Text from outside (a patch, a symbol table, a path) made fit for a terminal.
//
// Names and source lines are written by people who may be hostile to whoever reads the message: an escape sequence in
// a symbol's name must not repaint the screen, and a bidirectional override must not show other code than what is there
// (CVE-2021-42574). What is not printable is spelled out: `\x1b`, `\u{202e}`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lpc {

// One code point, or one byte that belongs to no valid UTF-8 sequence, as it is shown.
struct Glyph {
  std::string text;   // printable UTF-8
  unsigned width = 0; // columns of a terminal: 2 for wide characters, 0 for combining ones
};

// The glyphs of one line, in order: exactly one for each column as Place counts them. Tabs are expanded to blanks
// (stops every 8 columns), so that what stands below the line stays in place.
std::vector<Glyph> glyphs(std::string_view line);

// The same as one string.
std::string displayable(std::string_view text);

// Between double quotes, with the escapes of the language's STRING: \n \t \r \\ \" and \xHH for every byte of what is
// not printable. Unlike displayable() it is exact: reading it gives the same bytes.
std::string quoted(std::string_view text);

} // namespace lpc
