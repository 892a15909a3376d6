// Lines of a source text.
#include "ir/support/source.h"

#include <algorithm>

namespace lpc {

Place join(const Place &a, const Place &b) {
  if (!a.known()) return b;
  if (!b.known()) return a;
  return {a.line, a.column, b.endLine, b.endColumn};
}

std::string_view SourceText::line(uint32_t number) const {
  const std::string_view all = text();
  if (starts_.empty()) {
    starts_.push_back(all.starts_with("\xef\xbb\xbf") ? 3 : 0); // a byte order mark is no part of line 1
    for (size_t i = all.find('\n'); i != std::string_view::npos; i = all.find('\n', i + 1))
      starts_.push_back(i + 1);
  }
  if (number == 0 || number > starts_.size()) return {};
  size_t begin = starts_[number - 1];
  size_t end = std::min(all.find('\n', begin), all.size());
  return all.substr(begin, end - begin);
}

} // namespace lpc
