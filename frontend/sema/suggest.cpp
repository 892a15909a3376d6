// Suggestions, as one sentence.
#include "frontend/sema/suggest.h"

#include "ir/support/cat.h"

namespace lpc::sema {

std::string list(const std::vector<std::string> &names, const char *lastWord) {
  std::string out;
  for (size_t i = 0; i < names.size(); i++) {
    if (i != 0) out += i + 1 == names.size() ? cat(" ", lastWord, " ") : ", ";
    out += cat("`", names[i], "`");
  }
  return out;
}

std::string didYouMean(const std::vector<std::string> &names) {
  return names.empty() ? "" : cat("did you mean ", list(names, "or"), "?");
}

} // namespace lpc::sema
