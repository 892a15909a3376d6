// A library that a process has loaded twice, in namespaces of their own (dlmopen): one is patched, and that is said.
#include "tests/live/dlopen.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

constexpr const char *kTwice = R"(
  #define _GNU_SOURCE
  #include <dlfcn.h>
  #include <stdio.h>
  int main(int argc, char **argv) {
    void *one = dlopen(argv[1], RTLD_NOW), *two = dlmopen(LM_ID_NEWLM, argv[argc - 1], RTLD_NOW);
    if (!one || !two) return 1;
    int (*first)(int) = (int (*)(int))dlsym(one, "handle"), (*second)(int) = (int (*)(int))dlsym(two, "handle");
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("ready");
    for (char line[64]; fgets(line, sizeof line, stdin);) printf("%d %d\n", first(1), second(1));
    return 0;
  })";

class LoadedTwice : public Dlopen {
protected:
  void SetUp() override {
    folder_.write("main.c", kTwice);
    build({"gcc", "-O2", "-o", "program", "main.c"});
    folder_.write("lib.c", "int handle(int x) { __asm__ volatile(\"nop; nop; nop; nop; nop\"); return x; }");
    build({"gcc", "-O2", "-fPIC", "-shared", "-Wl,--build-id", "-o", "lib.so", "lib.c"});
  }
  void startWith(const std::string &second) {
    const std::string folder = folder_.path() + "/";
    child_.emplace(std::vector<std::string>{folder + "program", folder + "lib.so", second});
    ASSERT_EQ(child_->line(), "ready");
    before_ = stateOf(child_->pid());
  }
};

TEST_F(LoadedTwice, OneOfThemIsPatched) {
  startWith(folder_.path() + "/lib.so");
  folder_.write("fix.lp", "patch fix\ntarget lib.so\nreturn handle 7\n");
  EXPECT_THAT(lpc({"plan", "fix.lp", "--pid", pid()}).out, HasSubstr("lib.so` is loaded 2 times"));
  EXPECT_THAT(lpc({"plan", "fix.lp", "--pid", pid(), "--format", "json"}).out, HasSubstr("is loaded 2 times"));
  RunResult done = lpc({"apply", "fix.lp", "--pid", pid()});
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("lib.so` is loaded 2 times (dlmopen, or copies of its file)"));
  EXPECT_EQ(answer(), "7 1");
  ASSERT_EQ(revert().status, 0);
  EXPECT_EQ(answer(), "1 1");
  expectAsBefore();
}

TEST_F(LoadedTwice, AnotherLibraryIsNoneOfIt) {
  startWith("libdl.so.2");
  folder_.write("fix.lp", "patch fix\ntarget lib.so\nreturn handle 7\n");
  EXPECT_THAT(lpc({"plan", "fix.lp", "--pid", pid()}).out, testing::Not(HasSubstr("note: ")));
}

} // namespace
} // namespace lpc::test
