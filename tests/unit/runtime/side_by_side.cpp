// Pieces of work in processes of their own: answers, crashes, waiting, and an end to waiting.
#include "runtime/side_by_side.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>

namespace lpc::runtime {
namespace {

using std::chrono::milliseconds;

std::vector<SideBySide::Ended> all(SideBySide &work, size_t count) {
  std::vector<SideBySide::Ended> ended;
  auto deadline = Clock::now() + std::chrono::seconds(30);
  while (ended.size() < count && Clock::now() < deadline)
    for (auto &one : work.wait(milliseconds(1000), -1))
      ended.push_back(std::move(one));
  return ended;
}

TEST(SideBySide, AnswersOfAnyLengthCome) {
  SideBySide work({.busy = 8});
  std::string large(3'000'000, 'w');
  ASSERT_TRUE(work.start(1, [&](const auto &) { return large; }));
  ASSERT_TRUE(work.start(2, [](const auto &) { return std::string(); }));
  ASSERT_TRUE(work.start(3, [](const auto &waits) { return waits() ? "told to end" : std::string("awwa"); }));
  for (const auto &ended : all(work, 3)) {
    ASSERT_TRUE(ended.answer) << ended.death;
    EXPECT_EQ(*ended.answer, ended.key == 1 ? large : ended.key == 2 ? "" : "awwa");
  }
  EXPECT_EQ(work.running(), 0U);
}

TEST(SideBySide, DeathsAreTold) {
  SideBySide work({.busy = 8});
  ASSERT_TRUE(work.start(1, [](const auto &) -> std::string { _exit(7); }));
  ASSERT_TRUE(work.start(2, [](const auto &) -> std::string {
    (void)raise(SIGKILL);
    return "";
  }));
  ASSERT_TRUE(work.start(3, [](const auto &) -> std::string { throw 1; }));
  for (const auto &ended : all(work, 3)) {
    EXPECT_FALSE(ended.answer);
    EXPECT_EQ(ended.death, ended.key == 1   ? "ended with status 7"
                           : ended.key == 2 ? "was ended by signal 9"
                                            : "ended with status 1");
  }
}

TEST(SideBySide, WhoWaitsMakesRoom) {
  SideBySide work({.busy = 1, .all = 2, .patience = std::chrono::hours(1)});
  auto untilHurried = [](const SideBySide::Waits &waits) -> std::string {
    while (!waits())
      poll(nullptr, 0, 1);
    return "done";
  };
  ASSERT_TRUE(work.start(1, untilHurried));
  EXPECT_FALSE(work.room());
  auto deadline = Clock::now() + std::chrono::seconds(30);
  while (!work.room() && Clock::now() < deadline)
    ASSERT_TRUE(work.wait(milliseconds(100), -1).empty());
  ASSERT_TRUE(work.room());
  ASSERT_TRUE(work.start(2, untilHurried));
  while (work.busy() > 0 && Clock::now() < deadline)
    ASSERT_TRUE(work.wait(milliseconds(100), -1).empty());
  EXPECT_FALSE(work.room()); // two are there
  EXPECT_EQ(work.eldest().first, 1U);
  work.hurry();
  EXPECT_EQ(all(work, 2).size(), 2U);
}

TEST(SideBySide, WhatTakesTooLongIsEnded) {
  SideBySide work({.longest = milliseconds(50)});
  ASSERT_TRUE(work.start(1, [](const auto &) -> std::string {
    pause();
    return "";
  }));
  auto ended = all(work, 1);
  ASSERT_EQ(ended.size(), 1U);
  EXPECT_EQ(ended[0].death, "took more than 0 s and was ended");
}

TEST(EndRequests, AreWaitedForOnce) {
  EndRequests requests;
  EXPECT_FALSE(requests.come());
  (void)raise(SIGTERM); // blocked, and so does not end us
  pollfd waiting{requests.descriptor(), POLLIN, 0};
  EXPECT_EQ(poll(&waiting, 1, 0), 1);
  EXPECT_TRUE(requests.come());
  EXPECT_TRUE(requests.come());
}

} // namespace
} // namespace lpc::runtime
