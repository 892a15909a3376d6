// The order of a patch's statements: `patch` and `target` at most once each, and they and `object` before all others.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "ir/support/diagnostic.h"

namespace lpc::parsing {

class Headers {
public:
  explicit Headers(Diagnostics &diagnostics) : diagnostics_(diagnostics) {}

  // A statement that starts with `instruction`, in the order of the file. False where it must be left out (a second
  // `patch` or `target`). DuplicateHeader, HeaderOrder; at most one.
  bool admit(std::string_view instruction, const Place &place);

  // A line that has its message already: it still counts as what its first word says, so that the order of the others
  // is judged as it will be once the line is mended.
  void count(std::string_view instruction, const Place &place);

private:
  Diagnostics &diagnostics_;
  std::map<std::string, Place, std::less<>> once_; // `patch`, `target`: where they stand
  Place firstOther_{};                             // the first statement that is no header
};

} // namespace lpc::parsing
