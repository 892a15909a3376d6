// An object of `dlopen` that others have loaded, too: the program, another patch, another object. It may be closed by
// them at any time, and is kept by the patch as long as something points into it.
#include "tests/live/dlopen_keeper.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char *kClosed = "finish `dlclose` for own.so: 0";
constexpr const char *kStays = "`own.so` was loaded before and stays loaded: ";

class DlopenShared : public DlopenKeeper {
protected:
  RunResult applied(const std::string &patch = "dlopen own own.so\njmp handle $own:fix\n") {
    RunResult done = apply(patch);
    EXPECT_EQ(done.status, 0) << done.err;
    return done;
  }
  std::string object() const { return folder_.path() + "/own.so"; }
  void expectNoPatch() { EXPECT_THAT(lpc({"status", "--pid", pid()}).out, HasSubstr("no patches")); }
  // It points into it all the time, and that is no reason to keep what the patch has of it.
  void expectClosedAtOnce() {
    EXPECT_THAT(applied().out, HasSubstr("(loaded before)"));
    EXPECT_EQ(answer(), "handle 101 kept 305 text own");
    RunResult done = revert();
    EXPECT_THAT(done.out, HasSubstr(kClosed));
    EXPECT_THAT(done.out, Not(HasSubstr("stays")));
    EXPECT_EQ(answer(), "handle 1 kept 305 text own");
    expectNoPatch();
    EXPECT_THAT(mapped(), Not(HasSubstr("livepatch")));
  }
};

// The second patch finds it loaded, and is the last one that has it.
TEST_F(DlopenShared, ThePatchThatHadLoadedItGoesFirst) {
  start("keep(callback)");
  applied("dlopen own own.so\nset text addr $own:shown\n");
  folder_.write("next.lp", "target program\ndlopen own own.so\njmp handle $own:fix\n");
  RunResult done = lpc({"apply", "next.lp", "--pid", pid()});
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("(loaded before)"));
  done = revert("fix");
  EXPECT_THAT(done.out, HasSubstr(kClosed)) << "the other patch has it still";
  EXPECT_EQ(answer(), "handle 101 kept 305 text own");
  EXPECT_THAT(revert("next").out, HasSubstr(kStays));
  EXPECT_EQ(answer(), "handle 1 kept 305 text own");
  EXPECT_EQ(answer("f"), "handle 1 kept 0 text own");
  (void)revert();
  expectAsBefore();
}

TEST_F(DlopenShared, TheProgramIsLinkedWithIt) {
  std::filesystem::create_symlink("own.so", folder_.path() + "/other-name.so");
  start("keep(callback)", {"-Wl,-soname,other-name.so"},
        {"-DLINKED", "-Wl,--no-as-needed", "./own.so", "-Wl,-rpath," + folder_.path()});
  expectClosedAtOnce();
}

TEST_F(DlopenShared, ItWasPreloaded) {
  start("keep(callback)", {}, {}, {"LD_PRELOAD=" + object()});
  expectClosedAtOnce();
}

// The pointers may be those that the patch has made, so they count, whoever else has the object open.
TEST_F(DlopenShared, TheProgramHasOpenedItAndClosesIt) {
  start("keep(callback)");
  EXPECT_EQ(answer("o " + object()), "handle 1 kept 0 text own");
  EXPECT_THAT(applied().out, HasSubstr("(loaded before)"));
  EXPECT_EQ(answer(), "handle 101 kept 305 text own");
  EXPECT_THAT(revert().out, HasSubstr(kStays));
  EXPECT_EQ(answer("x"), "handle 1 kept 305 text own");
  EXPECT_EQ(answer(), "handle 1 kept 305 text own") << "what the program has closed is there, for the sake of that";
  (void)revert();
  EXPECT_THAT(mapped(), HasSubstr("own.so"));
  EXPECT_EQ(answer("f"), "handle 1 kept 0 text own");
  (void)revert();
  expectAsBefore();
}

TEST_F(DlopenShared, TheProgramHasOpenedItAndKeepsIt) {
  start("(void)0");
  answer("o " + object());
  applied();
  EXPECT_THAT(revert().out, HasSubstr(kStays));
  EXPECT_THAT(applied().out, HasSubstr("(loaded before)")) << "it can be patched with it again";
  EXPECT_EQ(answer(), "handle 101 kept 0 text own");
  EXPECT_THAT(revert().out, HasSubstr(kStays)) << "and only the last one that has it is asked";
  answer("x");
  (void)revert();
  expectAsBefore();
}

// It was the patch that had loaded it.
TEST_F(DlopenShared, TheProgramOpensItMeanwhile) {
  start("(void)0");
  EXPECT_THAT(applied().out, Not(HasSubstr("(loaded before)")));
  answer("o " + object());
  EXPECT_THAT(revert().out, HasSubstr("`own.so` stays loaded: "));
  EXPECT_THAT(mapped(), HasSubstr("own.so"));
  answer("x");
  (void)revert();
  expectAsBefore();
}

// The first statement loads it for the sake of its own object, which points into it until it goes.
TEST_F(DlopenShared, AnotherObjectOfThePatchNeedsIt) {
  start("(void)0", {"-Wl,-soname,own.so"});
  folder_.write("needs.c", "extern const char shown[]; int fix(int); const char *needed = shown; "
                           "int twice(int x) { return fix(fix(x)); }");
  build({"gcc", "-O2", "-shared", "-fPIC", "-o", "needs.so", "needs.c", "./own.so", "-Wl,-rpath," + folder_.path()});
  EXPECT_THAT(applied("dlopen needs needs.so\ndlopen own own.so\njmp handle $needs:twice\n").out,
              HasSubstr("own.so (loaded before)"));
  EXPECT_EQ(answer(), "handle 201 kept 0 text own");
  RunResult done = revert();
  EXPECT_THAT(done.out, HasSubstr(kClosed));
  EXPECT_THAT(done.out, Not(HasSubstr("stays")));
  EXPECT_THAT(mapped(), Not(HasSubstr("needs.so")));
  expectAsBefore();
}

// Without the table by which lpc finds how it was loaded, it is looked for pointers into it, and there always are some:
// those of the dynamic linker, which has it in memory that it had before there was an allocator.
TEST_F(DlopenShared, AnOlderTableOfNames) {
  start("(void)0", {"-Wl,--hash-style=sysv"}, {}, {"LD_PRELOAD=" + object()});
  EXPECT_THAT(applied().out, HasSubstr("(loaded before)"));
  EXPECT_EQ(answer(), "handle 101 kept 0 text own");
  EXPECT_THAT(revert().out, HasSubstr(kStays));
  EXPECT_EQ(answer(), "handle 1 kept 0 text own");
}

} // namespace
} // namespace lpc::test
