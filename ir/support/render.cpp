// Diagnostics as text for people: the form that CONTRIBUTING.md shows.
//
// Everything that comes from outside passes through displayable() or glyphs(); the only escape sequences in the
// output are those that Style adds.
#include <algorithm>
#include <cstddef>
#include <numeric>

#include "ir/support/diagnostic.h"
#include "ir/support/display.h"
#include "ir/support/utf8.h"

namespace lpc {
namespace {

// A line of this many columns is shown whole; of a longer one (a `hex` value, a file that is no patch) only what is
// around the carets.
constexpr size_t kLongestLine = 200;
constexpr size_t kContext = 60;
// Of words that are longer, in bytes, the rest is left out: a name may have as many megabytes as the file that has it.
constexpr size_t kLongestText = 4000;

constexpr std::string_view kBold = "\x1b[1m", kRed = "\x1b[1;31m", kYellow = "\x1b[1;33m", kGreen = "\x1b[1;32m",
                           kCyan = "\x1b[1;36m", kReset = "\x1b[0m";

// The code point, or the byte that belongs to none, at the front of `text`.
size_t lengthOfFirst(std::string_view text) { return std::max<size_t>(codePointLength(text), 1); }

// Fit for a terminal, and no longer than somebody would read.
std::string readable(std::string_view text) {
  if (text.size() <= kLongestText) return displayable(text);
  size_t end = kLongestText;
  while (end > kLongestText - 4 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    end--; // not inside a character
  return displayable(text.substr(0, end)) + "…";
}

class Renderer {
public:
  Renderer(const SourceText &source, bool colour) : source_(source), colour_(colour) {}

  std::string render(const Diagnostic &diagnostic) {
    headline(diagnostic);
    excerpt(diagnostic.place, diagnostic.under);
    for (const Note &each : diagnostic.notes)
      note(each);
    if (!diagnostic.help.empty()) line("  " + styled(kGreen, "help:") + " " + readable(diagnostic.help));
    return std::move(out_);
  }

private:
  void line(const std::string &text) { out_ += text + "\n"; }

  [[nodiscard]] std::string styled(std::string_view style, const std::string &text) const {
    return colour_ ? std::string(style) + text + std::string(kReset) : text;
  }

  // "file:line:column: ", as much of it as is known.
  [[nodiscard]] std::string where(const Place &place) const {
    std::string name = displayable(source_.name());
    if (place.known()) {
      if (name.empty())
        name = "line ";
      else
        name += ":";
      return name + std::to_string(place.line) + ":" + std::to_string(place.column) + ": ";
    }
    return name.empty() ? name : name + ": ";
  }

  void headline(const Diagnostic &diagnostic) {
    bool error = diagnostic.severity == Severity::Error;
    std::string place = where(diagnostic.place);
    line((place.empty() ? place : styled(kBold, place)) +
         styled(error ? kRed : kYellow, error ? "error:" : "warning:") + " " + readable(diagnostic.message) + " [" +
         std::string(info(diagnostic.id).text) + "]");
  }

  void note(const Note &note) {
    // Lines without a sentence belong to the message itself and stand at the margin of the notes.
    if (note.message.empty()) {
      for (const std::string &each : note.lines)
        line("  " + readable(each));
      return;
    }
    bool shown = !lineToShow(note.place, "").glyphs.empty();
    std::string place = note.place.known() && !shown ? where(note.place) : "";
    line("  " + styled(kCyan, "note:") + " " + place + readable(note.message));
    if (shown) excerpt(note.place, "");
    for (const std::string &each : note.lines) {
      bool marked = each.starts_with("-> ");
      line((marked ? "     " : "        ") + readable(each));
    }
  }

  // Text of the line that `place` begins in: glyphs, and whether there is more in front of them and behind.
  struct Line {
    std::vector<Glyph> glyphs;
    size_t skipped = 0;
    bool isCut = false;
  };

  // Empty where there is nothing to see. A message about the end of the file may have a line without text: it is shown
  // when there are words to stand behind the caret. Of a line of megabytes only what is around the place is looked at.
  [[nodiscard]] Line lineToShow(const Place &place, const std::string &under) const {
    if (!place.known()) return {};
    std::string_view text = source_.line(place.line);
    if (text.ends_with('\r')) text.remove_suffix(1); // of a file with CR LF
    Line out;
    if (text.size() > kLongestText) {
      for (; out.skipped + kContext + 1 < place.column && text.size() > 1; out.skipped++)
        text.remove_prefix(lengthOfFirst(text));
      size_t end = 0;
      for (size_t count = 0; end < text.size() && count <= kContext + kLongestLine; count++)
        end += lengthOfFirst(text.substr(end));
      out.isCut = end < text.size();
      text = text.substr(0, end);
    }
    out.glyphs = glyphs(text);
    if (out.glyphs.empty() && !under.empty()) out.glyphs.push_back({" ", 1});
    return out;
  }

  // A half-open range of glyphs.
  struct Range {
    size_t begin = 0, end = 0;
  };

  static size_t widthOf(const std::vector<Glyph> &line, Range range) {
    auto first = line.begin() + static_cast<std::ptrdiff_t>(range.begin),
         last = line.begin() + static_cast<std::ptrdiff_t>(range.end);
    return std::accumulate(first, last, size_t{0}, [](size_t sum, const Glyph &glyph) { return sum + glyph.width; });
  }

  // What the carets stand under: to the end of the line where the place has several, and at least one glyph; behind
  // the last one (one past the end) for what is missing there.
  static Range marked(const Place &place, const Line &line) {
    auto glyph = [&](uint32_t column) {
      size_t at = std::max(column, 1U) - 1;
      return std::min(at - std::min(at, line.skipped), line.glyphs.size());
    };
    size_t begin = glyph(place.column);
    size_t end = place.endLine > place.line ? line.glyphs.size() : glyph(place.endColumn);
    return {begin, std::max(begin, end)};
  }

  // What is shown of a long line.
  static Range window(const std::vector<Glyph> &line, Range mark) {
    Range all{0, line.size()};
    if (widthOf(line, all) <= kLongestLine) return all;
    Range out{mark.begin > kContext ? mark.begin - kContext : 0, mark.begin};
    for (size_t width = widthOf(line, out); out.end < line.size(); out.end++) {
      width += line[out.end].width;
      if (width > kLongestLine) break;
    }
    return out;
  }

  void excerpt(const Place &place, const std::string &under) {
    const Line source = lineToShow(place, under);
    const std::vector<Glyph> &glyphs = source.glyphs;
    if (glyphs.empty()) return;
    Range mark = marked(place, source);
    Range shown = window(glyphs, mark);
    mark.end = std::min(mark.end, shown.end);
    std::string cut = shown.begin + source.skipped > 0 ? "…" : "";
    std::string text = cut;
    for (size_t i = shown.begin; i < shown.end; i++)
      text += glyphs[i].text;
    if (shown.end < glyphs.size() || source.isCut) text += "…";
    while (text.ends_with(' '))
      text.pop_back();

    std::string number = std::to_string(place.line);
    std::string gutter(std::max<size_t>(number.size(), 5), ' ');
    line(gutter.substr(number.size()) + number + (text.empty() ? " |" : " | ") + text);

    std::string blanks((cut.empty() ? 0 : 1) + widthOf(glyphs, {shown.begin, mark.begin}), ' ');
    std::string carets = "^" + std::string(std::max<size_t>(widthOf(glyphs, mark), 1) - 1, '~');
    line(gutter + " | " + blanks + styled(kGreen, carets) + (under.empty() ? "" : " " + readable(under)));
  }

  const SourceText &source_;
  bool colour_;
  std::string out_;
};

} // namespace

std::string render(const Diagnostic &diagnostic, const SourceText &source, bool colour) {
  return Renderer(source, colour).render(diagnostic);
}

} // namespace lpc
