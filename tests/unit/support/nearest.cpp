#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ir/support/diagnostic.h"

namespace lpc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Nearest, putsTheNearestFirst) {
  EXPECT_THAT(nearest("handle_request", {"handle_reqest", "handle_requests_x", "other", "handle_requesT"}),
              ElementsAre("handle_reqest", "handle_requesT", "handle_requests_x"));
}

TEST(Nearest, countsAnExchangeOfNeighboursOnce) {
  EXPECT_THAT(nearest("jpm", {"jmp"}), ElementsAre("jmp"));
  EXPECT_THAT(nearest("xjm", {"jmp"}), IsEmpty()); // two changes in three letters
}

TEST(Nearest, findsInsertionsAndDeletions) {
  EXPECT_THAT(nearest("st", {"set"}), ElementsAre("set"));
  EXPECT_THAT(nearest("sett", {"set"}), ElementsAre("set"));
  EXPECT_THAT(nearest("laod", {"load", "new"}), ElementsAre("load"));
}

TEST(Nearest, givesThreeAtMost) {
  EXPECT_THAT(nearest("name", {"name1", "name2", "name3", "name4"}), ElementsAre("name1", "name2", "name3"));
  EXPECT_THAT(nearest("names", {"nam", "namesss", "nams", "naems", "name"}), ElementsAre("nams", "naems", "name"));
}

TEST(Nearest, givesNothingFar) {
  EXPECT_THAT(nearest("a", {"b", "c"}), IsEmpty());
  EXPECT_THAT(nearest("malloc", {"printf", "m"}), IsEmpty());
  EXPECT_THAT(nearest("abcdef", {"abcxyf"}), ElementsAre("abcxyf")); // two of six: just a third
  EXPECT_THAT(nearest("abcdef", {"abxyzf"}), IsEmpty());             // three of six
  EXPECT_THAT(nearest("", {"", "a"}), IsEmpty());
}

TEST(Nearest, givesEachNameOnceAndNotTheWantedOne) {
  EXPECT_THAT(nearest("count", {"counts", "counts", "count"}), ElementsAre("counts"));
}

TEST(Nearest, isSafeForLongNames) {
  std::string longest(256, 'x'), longer(257, 'x');
  EXPECT_THAT(nearest(longest, {longest.substr(1), longer}), ElementsAre(longest.substr(1)));
  EXPECT_THAT(nearest(longer, {longest}), IsEmpty());
}

// Against the plain algorithm on all pairs of short words.
TEST(Nearest, agreesWithThePlainDistance) {
  auto plain = [](const std::string &a, const std::string &b) {
    std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
    for (size_t i = 0; i <= a.size(); i++)
      for (size_t j = 0; j <= b.size(); j++) {
        if (i == 0 || j == 0) {
          d[i][j] = i + j;
          continue;
        }
        d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
          d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    return d[a.size()][b.size()];
  };
  std::vector<std::string> words{""};
  for (size_t first = 0, length = 1; length <= 6; length++) {
    size_t end = words.size();
    for (size_t i = first; i < end; i++)
      for (char c : {'a', 'b'})
        words.push_back(words[i] + c);
    first = end;
  }
  for (const std::string &a : words)
    for (const std::string &b : words)
      if (a != b) {
        bool near = plain(a, b) <= std::max(a.size(), b.size()) / 3;
        ASSERT_EQ(nearest(a, {b}).size(), near ? 1U : 0U) << a << " " << b;
      }
}

} // namespace
} // namespace lpc
