// lpc is killed at any instant of `lpc apply` and `lpc revert`, not at its system calls alone (faults.cpp): between two
// instructions, inside a call, with the process at full speed on the other processor.
//
// Two dozen by default; LPC_RANDOM_KILLS=400 live_kills for so many.
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>

#include "tests/live/service.h"
#include "tests/live/unharmed.h"

namespace lpc::test {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

constexpr int kKills = 24, kPerTarget = 20;
constexpr const char *kNew = "func_J 4100 str_P a new message number 6 text some text table 01 02 03 04 00 00 wrong 0";

class Kills : public testing::Test {
protected:
  Kills() {
    folder_.write("fix.lp", "patch fix\ndl foo " + kPayload +
                                "\njmp func_J $foo:func1\nset str_P addr $foo:patch_message\nset number int 6\n");
  }
  static std::vector<std::string> words(bool apply, const Service &service) {
    if (apply) return {"apply", "fix.lp", "--pid", service.pidText()};
    return {"revert", "fix", "--pid", service.pidText()};
  }
  // How long both take here and now.
  static std::chrono::microseconds life() {
    Service service(8);
    auto begin = Clock::now();
    EXPECT_EQ(lpc(words(true, service)).status, 0);
    EXPECT_EQ(lpc(words(false, service)).status, 0);
    return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin) / 2;
  }
  // True: it was killed before its end.
  static bool killed(bool apply, const Service &service, std::chrono::microseconds after) {
    std::vector<std::string> all = words(apply, service);
    all.insert(all.begin(), LPC_COMMAND);
    auto moment = Clock::now() + after;
    Child command(all);
    while (Clock::now() < moment) {
    }
    command.signal(SIGKILL);
    auto status = command.wait();
    EXPECT_THAT(status, AnyOf(0, 128 + SIGKILL));
    return status == 128 + SIGKILL;
  }
  WorkFolder folder_;
};

TEST_F(Kills, AtAnyInstant) {
  const char *wanted = getenv("LPC_RANDOM_KILLS");
  int kills = wanted ? std::max(atoi(wanted), 1) : kKills, early = 0, found[2] = {0, 0};
  unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::uniform_int_distribution<long> moments(0, life().count());
  std::unique_ptr<Service> service;
  Whole original;
  ProcessState before;
  for (int i = 0; i < kills && !HasFailure(); i++) {
    if (i % kPerTarget == 0) {
      service = std::make_unique<Service>(8);
      before = stateOf(service->pid());
      original = wholeOf(service->pid());
    }
    bool apply = i % 2 == 0, next = i % 4 < 2;
    std::chrono::microseconds moment(moments(random));
    SCOPED_TRACE((apply ? "apply" : "revert") + std::string(" killed after ") + std::to_string(moment.count()) + " us");
    if (!apply) {
      EXPECT_EQ(lpc(words(true, *service)).status, 0);
    }
    early += killed(apply, *service, moment);
    EXPECT_TRUE(eventually([&] { return runsAsBefore(service->pid(), before); }))
        << statesOf(service->pid()) << ", " << testing::PrintToString(stateOf(service->pid()));
    std::string answer = service->call();
    EXPECT_THAT(answer, AnyOf(Service::kOriginal, kNew));
    found[answer == kNew]++;
    EXPECT_EQ(lpc({"status", "--pid", service->pidText()}).status, 0);
    RunResult done = lpc(words(next, *service));
    if (done.status != 3 || next) {
      EXPECT_EQ(done.status, 0) << done.err;
    } else {
      EXPECT_THAT(done.err, HasSubstr("[not-applied]"));
    }
    EXPECT_EQ(service->call(), next ? kNew : Service::kOriginal);
    if (next) {
      EXPECT_EQ(lpc(words(false, *service)).status, 0);
    }
    // What a word somewhere seemed to point into is given back by a later command.
    for (int retry = 0; retry < 20 && mappingsOf(service->pid()) != original.mappings; retry++)
      (void)lpc(words(false, *service));
    EXPECT_EQ(stateOf(service->pid()), before);
    EXPECT_EQ(service->call(), Service::kOriginal);
  }
  std::cout << kills << " kills, " << early << " before the end: found " << found[0] << " times old, " << found[1]
            << " times new\n";
  EXPECT_GT(early, 0) << "lpc was always faster";
}

} // namespace
} // namespace lpc::test
