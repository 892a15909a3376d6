// `lpc run` with a patch for a library: one that the program is linked with, and one that it opens later.
#include <dirent.h>

#include "tests/live/run.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char *kLibrary = R"(
  #include <stdio.h>
  int limit = 1;
  const char *label = "old";
  static volatile int base = 10;
  __attribute__((noinline)) int plug(void) { return base; }
  int (*volatile callee)(void) = plug;
  static int seen;
  __attribute__((constructor)) static void early(void) { seen = callee(); }
  void tell(void) { printf("constructor %d now %d limit %d label %s\n", seen, callee(), limit, label); })";
constexpr const char *kProgram = R"(
  #include <dlfcn.h>
  #include <stdio.h>
  int main(void) {
    char line[64];
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("ready");
    while (fgets(line, sizeof line, stdin)) {
      void *library = dlopen("./libplug.so", RTLD_NOW);
      void (*tell)(void) = library ? (void (*)(void))dlsym(library, "tell") : NULL;
      if (tell) tell(); else puts(dlerror());
    }
    return 0;
  })";
constexpr const char *kPatch = "patch fix\ntarget libplug.so\nnew word 4\nset $word cstr \"new\"\nreturn plug 7\n"
                               "set limit int 2\nset label addr $word\n";

class RunLibrary : public Run {
protected:
  void buildAll(const std::string &compiler) {
    folder_.write("plug.c", kLibrary);
    folder_.write("program.c", kProgram);
    folder_.write("fix.lp", kPatch);
    for (const std::vector<std::string> &words :
         {std::vector<std::string>{compiler, "-O1", "-fPIC", "-shared", "-Wl,-soname,libplug.so", "-o", "libplug.so",
                                   "plug.c"},
          std::vector<std::string>{compiler, "-O1", "-fPIE", "-pie", "-o", "program", "program.c"}}) {
      RunResult built = run(words);
      ASSERT_EQ(built.status, 0) << built.err;
    }
  }
  static std::string status(const Child &child) { return lpc({"status", "--pid", std::to_string(child.pid())}).out; }
  // The processes whose command line has the words of this test's lpc: its companion.
  static std::vector<pid_t> companions() {
    std::vector<pid_t> found;
    for (const auto &entry : std::filesystem::directory_iterator("/proc")) {
      std::ifstream file(entry.path() / "cmdline");
      std::string words((std::istreambuf_iterator<char>(file)), {});
      std::error_code gone;
      // Its own folder is / when it waits; the patch's path is this test's alone.
      if (words.contains(std::filesystem::current_path().string() + "/fix.lp"))
        found.push_back(std::stoi(entry.path().filename()));
    }
    return found;
  }
  static std::vector<std::string> absolute() { return words({}, std::filesystem::current_path().string() + "/fix.lp"); }
};

class RunLibraryWith : public RunLibrary, public testing::WithParamInterface<std::string> {};

TEST_P(RunLibraryWith, ThatIsOpenedLaterIsPatchedBeforeItsConstructors) {
  buildAll(GetParam());
  Child child(absolute());
  ASSERT_EQ(child.line(), "ready");
  EXPECT_THAT(status(child), HasSubstr("lpc run"));
  child.send("\n");
  EXPECT_EQ(child.line(), "constructor 7 now 7 limit 2 label new");
  child.send("\n");
  EXPECT_EQ(child.line(), "constructor 7 now 7 limit 2 label new");
  // The companion takes its hook away and ends.
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!companions().empty() && std::chrono::steady_clock::now() < deadline) {
  }
  EXPECT_TRUE(companions().empty());
  EXPECT_THAT(status(child), Not(HasSubstr("lpc run  applied")));
  EXPECT_THAT(status(child), HasSubstr("fix"));
  ASSERT_EQ(lpc({"revert", "fix", "--pid", std::to_string(child.pid())}).status, 0);
  child.send("\n");
  EXPECT_EQ(child.line(), "constructor 7 now 10 limit 1 label old");
}

INSTANTIATE_TEST_SUITE_P(Live, RunLibraryWith, testing::Values("gcc", "musl-gcc"),
                         [](const auto &row) { return row.param == "gcc" ? "glibc" : "musl"; });

TEST_F(RunLibrary, ThatIsLinkedIsPatchedAtStart) {
  buildAll("gcc");
  folder_.write("program.c", "void tell(void); int main(void) { tell(); return 0; }");
  ASSERT_EQ(run({"gcc", "-o", "program", "program.c", "-L.", "-lplug", "-Wl,-rpath,."}).status, 0);
  RunResult result = patched({});
  EXPECT_EQ(result.out, "constructor 10 now 7 limit 2 label new\n");
  EXPECT_EQ(result.err, "");
}

TEST_F(RunLibrary, OfAnotherBuildIsToldAndLeftAlone) {
  buildAll("gcc");
  std::filesystem::copy("libplug.so", "expected.so");
  folder_.write("fix.lp", std::string(kPatch).replace(17, 10, "expected.so"));
  ASSERT_EQ(
      run({"gcc", "-O2", "-DOTHER", "-fPIC", "-shared", "-Wl,-soname,libplug.so", "-o", "libplug.so", "plug.c"}).status,
      0);
  RunResult result = patched({}, "\n");
  EXPECT_EQ(result.out, "ready\nconstructor 10 now 10 limit 1 label old\n");
  EXPECT_THAT(result.err, HasSubstr("[build-id-mismatch]"));
  EXPECT_EQ(result.status, 0);
}

TEST_F(RunLibrary, TheProgramDoesNotNeedTheCompanion) {
  buildAll("gcc");
  Child child(absolute(), {"TMPDIR=" + folder_.path()}); // where the FIFO stays
  ASSERT_EQ(child.line(), "ready");
  for (pid_t pid : companions())
    kill(pid, SIGKILL);
  child.send("\n");
  EXPECT_EQ(child.line(), "constructor 10 now 10 limit 1 label old");
  EXPECT_EQ(lpc({"revert", "lpc run", "--pid", std::to_string(child.pid())}).status, 0);
  child.send("\n");
  EXPECT_EQ(child.line(), "constructor 10 now 10 limit 1 label old");
}

TEST_F(RunLibrary, NoStaticProgramOpensOne) {
  buildAll("gcc");
  ASSERT_EQ(run({"gcc", "-static", "-o", "program", kStarts}).status, 0);
  RunResult result = patched({"touch", "file"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("the program is linked statically and opens no libraries"));
  EXPECT_FALSE(std::filesystem::exists("file"));
}

} // namespace
} // namespace lpc::test
