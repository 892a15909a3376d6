// The words are those of GCC and Clang, so that nobody has to learn them.
#include "ir/support/warnings.h"

#include <algorithm>

#include "ir/support/cat.h"

namespace lpc {
namespace {

std::vector<std::string> warningNames() {
  std::vector<std::string> names;
  for (const DiagnosticInfo &row : allDiagnostics())
    if (row.severity == Severity::Warning) names.emplace_back(row.text);
  return names;
}

Result<DiagnosticId> warningNamed(std::string_view name) {
  for (const DiagnosticInfo &row : allDiagnostics()) {
    if (row.text != name) continue;
    if (row.severity == Severity::Warning) return row.id;
    return fail(DiagnosticId::Usage, cat("`", name, "` is an error, and only warnings can be chosen"));
  }
  std::vector<std::string> names = warningNames(), near = nearest(name, names);
  std::string help;
  if (!near.empty()) {
    help = cat("did you mean `", near[0], "`?");
  } else {
    help = "the warnings are";
    for (const std::string &each : names)
      help += " " + each;
  }
  return fail(DiagnosticId::Usage, cat("no warning is called `", name, "`"), std::move(help));
}

bool cutPrefix(std::string_view &word, std::string_view prefix) {
  if (!word.starts_with(prefix)) return false;
  word.remove_prefix(prefix.size());
  return true;
}

} // namespace

Result<void> WarningPolicy::add(std::string_view word) {
  if (word == "error") return allAreErrors_ = true, Result<void>{};
  if (word == "no-error") return allAreErrors_ = false, Result<void>{};
  bool no = cutPrefix(word, "no-"), error = cutPrefix(word, "error=");
  auto id = warningNamed(word);
  if (!id) return std::unexpected(std::move(id.error()));
  if (!error) {
    no ? void(off_.insert(*id)) : void(off_.erase(*id));
  } else {
    (no ? errors_ : noErrors_).erase(*id);
    (no ? noErrors_ : errors_).insert(*id);
    if (!no) off_.erase(*id);
  }
  return {};
}

Diagnostics WarningPolicy::of(const Diagnostics &diagnostics) const {
  Diagnostics out;
  for (Diagnostic diagnostic : diagnostics.all()) {
    if (diagnostic.severity == Severity::Warning) {
      if (off_.contains(diagnostic.id)) continue;
      bool error = (allAreErrors_ && !noErrors_.contains(diagnostic.id)) || errors_.contains(diagnostic.id);
      if (error) diagnostic.severity = Severity::Error;
    }
    out.add(std::move(diagnostic));
  }
  return out;
}

} // namespace lpc
