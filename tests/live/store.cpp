// Changes that need no stop.
#include <gmock/gmock.h>

#include "tests/live/service.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

class Store : public testing::Test {
protected:
  WorkFolder folder_;
  Service service_{8};
  Store() {
    folder_.write("number.lp", "patch number\nset number int 6\n");
    folder_.write("was.lp", "patch was\nset number int 6 was 5\n");
    folder_.write("two.lp", "patch two\nset number int 6\nset table+1 u8 9\n");
    folder_.write("odd.lp", "patch odd\nset text hex 41 42 43\n");
    folder_.write("fix.lp", "patch fix\ndl foo " + kPayload + "\njmp func_J $foo:func1\n");
  }
  // The number of stops that the change took; it is on the process, and off again.
  std::string stopsOf(const std::string &patch, std::vector<std::string> more = {}) {
    std::vector<std::string> words{"apply", patch + ".lp", "--pid", service_.pidText(), "--format", "json"};
    words.insert(words.end(), more.begin(), more.end());
    RunResult done = lpc(words);
    EXPECT_EQ(done.status, 0) << done.out << done.err;
    EXPECT_NE(service_.call(), Service::kOriginal);
    RunResult back = lpc({"revert", patch, "--pid", service_.pidText()});
    EXPECT_EQ(back.status, 0) << back.err;
    service_.expectUntouched();
    size_t at = done.out.find("\"stops\": ");
    return at == std::string::npos ? done.out : done.out.substr(at + 9, 1);
  }
};

TEST_F(Store, OneAlignedValue) {
  EXPECT_EQ(stopsOf("number"), "0");
  EXPECT_EQ(stopsOf("number", {"--stop", "always"}), "1");
}

TEST_F(Store, WhatIsMoreThanAStore) {
  EXPECT_NE(stopsOf("was"), "0") << "a condition holds only while nobody runs";
  EXPECT_NE(stopsOf("two"), "0") << "two changes are one transaction";
  EXPECT_NE(stopsOf("odd"), "0") << "three bytes are two stores";
}

TEST_F(Store, AJumpOverOneInstruction) {
  EXPECT_NE(stopsOf("fix"), "0") << "only a stop shows that the function is not active";
  EXPECT_EQ(stopsOf("fix", {"--allow-active", "func_J"}), "0");
  RunResult plan = lpc({"plan", "fix.lp", "--pid", service_.pidText()});
  EXPECT_THAT(plan.out, HasSubstr("stop: only because of the functions above"));
  plan = lpc({"plan", "number.lp", "--pid", service_.pidText()});
  EXPECT_THAT(plan.out, HasSubstr("stop: none"));
}

} // namespace
} // namespace lpc::test
