// "did you mean …?": the remedy for a mistyped name.
#pragma once

#include <string>
#include <vector>

namespace lpc::sema {

// "did you mean `a`, `b` or `c`?"; empty where nothing is near.
std::string didYouMean(const std::vector<std::string> &names);

// "`a`, `b` and `c`", for lists in a sentence.
std::string list(const std::vector<std::string> &names, const char *lastWord);

} // namespace lpc::sema
