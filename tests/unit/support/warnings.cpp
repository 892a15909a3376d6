// -W: which warnings are said, and which are errors.
#include "ir/support/warnings.h"

#include <gtest/gtest.h>

namespace lpc {
namespace {

// What becomes of a missing library (a warning), memory that is writable and executable (a warning), and an error.
std::string after(const std::vector<std::string> &words) {
  WarningPolicy policy;
  for (const std::string &word : words)
    if (auto added = policy.add(word); !added) return added.error().message + "; " + added.error().help;
  Diagnostics diagnostics;
  diagnostics.report(DiagnosticId::MissingLibrary, {}, "m");
  diagnostics.report(DiagnosticId::WritableCode, {}, "w");
  diagnostics.report(DiagnosticId::UnknownSymbol, {}, "u");
  std::string out;
  Diagnostics judged = policy.of(diagnostics);
  for (const Diagnostic &each : judged.all())
    out += each.message + (each.severity == Severity::Error ? "! " : "? ");
  return out;
}

TEST(Warnings, AreSaidUnlessTheyAreNotWanted) {
  EXPECT_EQ(after({}), "m? w? u! ");
  EXPECT_EQ(after({"no-writable-code"}), "m? u! ");
  EXPECT_EQ(after({"no-writable-code", "writable-code"}), "m? w? u! ");
}

TEST(Warnings, AreErrorsIfWanted) {
  EXPECT_EQ(after({"error"}), "m! w! u! ");
  EXPECT_EQ(after({"error", "no-missing-library"}), "w! u! ");
  EXPECT_EQ(after({"error=writable-code"}), "m? w! u! ");
  EXPECT_EQ(after({"error", "no-error=writable-code"}), "m! w? u! ");
  EXPECT_EQ(after({"no-writable-code", "error=writable-code"}), "m? w! u! ");
  EXPECT_EQ(after({"error", "no-error"}), "m? w? u! ");
}

TEST(Warnings, AreKnownByName) {
  EXPECT_EQ(after({"no-writeable-code"}), "no warning is called `writeable-code`; did you mean `writable-code`?");
  EXPECT_EQ(after({"no-unknown-symbol"}), "`unknown-symbol` is an error, and only warnings can be chosen; ");
  EXPECT_EQ(after({""}).find("no warning is called ``; the warnings are "), 0U);
}

} // namespace
} // namespace lpc
