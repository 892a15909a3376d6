// The collector, the table, source text, errors and the end in a bug.
#include <gtest/gtest.h>

#include <unistd.h>

#include <cerrno>
#include <set>

#include "ir/support/result.h"

namespace lpc {
namespace {

TEST(Table, hasStableIds) {
  std::set<std::string_view> seen;
  for (const DiagnosticInfo &row : allDiagnostics()) {
    EXPECT_TRUE(seen.insert(row.text).second) << row.text << " stands twice";
    EXPECT_EQ(row.text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), std::string_view::npos) << row.text;
    EXPECT_FALSE(row.explanation.empty()) << row.text;
    EXPECT_TRUE(row.explanation.ends_with('.')) << row.text;
    EXPECT_FALSE(row.danger.empty()) << row.text;
    EXPECT_TRUE(row.danger.ends_with('.')) << row.text;
    EXPECT_EQ(info(row.id).text, row.text);
  }
  EXPECT_EQ(info(DiagnosticId::SyntaxError).text, "syntax-error");
  EXPECT_EQ(info(DiagnosticId::WritableCode).severity, Severity::Warning);
}

TEST(Diagnostics, areSortedByPlace) {
  Diagnostics all;
  all.report(DiagnosticId::CannotOpen, {}, "no place");
  all.report(DiagnosticId::SyntaxError, {3, 1, 3, 2}, "third");
  all.report(DiagnosticId::SyntaxError, {1, 5, 1, 6}, "second");
  all.report(DiagnosticId::SyntaxError, {1, 1, 1, 2}, "first, reported first");
  all.report(DiagnosticId::UnknownSymbol, {1, 1, 1, 2}, "first, reported second");
  std::vector<std::string> messages;
  for (const Diagnostic &each : all.sorted())
    messages.push_back(each.message);
  EXPECT_EQ(messages, (std::vector<std::string>{"first, reported first", "first, reported second", "second", "third",
                                                "no place"}));
  EXPECT_EQ(all.all().front().message, "no place");
}

TEST(Diagnostics, countsErrorsAndNotWarnings) {
  Diagnostics all;
  EXPECT_FALSE(all.hasErrors());
  all.report(DiagnosticId::WritableCode, {1, 1, 1, 2}, "a warning").help = "use `rx`";
  EXPECT_FALSE(all.hasErrors());
  all.report(DiagnosticId::SyntaxError, {1, 1, 1, 2}, "an error");
  all.add({.id = DiagnosticId::WritableCode, .severity = Severity::Error, .message = "a warning made an error"});
  EXPECT_TRUE(all.hasErrors());
  EXPECT_EQ(all.errorCount(), 2U);
  EXPECT_EQ(all.all()[0].help, "use `rx`");
  EXPECT_EQ(all.all()[0].severity, Severity::Warning);
}

TEST(Source, findsLines) {
  SourceText text("f", "one\n\nthree");
  EXPECT_EQ(text.line(0), "");
  EXPECT_EQ(text.line(1), "one");
  EXPECT_EQ(text.line(2), "");
  EXPECT_EQ(text.line(3), "three");
  EXPECT_EQ(text.line(4), "");
  EXPECT_EQ(text.line(UINT32_MAX), "");
  EXPECT_EQ(SourceText("f", "").line(1), "");
  EXPECT_EQ(SourceText("f", "x\n").line(2), "");
}

TEST(Source, joinsPlaces) {
  EXPECT_EQ(join({1, 2, 1, 5}, {3, 1, 3, 4}), (Place{1, 2, 3, 4}));
  EXPECT_EQ(join({}, {3, 1, 3, 4}), (Place{3, 1, 3, 4}));
  EXPECT_EQ(join({1, 2, 1, 5}, {}), (Place{1, 2, 1, 5}));
}

TEST(Errors, sayWhatWasBeingDone) {
  Result<int> result = failErrno(DiagnosticId::CannotOpen, "cannot open `x`", ENOENT);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "cannot open `x`: No such file or directory");
  Error error = std::move(result.error()).during("reading the target");
  EXPECT_EQ(error.message, "reading the target: cannot open `x`: No such file or directory");
}

TEST(Errors, becomeDiagnostics) {
  Error error{
      .id = DiagnosticId::DebugFileMismatch, .message = "m", .notes = {{"n"}}, .help = "h", .place = {1, 1, 1, 2}};
  Diagnostic diagnostic = toDiagnostic(error);
  EXPECT_EQ(diagnostic, (Diagnostic{.id = DiagnosticId::DebugFileMismatch,
                                    .severity = Severity::Warning,
                                    .place = {1, 1, 1, 2},
                                    .message = "m",
                                    .notes = {{"n"}},
                                    .help = "h"}));
  EXPECT_EQ(toDiagnostic(error, {5, 1, 5, 2}).place, (Place{5, 1, 5, 2}));
}

void sayFirst() { (void)!write(STDERR_FILENO, "[registered first]", 18); }
void sayLast() { (void)!write(STDERR_FILENO, "[registered last]", 17); }

TEST(BugDeathTest, runsTheHandlersInReverseOrderAndEndsWith70) {
  int one = 1;
  auto fails = [&] {
    onBug(sayFirst);
    onBug(sayLast);
    LPC_CHECK(one == 2);
  };
  EXPECT_EXIT(
      fails(), ::testing::ExitedWithCode(70),
      R"(\[registered last\]\[registered first\]lpc: bug: .*diagnostics\.cpp:[0-9]+: `one == 2` does not hold)");
}

TEST(BugDeathTest, endsEvenWhenAHandlerIsWrong) {
  auto fails = [] {
    onBug([] { LPC_CHECK(0 == 1); });
    LPC_CHECK(0 == 2);
  };
  EXPECT_EXIT(fails(), ::testing::ExitedWithCode(70), "`0 == 1` does not hold");
}

TEST(BugDeathTest, hasRoomForEightHandlers) {
  auto registers = [](int count) {
    for (int i = 0; i < count; i++)
      onBug([] {});
    _exit(0);
  };
  EXPECT_EXIT(registers(8), ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(registers(9), ::testing::ExitedWithCode(70), "slot < handlers.size()");
}

} // namespace
} // namespace lpc
