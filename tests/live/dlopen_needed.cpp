// Libraries that come with an object of `dlopen`, because it needs them, and go with it.
#include "tests/live/dlopen_keeper.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char *kLibrary = "const char shown[] = \"of the library\"; int far(int x) { return x + 400; }";

class DlopenNeeded : public DlopenKeeper {
protected:
  // own.so keeps a pointer into lib2.so, which it needs through lib1.so.
  void startWithLibraries(const std::vector<std::string> &ofProgram = {}) {
    folder_.write("lib2.c", kLibrary);
    build({"gcc", "-O2", "-shared", "-fPIC", "-o", "lib2.so", "lib2.c"});
    folder_.write("lib1.c", "int far(int); int (*near(void))(int) { return far; }");
    const std::string here = "-Wl,-rpath," + folder_.path();
    build({"gcc", "-O2", "-shared", "-fPIC", "-o", "lib1.so", "lib1.c", "-L.", "-l:lib2.so", here});
    start("{ extern int (*near(void))(int); keep(near()); }", {"-L.", "-l:lib1.so", here}, ofProgram);
  }
  void applyIt() {
    RunResult done = apply("dlopen own own.so\njmp handle $own:fix\n");
    ASSERT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(answer(), "handle 101 kept 405 text own");
  }
};

TEST_F(DlopenNeeded, IsKeptWithIt) {
  startWithLibraries();
  applyIt();
  EXPECT_THAT(revert().out, HasSubstr("`own.so` stays loaded: "));
  EXPECT_EQ(answer(), "handle 1 kept 405 text own");
  EXPECT_EQ(answer("f"), "handle 1 kept 0 text own");
  (void)revert();
  expectAsBefore();
  EXPECT_THAT(mapped(), Not(HasSubstr("lib2.so")));
}

// What stays without the object is no reason to keep that.
TEST_F(DlopenNeeded, TheProgramHasItOpen) {
  startWithLibraries();
  EXPECT_EQ(answer("o " + folder_.path() + "/lib2.so"), "handle 1 kept 0 text own");
  applyIt();
  RunResult done = revert();
  EXPECT_THAT(done.out, HasSubstr("finish `dlclose` for own.so: 0"));
  EXPECT_THAT(done.out, Not(HasSubstr("stays")));
  EXPECT_EQ(answer(), "handle 1 kept 405 text own");
  EXPECT_THAT(mapped(), Not(HasSubstr("lib1.so")));
}

TEST_F(DlopenNeeded, AnotherObjectNeedsIt) {
  startWithLibraries();
  EXPECT_EQ(answer("o " + folder_.path() + "/lib1.so"), "handle 1 kept 0 text own");
  applyIt();
  EXPECT_THAT(revert().out, Not(HasSubstr("stays")));
  EXPECT_EQ(answer(), "handle 1 kept 405 text own");
  EXPECT_THAT(mapped(), Not(HasSubstr("own.so")));
}

TEST_F(DlopenNeeded, ItCameWithTheProgram) {
  folder_.write("lib2.c", kLibrary);
  build({"gcc", "-O2", "-shared", "-fPIC", "-o", "lib2.so", "lib2.c"});
  startWithLibraries({"-Wl,--no-as-needed", "./lib2.so", "-Wl,-rpath," + folder_.path()});
  applyIt();
  EXPECT_THAT(revert().out, Not(HasSubstr("stays")));
  EXPECT_EQ(answer(), "handle 1 kept 405 text own");
  EXPECT_THAT(mapped(), Not(HasSubstr("lib1.so")));
}

TEST_F(DlopenNeeded, ItStaysForGood) {
  startWithLibraries();
  build({"gcc", "-O2", "-shared", "-fPIC", "-o", "lib2.so", "lib2.c", "-Wl,-z,nodelete"});
  applyIt();
  EXPECT_THAT(revert().out, Not(HasSubstr("stays")));
  EXPECT_EQ(answer(), "handle 1 kept 405 text own");
  EXPECT_THAT(mapped(), Not(HasSubstr("own.so")));
}

} // namespace
} // namespace lpc::test
