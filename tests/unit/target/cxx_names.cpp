// C++ names as people write them.
#include "files.h"
#include "frontend/target/cxx_name.h"

namespace lpc::target {
namespace {

bool matches(const std::string &wanted, const std::string &mangled) {
  uint64_t budget = 1'000'000;
  return CxxName(wanted).matches(mangled, budget);
}

TEST(CxxNames, WithAndWithoutParameters) {
  EXPECT_TRUE(matches("ns::f(int, char const*)", "_ZN2ns1fEiPKc"));
  EXPECT_TRUE(matches("ns::f(int,char const *)", "_ZN2ns1fEiPKc"));
  EXPECT_TRUE(matches("ns::f", "_ZN2ns1fEiPKc"));
  EXPECT_FALSE(matches("ns::f(int)", "_ZN2ns1fEiPKc"));
  EXPECT_FALSE(matches("f", "_ZN2ns1fEiPKc"));
  EXPECT_FALSE(matches("ns::f()", "_ZN2ns1fEiPKc"));
  EXPECT_TRUE(matches("Server::accept(int) const", "_ZNK6Server6acceptEi"));
  EXPECT_FALSE(matches("Server::accept(int)", "_ZNK6Server6acceptEi"));
}

TEST(CxxNames, Templates) {
  EXPECT_TRUE(matches("int f<int>(int)", "_Z1fIiET_S0_"));
  EXPECT_TRUE(matches("f<int>(int)", "_Z1fIiET_S0_"));
  EXPECT_TRUE(matches("f<int>", "_Z1fIiET_S0_"));
  EXPECT_TRUE(matches("A<A<int> >::f()", "_ZN1AIS_IiEE1fEv"));
  EXPECT_TRUE(matches("A<A<int>>::f()", "_ZN1AIS_IiEE1fEv"));
}

TEST(CxxNames, ClonesAndTags) {
  EXPECT_FALSE(matches("f(int)", "_Z1fi.isra.0"));
  EXPECT_TRUE(matches("f(int) [clone .isra.0]", "_Z1fi.isra.0"));
  EXPECT_TRUE(matches("f(int) (.isra.0)", "_Z1fi.isra.0"));
  EXPECT_FALSE(matches("f(int) [clone .isra.1]", "_Z1fi.isra.0"));
  EXPECT_TRUE(matches("f[abi:cxx11](int)", "_Z1fB5cxx11i"));
  EXPECT_TRUE(matches("f(int)", "_Z1fB5cxx11i"));
}

TEST(CxxNames, OtherKinds) {
  EXPECT_TRUE(matches("vtable for Server", "_ZTV6Server"));
  EXPECT_TRUE(matches("(anonymous namespace)::f()", "_ZN12_GLOBAL__N_11fEv"));
  EXPECT_TRUE(matches("main::calls", "_ZZ4mainE5calls"));
  EXPECT_FALSE(matches("main", "main"));
  EXPECT_FALSE(matches("f", "_Z"));
  EXPECT_FALSE(matches("", ""));
  EXPECT_FALSE(matches("", "_Z1fv"));
}

TEST(CxxNames, NeedleIsPartOfEveryMangledForm) {
  EXPECT_EQ(CxxName("http::Server::accept(int) const").needle(), "6accept");
  EXPECT_EQ(CxxName("int f<A<B> >(A<B>)").needle(), "1f");
  EXPECT_EQ(CxxName("Server::~Server()").needle(), "6Server");
  EXPECT_EQ(CxxName("Server::operator==(Server const&) const").needle(), "6Server");
  EXPECT_EQ(CxxName("Server::operator int() const").needle(), "6Server");
  EXPECT_EQ(CxxName("Server::operator()(int)").needle(), "6Server");
  EXPECT_EQ(CxxName("vtable for Server").needle(), "6Server");
  EXPECT_EQ(CxxName("operator new(unsigned long)").needle(), "");
  EXPECT_EQ(CxxName("std::string::string()").needle(), "");
  EXPECT_EQ(CxxName("f(int) [clone .part.3]").needle(), "1f");
  EXPECT_EQ(CxxName("((((").needle(), "");
  EXPECT_EQ(CxxName("helper (2) 5").needle(), ""); // not "15"
  EXPECT_EQ(CxxName("))))").needle(), "");
}

// Each step doubles the text: the whole of it would have 2^40 characters, and this test would not end.
TEST(CxxNames, TextThatDoublesIsNotPrinted) {
  std::string type = "1A", mangled = "_Z1fI4PairI1AS0_E";
  mangled = "_Z1f4PairIiiE";
  for (unsigned i = 0; i < 20; i++) {
    // Pair<S_n, S_n>: a substitution of the one before, twice.
    std::string previous = i == 0 ? "S0_" : "S" + std::string(1, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[i]) + "_";
    mangled += "S_I" + previous + previous + "E";
  }
  EXPECT_FALSE(matches("f(int)", mangled));
  EXPECT_TRUE(matches("f", "_Z1f4PairIiiES_IS0_S0_E")); // the first step is all right
}

TEST(CxxNames, PacksInPacksAreWeighed) {
  std::string pack = "J";
  for (int i = 0; i < 200; i++)
    pack += "i";
  pack += "E";
  // f<int…>(Tuple<Tuple<Tuple<T…>…>…>): expansions inside expansions.
  std::string mangled = "_Z1fI" + pack + "EvDpNT_1aIJDpNT_1bIJDpNT_1cIJDpT_EEEEEEEEE";
  (void)matches("f(int)", mangled);
}

TEST(CxxNames, DeepNestingStaysOnTheStack) {
  EXPECT_FALSE(matches("f(int)", "_Z1f" + std::string(2000, 'P') + "i"));
  EXPECT_FALSE(matches("f(int)", "_Z1f" + std::string(2'000'000, 'P') + "i"));
}

// The first thing that this name needs memory for is an array without elements.
TEST(CxxNames, BeginsWithAnEmptyArray) { EXPECT_FALSE(matches("f", "_ZZNDtnw_Z")); }

TEST(CxxNames, BudgetEnds) {
  uint64_t budget = 10;
  CxxName name("ns::f");
  EXPECT_TRUE(name.matches("_ZN2ns1fEiPKc", budget));
  EXPECT_EQ(budget, 0U);
  EXPECT_FALSE(name.matches("_ZN2ns1fEiPKc", budget));
}

} // namespace
} // namespace lpc::target
