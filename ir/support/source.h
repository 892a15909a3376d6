// Source text and places in it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace lpc {

// A range of source text. Lines and columns count from 1; columns count Unicode code points, as editors
// show them; the end is one past the last character. line == 0: no place (the message concerns a file or a
// process as a whole).
struct Place {
  uint32_t line = 0, column = 0, endLine = 0, endColumn = 0;
  auto operator<=>(const Place &) const = default;
  [[nodiscard]] bool known() const { return line != 0; }
};

// From the first character of `a` to the last of `b`.
Place join(const Place &a, const Place &b);

// The text of one patch file, kept for messages; copies share it. Lines are found once, on first use.
class SourceText {
public:
  SourceText() = default;
  // `name` is how the user called the file ("-" for standard input); `text` is the whole content.
  SourceText(std::string name, std::string text)
      : name_(std::move(name)), text_(std::make_shared<const std::string>(std::move(text))) {}

  [[nodiscard]] const std::string &name() const { return name_; }
  [[nodiscard]] std::string_view text() const { return text_ ? std::string_view(*text_) : std::string_view{}; }
  // Line `number` (from 1) without its newline; empty where there is no such line.
  [[nodiscard]] std::string_view line(uint32_t number) const;

private:
  std::string name_;
  std::shared_ptr<const std::string> text_;
  mutable std::vector<size_t> starts_;
};

} // namespace lpc
