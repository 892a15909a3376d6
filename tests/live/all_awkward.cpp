// --all and processes that are not simply there: libraries, containers, other users, deleted programs.
#include <unistd.h>

#include "tests/support/many.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char *kLibrary = "__attribute__((noinline)) int lib_answer(void) { return 1; }\n";
constexpr const char *kProgram = R"(
  #include <dlfcn.h>
  #include <stdio.h>
  #include <unistd.h>
  int lib_answer(void);
  int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
  #ifdef OPENS
    void *library = dlopen(argv[1], RTLD_NOW);
    int (*function)(void) = library ? dlsym(library, "lib_answer") : 0;
    if (!function) return 1;
  #else
    int (*function)(void) = lib_answer;
  #endif
    puts("ready");
    for (char c; read(0, &c, 1) == 1;) printf("%d\n", function());
    return argc == 0 || !argv;
  })";

class AllAwkward : public Many {
protected:
  void compile(std::vector<std::string> words) {
    words.insert(words.begin(), {"cc", "-O1"});
    RunResult made = run(words);
    ASSERT_EQ(made.status, 0) << made.err;
  }
  static std::string says(Child &child) {
    child.send("x");
    return child.line().value_or("");
  }
};

TEST_F(AllAwkward, TheTargetIsALibrary) {
  folder_.write("lib.c", kLibrary);
  folder_.write("program.c", kProgram);
  compile({"-shared", "-fPIC", "-Wl,-soname,libanswer.so.1", "-Wl,--build-id=sha1", "lib.c", "-o", "made.so"});
  copyAsOwnBuild("made.so", "libanswer.so.1");
  compile({"program.c", "-o", "linked", "libanswer.so.1", "-Wl,-rpath," + folder_.path()});
  compile({"-DOPENS", "program.c", "-o", "opens"});
  compile({"-DOPENS", "program.c", "-o", "other"});
  std::filesystem::copy("made.so", "another.so"); // of another build
  folder_.write("fix.c", "int fixed(void) { return 2; }\n");
  compile({"-shared", "-fPIC", "fix.c", "-o", "fix.so"});
  folder_.write("fix.lp", "patch " + name_ + "\ntarget libanswer.so.1\ndl p fix.so\njmp lib_answer $p:fixed\n");

  Child linked({"./linked"}), opens({"./opens", "./libanswer.so.1"}), other({"./other", "./another.so"});
  for (Child *child : {&linked, &opens, &other}) {
    ASSERT_EQ(child->line(), "ready");
    ASSERT_EQ(says(*child), "1");
  }
  std::filesystem::remove("opens"); // what runs has no name any more
  RunResult applied = lpc({"apply", "fix.lp", "--all"});
  EXPECT_EQ(applied.status, 0) << applied.err;
  auto rows = tableOf(applied.out);
  EXPECT_EQ(rows.size(), 2U) << applied.out;
  EXPECT_EQ(rows[linked.pid()].result, "applied");
  EXPECT_EQ(rows[linked.pid()].program, folder_.path() + "/linked");
  EXPECT_EQ(rows[opens.pid()].result, "applied");
  EXPECT_EQ(says(linked) + says(opens) + says(other), "221");

  RunResult one = lpc({"apply", "fix.lp", "--pid", std::to_string(other.pid())});
  EXPECT_EQ(one.status, 3);
  EXPECT_THAT(one.err, HasSubstr("has loaded another build of `libanswer.so.1` than the one this patch is for "
                                 "[build-id-mismatch]"));
  RunResult reverted = lpc({"revert", name_, "--all"});
  EXPECT_EQ(countOf(tableOf(reverted.out), "reverted"), 2U) << reverted.out;
  EXPECT_EQ(says(linked) + says(opens), "11");
}

// Namespaces of its own for mounts, processes and users; the program lies on a file system that only it sees.
TEST_F(AllAwkward, AProcessIsInAContainer) {
  std::vector<std::string> inside = {"unshare",      "--mount",         "--pid", "--user", "--fork",
                                     "--kill-child", "--map-root-user", "sh",    "-c"};
  auto words = [&](const std::string &script) {
    std::vector<std::string> all = inside;
    all.push_back(script);
    return all;
  };
  RunResult possible = run(words("mount -t tmpfs none /mnt && cp server /mnt/hidden"));
  if (possible.status != 0) GTEST_SKIP() << "this machine forbids namespaces: " << possible.err;
  master_.emplace(words("mount -t tmpfs none /mnt && cp server /mnt/hidden && exec /mnt/hidden 0"));
  ASSERT_EQ(master_->line(), "ready");
  ASSERT_FALSE(std::filesystem::exists("/mnt/hidden"));
  Child outside({"./server", "0"});
  ASSERT_EQ(outside.line(), "ready");

  RunResult applied = lpc({"apply", "fix.lp", "--all"});
  EXPECT_EQ(applied.status, 0) << applied.out << applied.err;
  auto rows = tableOf(applied.out);
  ASSERT_EQ(rows.size(), 2U) << applied.out;
  EXPECT_EQ(countOf(rows, "applied"), 2U);
  EXPECT_EQ(rows[outside.pid()].program, folder_.path() + "/server");
  rows.erase(outside.pid());
  EXPECT_EQ(rows.begin()->second.program, "/mnt/hidden");
  pid_t pid = rows.begin()->first;
  EXPECT_EQ(stateOf(pid).tracer, 0);
  RunResult status = lpc({"status", "--pid", std::to_string(pid)});
  EXPECT_THAT(status.out, HasSubstr(name_ + ": applied"));
  RunResult reverted = lpc({"revert", name_, "--all"});
  EXPECT_EQ(countOf(tableOf(reverted.out), "reverted"), 2U) << reverted.out << reverted.err;
}

TEST_F(AllAwkward, AProcessHasAnotherRoot) {
  if (geteuid() != 0) GTEST_SKIP() << "only root may call chroot";
  std::filesystem::create_directory("root");
  folder_.write(
      "still.c",
      "#include <unistd.h>\n__attribute__((noinline)) int answer(int x) { volatile int y = x; return y * 3 + y; }\n"
      "int main(int n, char **v) { char c; (void)v; while (read(0, &c, 1) == 1) n = answer(n); "
      "return n; }\n");
  compile({"-static", "-Wl,--build-id=sha1", "still.c", "-o", "still"});
  copyAsOwnBuild("still", "server");
  std::filesystem::copy("server", "root/inside");
  Child child({"chroot", "root", "/inside"});
  ASSERT_TRUE(comes([&] {
    return std::filesystem::read_symlink("/proc/" + std::to_string(child.pid()) + "/exe").filename() == "inside";
  }));
  folder_.write("fix.lp", "patch " + name_ + "\ntarget server\nreturn answer 5\n");
  RunResult applied = lpc({"apply", "fix.lp", "--all"});
  EXPECT_EQ(applied.status, 0) << applied.out << applied.err;
  EXPECT_EQ(tableOf(applied.out)[child.pid()].result, "applied") << applied.out;
}

TEST_F(AllAwkward, AProcessIsAnotherUsers) {
  if (geteuid() != 0) GTEST_SKIP() << "only root may start processes of two users";
  std::filesystem::permissions(folder_.path(), std::filesystem::perms::all);
  std::vector<std::string> asNobody = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"};
  auto words = [&](std::vector<std::string> more) {
    std::vector<std::string> all = asNobody;
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  if (run(words({LPC_COMMAND, "--version"})).status != 0 || run(words({"test", "-x", "server"})).status != 0)
    GTEST_SKIP() << "the user nobody may not execute the programs of the tests";
  Child theirs({"./server", "0"}), own(words({"./server", "0"}));
  ASSERT_EQ(theirs.line(), "ready");
  ASSERT_EQ(own.line(), "ready");
  RunResult applied = run(words({LPC_COMMAND, "apply", "fix.lp", "--all"}));
  auto rows = tableOf(applied.out);
  if (rows[own.pid()].reason.find("[not-permitted]") != std::string::npos)
    GTEST_SKIP() << "this machine lets nobody trace: " << rows[own.pid()].reason;
  EXPECT_EQ(applied.status, 3) << applied.out << applied.err;
  EXPECT_EQ(rows.size(), 2U) << applied.out << applied.err;
  EXPECT_EQ(rows[own.pid()].result, "applied") << applied.out << applied.err;
  EXPECT_EQ(rows[theirs.pid()].result, "refused");
  EXPECT_THAT(rows[theirs.pid()].reason, HasSubstr("[not-permitted]"));
  EXPECT_EQ(rows[theirs.pid()].program, "./server");
  EXPECT_THAT(applied.out, HasSubstr("could not be looked at: not permitted"));
  RunResult json = run(words({LPC_COMMAND, "revert", name_, "--all", "--format", "json"}));
  EXPECT_EQ(json.status, 0) << json.out << json.err;
  EXPECT_THAT(json.out, testing::ContainsRegex("\"not_permitted\": [1-9]"));
}

// A debugger has it: that is a row, and the others are done.
TEST_F(AllAwkward, AProcessIsTraced) {
  start(1);
  Child tracer({"strace", "-qq", "-o", "/dev/null", "-p", std::to_string(pidOf(1))});
  if (!comes([&] { return stateOf(pidOf(1)).tracer != 0 || !tracer.alive(); }) || !tracer.alive())
    GTEST_SKIP() << "strace is not installed, or may not trace";
  RunResult applied = lpc({"apply", "fix.lp", "--all"});
  EXPECT_EQ(applied.status, 3);
  auto rows = tableOf(applied.out);
  EXPECT_EQ(rows[pidOf(0)].result, "applied") << applied.out;
  EXPECT_THAT(rows[pidOf(1)].reason, HasSubstr("[already-traced]")) << applied.out;
}

} // namespace
} // namespace lpc::test
