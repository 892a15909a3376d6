// What debuggers and profilers see of a patch: with what `lpc status --symbols` writes, the payload's functions; with
// the payload's file given as docs/tools.md says, its lines, too.
#include <algorithm>
#include <filesystem>
#include <regex>

#include "tests/live/linkage.h"

namespace lpc::test {
namespace {

using testing::ContainsRegex;

constexpr const char *kWaiting = R"(
  #include <stdio.h>
  #include <unistd.h>
  __attribute__((noinline)) int wait_here(int x) {
    char c;
    volatile int y = x;
    puts("waits");
    return read(0, &c, 1) == 1 ? y + 1 : 0;
  }
  __attribute__((noinline)) int handle(int x) { volatile int y = x; return wait_here(1) + y; }
  int (*volatile callee)(int) = handle;
  int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("ready");
    for (char c; read(0, &c, 1) == 1;) printf("%d\n", callee(5));
    return 0;
  })";
constexpr const char *kWaitingPayload = R"(
  int wait_here(int);
  __attribute__((noinline)) int deeper(int x) { volatile int a[100]; a[x] = x; return wait_here(x) + a[x]; }
  int fix(int x) { volatile int y = x; return deeper(y + 1) * 2; })";

class Tools : public Linkage {
protected:
  void SetUp() override {
    if (!std::filesystem::exists("/usr/bin/gdb")) GTEST_SKIP() << "gdb is not installed";
    folder_.write("program.c", kWaiting);
    folder_.write("payload.c", kWaitingPayload);
    ASSERT_TRUE(compile({"gcc", "-O2", "-g", "-o", "program", "program.c"})) << why_;
    ASSERT_TRUE(compile({"gcc", "-O2", "-g", "-fPIC", "-shared", "-o", "payload.so", "payload.c"})) << why_;
    ASSERT_TRUE(compile({"gcc", "-O2", "-g", "-fPIC", "-c", "-o", "payload.o", "payload.c"})) << why_;
    start({"./program"});
  }
  // Applies, lets the program wait in the payload's callee, and returns what apply said.
  std::string applied(const std::string &payload) {
    folder_.write("fix.lp", "target program\ndl p " + payload + "\njmp handle $p:fix\n");
    RunResult done = apply();
    EXPECT_EQ(done.status, 0) << done.err;
    child_->send("x");
    EXPECT_EQ(child_->line(), "waits");
    return done.out;
  }
  std::string backtrace(const std::string &command) {
    RunResult done = run({"gdb", "-q", "-batch", "-nx", "-p", pid(), "-ex", command, "-ex", "backtrace"});
    return done.out + done.err;
  }
  static std::string first(const std::string &text, const char *pattern) {
    std::smatch found;
    return std::regex_search(text, found, std::regex(pattern)) ? found[1].str() : "";
  }
};

constexpr const char *kFrames =
    "deeper \\(x=6\\) at payload.c:3.*fix \\(x=5\\) at payload.c:4.*main \\(\\) at program.c";

TEST_F(Tools, GdbWithASharedObject) {
  std::string base = first(applied("payload.so"), R"(\$p @ (0x[0-9a-f]+))");
  std::string shown = backtrace("add-symbol-file payload.so -o " + base);
  std::ranges::replace(shown, '\n', ' '); // POSIX expressions: a dot is no end of line for all libraries
  EXPECT_THAT(shown, ContainsRegex(kFrames));
}

TEST_F(Tools, GdbWithARelocatableObject) {
  std::string fix = first(applied("payload.o"), "jmp 0x[0-9a-f]+ (0x[0-9a-f]+)");
  std::string offset = first(run({"nm", "payload.o"}).out, "([0-9a-f]+) T fix");
  ASSERT_FALSE(fix.empty() || offset.empty());
  char text[32];
  snprintf(text, sizeof text, "%#llx", std::stoull(fix, nullptr, 16) - std::stoull(offset, nullptr, 16));
  std::string shown = backtrace(std::string("add-symbol-file payload.o ") + text);
  std::ranges::replace(shown, '\n', ' ');
  EXPECT_THAT(shown, ContainsRegex("deeper \\(.*at payload.c:3")); // where the frames behind it are, gdb only guesses
}

// Nobody has the payload any more.
TEST_F(Tools, GdbFromTheProcessAlone) {
  for (const char *payload : {"payload.so", "payload.o"}) {
    SCOPED_TRACE(payload);
    start({"./program"});
    applied(payload);
    std::filesystem::remove(payload);
    RunResult done = lpc({"status", "--pid", pid(), "--symbols", "symbols"});
    ASSERT_EQ(done.status, 0) << done.err;
    EXPECT_THAT(done.out, testing::HasSubstr("gdb -p " + pid() + " -x symbols/gdb\n"));
    std::string shown = backtrace("source symbols/gdb");
    std::ranges::replace(shown, '\n', ' ');
    EXPECT_THAT(shown, ContainsRegex("wait_here \\(.* in deeper \\(\\).* in fix \\(\\).* main \\(\\) at program.c"));
  }
}

// What lpc makes itself has a name in parentheses, which shells and gdb read otherwise.
TEST_F(Tools, FilesAreNamedAfterThePatchAndItsMemory) {
  folder_.write("hook.c", "int (*next)(int); int fix(int x) { return next(x) + 1; }\n");
  ASSERT_TRUE(compile({"gcc", "-O2", "-fPIC", "-c", "-o", "hook.o", "hook.c"})) << why_;
  folder_.write("fix.lp", "target program\ndl p hook.o\nhook handle $p:fix original $p:next\n");
  RunResult done = apply();
  ASSERT_EQ(done.status, 0) << done.err;
  done = lpc({"status", "--pid", pid(), "--symbols", "symbols"});
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_TRUE(std::filesystem::exists("symbols/1-fix-p.elf"));
  EXPECT_TRUE(std::filesystem::exists("symbols/1-fix-originals.elf"));
}

TEST_F(Tools, SymbolsAreOfOneProcess) {
  for (const std::vector<std::string> &pids : {std::vector<std::string>{}, {"--pid", pid() + ",1"}}) {
    std::vector<std::string> words{"status", "--symbols", "symbols"};
    words.insert(words.end(), pids.begin(), pids.end());
    RunResult done = lpc(words);
    EXPECT_EQ(done.status, 2);
    EXPECT_THAT(done.err, testing::HasSubstr("`--symbols` is for one process"));
  }
  RunResult done = lpc({"status", "--pid", pid(), "--symbols", "program/none"});
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.err, testing::HasSubstr("cannot make `program/none`"));
  done = lpc({"status", "--pid", pid(), "--symbols", "symbols", "--format", "json"});
  EXPECT_EQ(done.status, 0) << "without patches";
  EXPECT_THAT(done.out, testing::HasSubstr("\"symbol_files\""));
}

// --- perf --------------------------------------------------------------------------------------------------------

constexpr const char *kBusy = R"(
  #include <stdio.h>
  __attribute__((noinline)) int first(int x) { return x * 12345 + 1; }
  __attribute__((noinline)) int second(int x) { return x * 12345 + 2; }
  int (*volatile callees[])(int) = {first, second};
  int main(void) {
    puts("ready");
    fflush(stdout);
    for (unsigned i = 0;; i++) callees[i % 2](3);
  })";

class Perf : public Linkage {};

// Two patches: perf knows their code by where it is in files of one name.
TEST_F(Perf, NamesFunctionsOfTwoPatches) {
  if (!std::filesystem::exists("/usr/bin/perf")) GTEST_SKIP() << "perf is not installed";
  RunResult probe = run({"perf", "record", "-e", "cpu-clock", "-o", "probe.data", "true"});
  if (probe.status != 0) GTEST_SKIP() << "perf cannot record here: " << probe.err.substr(0, probe.err.find('\n'));
  folder_.write("program.c", kBusy);
  ASSERT_TRUE(compile({"gcc", "-O2", "-o", "program", "program.c"})) << why_;
  start({"./program"});
  for (const std::string name : {"first", "second"}) {
    folder_.write(name + ".c",
                  "__attribute__((noinline)) int busy_" + name +
                      "(int x) { volatile int s = 0; for (int i = 0; i < 10000; i++) s += i * x; return s; }\n"
                      "int fix(int x) { volatile int y = busy_" +
                      name + "(x); return y; }\n");
    ASSERT_TRUE(compile({"gcc", "-O2", "-fPIC", "-shared", "-o", name + ".so", name + ".c"})) << why_;
    folder_.write(name + ".lp", "target program\ndl p " + name + ".so\njmp " + name + " $p:fix\n");
    RunResult done = lpc({"apply", name + ".lp", "--pid", pid()});
    ASSERT_EQ(done.status, 0) << done.err;
    std::filesystem::remove(name + ".so");
  }
  RunResult done = lpc({"status", "--pid", pid(), "--symbols", "symbols"});
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, testing::HasSubstr("perf report --symfs symbols\n"));
  done = run({"perf", "record", "-e", "cpu-clock", "-F", "1000", "-o", "perf.data", "-p", pid(), "--", "sleep", "1"});
  ASSERT_EQ(done.status, 0) << done.err;
  done = run({"perf", "report", "-i", "perf.data", "--symfs", "symbols", "--stdio", "--sort", "sym"});
  EXPECT_THAT(done.out, testing::HasSubstr("busy_first")) << done.err;
  EXPECT_THAT(done.out, testing::HasSubstr("busy_second"));
}

} // namespace
} // namespace lpc::test
