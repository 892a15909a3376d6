// What a name in a payload means: the default version of it, another one, an indirect function of an object of
// `dlopen`.
#include "tests/live/dlopen.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

class PayloadSymbolsBase : public Dlopen {
protected:
  void expectAnswer(const std::string &patch, const std::string &expected) {
    RunResult done = apply(patch);
    EXPECT_EQ(done.status, 0) << patch << done.err;
    EXPECT_THAT(answer(), HasSubstr(expected)) << patch;
    EXPECT_EQ(revert().status, 0);
    EXPECT_THAT(answer(), HasSubstr("handle 0 "));
  }
};

class PayloadSymbols : public PayloadSymbolsBase, public testing::WithParamInterface<std::string> {};

TEST_P(PayloadSymbols, Versions) {
  start();
  folder_.write("v.c", R"(
    int fix_old(int x) { return x + 1; }
    int fix_new(int x) { return x + 2; }
    __asm__(".symver fix_old,fix@V1"); __asm__(".symver fix_new,fix@@V2");)");
  folder_.write("v.map", "V1 { global: fix; local: *; }; V2 { global: fix; } V1;");
  folder_.write("user.c", "int fix(int); int user(int x) { return fix(x) + 100; }");
  build({"gcc", "-O2", "-fPIC", "-c", "-o", "v.o", "v.c"});
  build({"gcc", "-shared", "-o", "v.so", "v.o", "-Wl,--version-script=v.map"});
  build({"gcc", "-O2", "-fPIC", "-c", "-o", "user.o", "user.c"});
  const std::string &payload = GetParam();
  expectAnswer(payload + "jmp handle $p:fix\n", "handle 2 ");
  expectAnswer(payload + "jmp handle $p:\"fix@@V2\"\n", "handle 2 ");
  expectAnswer(payload + "jmp handle $p:\"fix@V1\"\n", "handle 1 ");
  expectAnswer(payload + "dl u user.o\njmp handle $u:user\n", "handle 102 ");
  RunResult done = apply(payload + "jmp handle $p:\"fix@V3\"\n");
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.err, HasSubstr("no symbol `\"fix@V3\"` [unknown-symbol]"));
}

std::string nameOfKind(const testing::TestParamInfo<std::string> &test) {
  constexpr const char *kNames[] = {"Shared", "Relocatable", "Opened"};
  return kNames[test.index];
}
INSTANTIATE_TEST_SUITE_P(Live, PayloadSymbols, testing::Values("dl p v.so\n", "dl p v.o\n", "dlopen p v.so\n"),
                         nameOfKind);

using PayloadSymbolsOfOpened = PayloadSymbolsBase;

// `dl` payloads get what the resolver says, and a statement cannot name it.
TEST_F(PayloadSymbolsOfOpened, IndirectFunctions) {
  start();
  object(R"(
    extern int limit;
    static int first(int x) { return x + 10; }
    static int second(int x) { return x + 20; }
    static int (*resolve(void))(int) { return limit == 100 ? second : first; }
    int fix(int x) __attribute__((ifunc("resolve")));)");
  folder_.write("user.c", "int fix(int); int user(int x) { return fix(x) + 100; }");
  build({"gcc", "-O2", "-shared", "-fPIC", "-o", "user.so", "user.c"});
  build({"gcc", "-O2", "-c", "-fPIC", "-o", "user.o", "user.c"});
  expectAnswer("dlopen own own.so\ndl u user.so\njmp handle $u:user\n", "handle 120 ");
  expectAnswer("dlopen own own.so\ndl u user.o\njmp handle $u:user\n", "handle 120 ");
  RunResult done = apply("dlopen own own.so\njmp handle $own:fix\n");
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.err, HasSubstr("`$own:fix` is an IFUNC of an object that is yet to be loaded"));
  EXPECT_THAT(done.err, HasSubstr("let a payload of `dl` refer to the IFUNC"));
  EXPECT_THAT(answer(), HasSubstr("handle 0 "));
  expectAsBefore();
}

TEST_F(PayloadSymbolsOfOpened, ThreadLocals) {
  start();
  object("__thread int own_tl = 5; int fix(int x) { return x + own_tl; }");
  folder_.write("user.c", "extern __thread int own_tl; int user(int x) { return x + own_tl; }");
  build({"gcc", "-O2", "-shared", "-fPIC", "-o", "user.so", "user.c"});
  RunResult done = apply("dlopen own own.so\ndl u user.so\njmp handle $u:user\n");
  EXPECT_EQ(done.status, 1) << done.out;
  EXPECT_THAT(done.err, HasSubstr("`own_tl`, which the payload needs, is a thread-local variable of own.so"));
  EXPECT_THAT(done.err, HasSubstr("use a function of it that returns its address"));
  expectAsBefore();
}

} // namespace
} // namespace lpc::test
