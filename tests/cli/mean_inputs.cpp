// Files that are no files, have no end, or are longer than anybody would write: no command waits for ever, crashes, or
// replaces what is no file.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/cli/lpc.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

const std::string kGood = "target " + kServer + "\nset counter int 8\n";

TEST(MeanInputs, APipeThatNobodyWritesTo) {
  Folder folder;
  const std::string pipe = folder.path("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  for (const std::vector<std::string> &words : std::vector<std::vector<std::string>>{
           {"check", pipe}, {"fmt", pipe}, {"dump", pipe}, {"build", pipe, "-o", "/x/y"}}) {
    RunResult result = lpcWith(words);
    EXPECT_EQ(result.status, 1) << words[0];
    EXPECT_EQ(result.err, "lpc " + words[0] + ": error: nobody writes to the pipe `" + pipe + "` [cannot-open]\n");
  }
}

TEST(MeanInputs, APipeOfTheShell) {
  Folder folder;
  std::string patch = folder.write("hotfix.lp", kGood);
  RunResult result = run({"bash", "-c", LPC_COMMAND " check <(sleep 0.1; cat " + patch + ")"});
  EXPECT_EQ(result.status, 0) << result.err;
}

TEST(MeanInputs, FilesOfPayloadsAndTargets) {
  Folder folder;
  const std::string pipe = folder.path("pipe"), sparse = folder.write("sparse", ""), empty = folder.write("empty", "");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  ASSERT_EQ(truncate(sparse.c_str(), off_t{1} << 32), 0);
  for (const std::string &file : {pipe, sparse, empty, folder.path("."), std::string("/dev/zero"),
                                  std::string("/dev/full"), std::string("/proc/self/mem"), folder.path("hotfix.lp")})
    for (const std::string &text : {"target " + file + "\nset counter int 8\n", kGood + "dl fix " + file + "\n",
                                    "target " + kServer + "\nobject other = " + file + "\nset other!x int 1\n"}) {
      RunResult result = lpcWith({"check", folder.write("hotfix.lp", text)});
      EXPECT_EQ(result.status, 1) << text << result.err;
      EXPECT_THAT(result.err, testing::ContainsRegex("\\[(cannot-open|not-elf|file-too-large)\\]")) << text;
    }
}

TEST(MeanInputs, PatchesThatAreTooLarge) {
  Folder folder;
  const std::string sparse = folder.write("sparse.lp", "");
  ASSERT_EQ(truncate(sparse.c_str(), off_t{2} << 30), 0);
  RunResult result = lpcWith({"check", sparse});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.err, "lpc check: error: `" + sparse + "` is larger than a patch can be (1 GiB) [file-too-large]\n");
}

TEST(MeanInputs, DevicesThatDoNotEnd) {
  for (const char *device : {"/dev/zero", "/dev/urandom", "/dev/full"})
    for (const char *command : {"check", "fmt", "dump"}) {
      RunResult result = lpcWith({command, device});
      EXPECT_EQ(result.status, 1);
      EXPECT_EQ(result.err, "lpc " + std::string(command) + ": error: `" + device +
                                "` is a device that does not end, and no patch [file-too-large]\n");
    }
  EXPECT_EQ(lpcWith({"fmt", "/dev/null"}).status, 0);
}

TEST(MeanInputs, AMistakeInEveryLine) {
  std::string lines = "new fresh 8 rwx\n";
  for (int i = 0; i < 1000; i++)
    lines += "sett counter int 8\n";
  RunResult result = lpcWith({"check", "-", "--target", kServer}, lines);
  EXPECT_EQ(result.status, 1);
  EXPECT_LT(result.err.size(), 40'000U);
  EXPECT_THAT(result.err, HasSubstr("\n-:101:1: error: "));
  EXPECT_THAT(result.err, testing::Not(HasSubstr("\n-:102:1: error: ")));
  EXPECT_THAT(result.err, testing::EndsWith("\n900 more errors; `--format json` has all\n"));
  result = lpcWith({"check", "-", "--target", kServer, "--format", "json"}, lines);
  EXPECT_THAT(result.out, HasSubstr("\"line\": 1001"));
}

TEST(MeanInputs, LinesThatAreTooLong) {
  constexpr size_t kLong = 3'000'000;
  for (const std::string &line :
       {std::string(kLong, '\0'), std::string(kLong, 'x'), "set counter str " + std::string(kLong, 'x'),
        "set " + std::string(kLong, '[') + "counter" + std::string(kLong, ']') + " int 8",
        "set counter int " + std::string(kLong, '9'), "set counter f64 1e" + std::string(kLong, '9'),
        "set counter hex " + std::string(kLong, '0'), "set counter text \"" + std::string(kLong, '\\'),
        "asm greet { mov eax, " + std::string(kLong, '(') + "\n}", "jmp \"" + std::string(kLong, 'x') + "\" greet",
        "jmp greet+1+1" + std::string(kLong, '0') + " pair"}) {
    RunResult result = lpcWith({"check", "-", "--target", kServer}, line + "\n");
    EXPECT_EQ(result.status, 1) << line.substr(0, 40) << result.err.substr(0, 1000);
    EXPECT_THAT(result.err, HasSubstr("error: ")) << line.substr(0, 40);
    EXPECT_LT(result.err.size(), 30'000U) << line.substr(0, 40);
  }
}

TEST(MeanInputs, LineEndingsOfOtherSystems) {
  RunResult result = lpcWith({"check", "-", "--target", kServer}, "set counter int 8\r\n# é\r\n");
  EXPECT_EQ(result.status, 0) << result.err;
}

// What stands at the place is not replaced unless it is a file, and a link goes on leading to its file.
TEST(MeanInputs, OutputsThatAreNoFiles) {
  Folder folder;
  const std::string patch = folder.write("hotfix.lp", kGood);
  auto build = [&](const std::string &output) { return lpcWith({"build", patch, "-o", output}); };
  const std::string full = folder.path("full"), pipe = folder.path("pipe");
  ASSERT_EQ(symlink("/dev/full", full.c_str()), 0);
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  RunResult result = build(full);
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("cannot write `" + full + "`: No space left on device [cannot-open]\n"));
  result = build(pipe);
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("cannot write `" + pipe + "`: No such device or address [cannot-open]\n"));
  result = build(folder.path("."));
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("Is a directory [cannot-open]\n"));
  struct stat about{};
  EXPECT_TRUE(lstat(full.c_str(), &about) == 0 && S_ISLNK(about.st_mode));
  EXPECT_TRUE(lstat(pipe.c_str(), &about) == 0 && S_ISFIFO(about.st_mode));
  result = run({"bash", "-c", LPC_COMMAND " build " + patch + " -o >(cat > " + folder.path("copy") + "); wait $!"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(lpcWith({"check", folder.path("copy")}).status, 0);
}

TEST(MeanInputs, OutputsThatAreLinks) {
  Folder folder;
  const std::string file = folder.write("hotfix.lp", "target   a\n"), link = folder.path("link.lp");
  ASSERT_EQ(chmod(file.c_str(), 0640), 0);
  ASSERT_EQ(symlink("hotfix.lp", link.c_str()), 0);
  ASSERT_EQ(lpcWith({"fmt", "-i", link}).status, 0);
  struct stat about{};
  ASSERT_EQ(lstat(link.c_str(), &about), 0);
  EXPECT_TRUE(S_ISLNK(about.st_mode));
  ASSERT_EQ(lstat(file.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 07777, 0640U);
  std::string text;
  std::getline(std::ifstream(file), text);
  EXPECT_EQ(text, "target a");
}

} // namespace
} // namespace lpc::test
