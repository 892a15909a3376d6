// lpc fmt, -W and --explain from outside.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/cli/lpc.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string contents(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Fmt, PrintsTheLayout) {
  RunResult result = lpcWith({"fmt", "-"}, "set   counter  int 8# why\n\n\n");
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.out, "set counter int 8  # why\n");
}

TEST(Fmt, WritesFilesAndTellsWhichWouldChange) {
  Folder folder;
  std::string bad = folder.write("bad.lp", "set   counter int 8\n"), good = folder.write("good.lp", "nop a 5\n");
  std::filesystem::permissions(bad, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  RunResult result = lpcWith({"fmt", "--check", bad, good});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.out, bad + "\n");
  EXPECT_EQ(lpcWith({"fmt", "-i", bad, good}).status, 0);
  EXPECT_EQ(contents(bad), "set counter int 8\n");
  EXPECT_EQ(std::filesystem::status(bad).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  result = lpcWith({"fmt", "--check", bad, good});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.out, "");
}

TEST(Fmt, LeavesAloneWhatDoesNotParse) {
  Folder folder;
  std::string file = folder.write("p.lp", "set   counter\n");
  RunResult result = lpcWith({"fmt", "-i", file});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("[syntax-error]"));
  EXPECT_EQ(contents(file), "set   counter\n");
  EXPECT_EQ(lpcWith({"fmt", "-i", "--check", file}).status, 2);
  EXPECT_EQ(lpcWith({"fmt", "-i", "-"}, "nop  a 5\n").status, 2);
  EXPECT_EQ(lpcWith({"fmt", "-"}, "# lpir 1\n").status, 2);
}

TEST(Fmt, DoesNotChangeWhatThePatchDoes) {
  Folder folder;
  std::string text = "new   a  8 # memory\nset $a  +  0x4 int 1\n\n\njmp   greet pair\n";
  std::string before = folder.write("p.lp", text);
  auto ir = [&] {
    std::string out;
    for (std::istringstream lines(lpcWith({"dump", before, "--target", kServer}).out); std::getline(lines, text);)
      if (text.find("  place ") != 0) out += text + "\n";
    return out;
  };
  std::string ours = ir();
  EXPECT_EQ(lpcWith({"fmt", "-i", before}).status, 0);
  EXPECT_EQ(ir(), ours);
}

TEST(Warnings, CanBeLeftOutOrMadeErrors) {
  Folder folder;
  std::string patch = folder.write("p.lp", "new a 8 rwx\n");
  auto check = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"check", patch, "--target", kServer});
    return lpcWith(options);
  };
  EXPECT_THAT(check({}).err, HasSubstr("warning:"));
  EXPECT_EQ(check({}).status, 0);
  EXPECT_EQ(check({"-W", "no-writable-code"}).err, "");
  RunResult error = check({"-Werror"});
  EXPECT_EQ(error.status, 1);
  EXPECT_THAT(error.err, HasSubstr(": error: "));
  EXPECT_EQ(error.out, "");
  EXPECT_EQ(check({"--warning=error=writable-code"}).status, 1);
  EXPECT_EQ(check({"-Wnothing"}).status, 2);
}

TEST(Explain, TellsWhatAMessageMeans) {
  RunResult result = lpcWith({"check", "--explain", "not-an-instruction"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.out, testing::StartsWith("not-an-instruction: error\n\n"));
  EXPECT_THAT(result.out, HasSubstr("[not-an-instruction]")); // in the example
  EXPECT_THAT(result.out, Not(HasSubstr("-W ")));
  EXPECT_THAT(lpcWith({"check", "--explain", "writable-code"}).out, HasSubstr("`-W no-writable-code`"));
  result = lpcWith({"check", "--explain", "not-an-instructoin"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("did you mean `not-an-instruction`?"));
}

TEST(Explain, HasAllInTheDocument) {
  EXPECT_EQ(lpcWith({"help", "diagnostics"}).out, contents(LPC_SOURCE_DIR "/docs/diagnostics.md"))
      << "write it again: lpc help diagnostics > docs/diagnostics.md";
}

} // namespace
} // namespace lpc::test
