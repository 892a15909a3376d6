// An object of `dlopen` that the program still points into is not closed when its patch is reverted.
#include "tests/live/dlopen_keeper.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

struct Kept {
  std::string name, statement, answer;
};
void PrintTo(const Kept &kept, std::ostream *out) { *out << kept.name; }

class DlopenPointers : public DlopenKeeper, public testing::WithParamInterface<Kept> {};

TEST_P(DlopenPointers, KeepItUntilTheyGo) {
  start(GetParam().statement);
  RunResult done = apply("dlopen own own.so\njmp handle $own:fix\n");
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(answer(), "handle 101 " + GetParam().answer);
  done = revert();
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("`own.so` stays loaded: "));
  EXPECT_EQ(answer(), "handle 1 " + GetParam().answer) << "the program still uses it";
  (void)revert(); // any command tries again
  EXPECT_THAT(mapped(), HasSubstr("own.so"));
  if (GetParam().name == "ByTheKernel") child_->signal(SIGUSR1);
  EXPECT_EQ(answer(), "handle 1 " + GetParam().answer);
  EXPECT_EQ(answer("f"), "handle 1 kept 0 text own");
  (void)revert();
  expectAsBefore();
}

// As patchelf leaves them: the names stand behind all the rest, relocations in front.
TEST_F(DlopenKeeper, AnObjectWhoseNamesStandAtItsEnd) {
  std::string script = run({"ld", "-shared", "--verbose"}).out;
  const std::string names = "  .dynstr         : { *(.dynstr) }\n", end = "  PROVIDE (_end = .)";
  size_t begin = script.find('\n', script.find("=====")), last = script.rfind("=====");
  ASSERT_LT(begin, last) << script;
  script = script.substr(begin, script.rfind('\n', last) - begin);
  ASSERT_TRUE(script.contains(names) && script.contains(end)) << script;
  script.erase(script.find(names), names.size()).insert(script.find(end), names);
  folder_.write("own.ld", script);
  start("keep(callback)", {"-Wl,-T,own.ld"});
  ASSERT_EQ(apply("dlopen own own.so\njmp handle $own:fix\n").status, 0);
  EXPECT_EQ(answer(), "handle 101 kept 305 text own");
  EXPECT_THAT(revert().out, HasSubstr("`own.so` stays loaded: "));
  EXPECT_EQ(answer(), "handle 1 kept 305 text own");
  EXPECT_EQ(answer("f"), "handle 1 kept 0 text own");
  (void)revert();
  expectAsBefore();
}

INSTANTIATE_TEST_SUITE_P(
    Live, DlopenPointers,
    testing::Values(Kept{"InTheHeap", "keep(callback)", "kept 305 text own"},
                    Kept{"BehindAnEmptyBuffer", "keep_among(4096, 4096, 0, callback, 0)", "kept 305 text own"},
                    Kept{"BehindARange", "keep_among(4096, -1, (long)keep, callback, 0)", "kept 305 text own"},
                    Kept{"BeforeAnEmptyList", "keep_among(1, 2, 3, callback, &items)", "kept 305 text own"},
                    Kept{"AsAnEmptyList", "keep_among(1, 2, 3, 0, &items)", "kept 0 text own"},
                    Kept{"InAVariable", "keep_text(words)", "kept 0 text of the object"},
                    Kept{"ByTheKernel", "keep_handler(on_signal)", "kept 0 text own"}),
    [](const auto &test) { return test.param.name; });

} // namespace
} // namespace lpc::test
