// Bundles on processes: everything that the patch was made from is gone when it is applied.
#include <gmock/gmock.h>

#include "tests/live/service.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

class Bundles : public testing::Test {
protected:
  Bundles() {
    std::filesystem::copy(kPayload, folder_.path() + "/fix.so");
    folder_.write("hotfix.lp", "patch hotfix\ndl fix fix.so\njmp func_J $fix:func1\nset number int 6\n");
  }
  void build(std::vector<std::string> options) {
    options.insert(options.begin(), {"build", "hotfix.lp", "-o", "hotfix.lpb"});
    RunResult built = lpc(options);
    ASSERT_EQ(built.status, 0) << built.err;
    std::filesystem::remove(folder_.path() + "/fix.so");
    std::filesystem::remove(folder_.path() + "/hotfix.lp");
  }

  WorkFolder folder_;
  Service service_{2};
};

TEST_F(Bundles, NeedNothingElse) {
  // The process runs a stripped copy; the symbols are gone with the file that the patch was built against.
  std::string symbols = folder_.path() + "/symbols", stripped = folder_.path() + "/server";
  std::filesystem::copy(service_.program(), symbols);
  ASSERT_EQ(run({"strip", "-s", "-o", stripped, symbols}).status, 0);
  build({"--target", symbols});
  std::filesystem::remove(symbols);
  Service service(2, stripped);

  RunResult planned = lpc({"plan", "hotfix.lpb", "--pid", service.pidText()});
  EXPECT_EQ(planned.status, 0) << planned.err;
  EXPECT_THAT(planned.out, HasSubstr("func_J"));
  service.expectUntouched();
  RunResult applied = lpc({"apply", "hotfix.lpb", "--pid", service.pidText()});
  ASSERT_EQ(applied.status, 0) << applied.err;
  EXPECT_THAT(service.call(), testing::Not(HasSubstr("func_J 42")));
  EXPECT_THAT(service.call(), HasSubstr("number 6"));
  EXPECT_THAT(lpc({"apply", "hotfix.lpb", "--pid", service.pidText()}).out, HasSubstr("already applied"));
  EXPECT_EQ(lpc({"revert", "hotfix", "--pid", service.pidText()}).status, 0);
  service.expectUntouched();
}

// A program without symbols, and a file that has them: local thread-local variables, and IFUNCs.
class BundlesOfDebugFiles : public Bundles {
protected:
  void SetUp() override {
    folder_.write("program.c", R"(
      #include <stdio.h>
      static __thread int seen = 40;
      static int one(void) { return 1; }
      static int (*choose(void))(void) { return one; }
      static int pick(void) __attribute__((ifunc("choose")));
      __attribute__((noinline)) int handle(int x) { return x + seen++ + pick(); }
      int (*volatile callee)(int) = handle;
      int main(void) {
        setvbuf(stdout, NULL, _IOLBF, 0);
        puts("ready");
        for (int c; (c = getchar()) != EOF;) printf("%d\n", callee(1));
        return 0;
      })");
    ASSERT_EQ(run({"gcc", "-O1", "-g", "-Wl,--build-id=sha1", "program.c", "-o", "program"}).status, 0);
    ASSERT_EQ(run({"objcopy", "--only-keep-debug", "program", "program.debug"}).status, 0);
    ASSERT_EQ(run({"strip", "program"}).status, 0);
    ASSERT_EQ(run({"objcopy", "--add-gnu-debuglink=program.debug", "program"}).status, 0);
  }
  RunResult buildWith(const std::string &payload) {
    folder_.write("p.c", payload);
    EXPECT_EQ(run({"gcc", "-O1", "-shared", "-fPIC", "p.c", "-o", "p.so"}).status, 0);
    folder_.write("fix.lp", "patch fix\ntarget program\ndl p p.so\njmp handle $p:fixed\n");
    return lpc({"build", "fix.lp", "-o", "fix.lpb"});
  }
};

TEST_F(BundlesOfDebugFiles, CarryThreadLocalVariables) {
  RunResult built = buildWith("extern __thread int seen; int fixed(int x) { return x + ++seen + 1000; }\n");
  ASSERT_EQ(built.status, 0) << built.err;
  std::filesystem::remove("program.debug");
  std::filesystem::remove("p.so");
  Child child({"./program"});
  ASSERT_EQ(child.line(), "ready");
  child.send("x");
  EXPECT_EQ(child.line(), "42");
  RunResult applied = lpc({"apply", "fix.lpb", "--pid", std::to_string(child.pid())});
  ASSERT_EQ(applied.status, 0) << applied.err;
  child.send("xx");
  EXPECT_EQ(child.line(), "1043");
  EXPECT_EQ(child.line(), "1044");
}

TEST_F(BundlesOfDebugFiles, AreNotMadeWithIndirectFunctionsThatNobodyWillFind) {
  RunResult built = buildWith("int pick(void); int fixed(int x) { return x + pick(); }\n");
  EXPECT_EQ(built.status, 1);
  EXPECT_THAT(built.err,
              HasSubstr("`p.so` needs `pick`, an IFUNC that only the separate symbol file of `program` has: a "
                        "process does not show where its resolver is [ifunc-symbol]"));
  EXPECT_THAT(built.err, HasSubstr("help: bind it to an implementation: `dl p p.so with pick = ADDR`"));
  EXPECT_FALSE(std::filesystem::exists("fix.lpb"));
}

TEST_F(Bundles, AreTheSamePatchAsTheirSource) {
  RunResult applied = lpc({"apply", "hotfix.lp", "--pid", service_.pidText()});
  ASSERT_EQ(applied.status, 0) << applied.err;
  build({"--target", service_.program()});
  EXPECT_THAT(lpc({"apply", "hotfix.lpb", "--pid", service_.pidText()}).out, HasSubstr("already applied"));
}

TEST_F(Bundles, HaveABuildForEachProgram) {
  std::string other = kBinaries + "/target_service";
  Service second(2, other);
  build({"--target", service_.program(), "--target", other});
  RunResult applied = lpc({"apply", "hotfix.lpb", "--pid", service_.pidText() + "," + second.pidText()});
  EXPECT_EQ(applied.status, 0) << applied.err;
  EXPECT_THAT(service_.call(), HasSubstr("number 6"));
  EXPECT_THAT(second.call(), HasSubstr("number 6"));
}

TEST_F(Bundles, RefuseOtherPrograms) {
  std::string other = kBinaries + "/target_service";
  build({"--target", other});
  RunResult applied = lpc({"apply", "hotfix.lpb", "--pid", service_.pidText()});
  EXPECT_EQ(applied.status, 3);
  EXPECT_THAT(applied.err,
              HasSubstr("`hotfix.lpb` has no build for process " + service_.pidText() + " [build-id-mismatch]"));
  EXPECT_THAT(applied.err, HasSubstr(other + "  build-id "));
  EXPECT_THAT(applied.err, HasSubstr("state: process " + service_.pidText() + " was not stopped; nothing was changed"));
  service_.expectUntouched();
}

} // namespace
} // namespace lpc::test
