// Staging a table of writes, and playing it.
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "tests/live/agent_support.h"

namespace lpc::test {
namespace {

using runtime::PlayedWrite;

const Bytes kReturn42 = {0xb8, 42, 0, 0, 0, 0xc3, 0x90, 0x90}; // mov eax, 42; ret
constexpr uint64_t kNewWord = 0x2222222222222222, kDone = 0x646f6e65;

Bytes word(uint64_t value) {
  Bytes bytes;
  appendLittle(bytes, value, 8);
  return bytes;
}

class AgentPlay : public testing::TestWithParam<bool> {
protected:
  AgentPlay()
      : busy({"0", "1"}), process(Process::open(busy.pid()).value()), mappings(mappingsOf(busy.pid())),
        state(stateOf(busy.pid())) {
    auto started = startAgent(process);
    if (!started) throw std::runtime_error(explain(started.error()));
    agent = std::move(*started);
    if (GetParam()) agent->avoidMemoryFile();
  }
  std::string answer() {
    busy.child().send("a\n");
    return busy.child().lineWith("answer").value_or("no answer");
  }
  std::vector<PlayedWrite> writes() { return {{busy.word(), word(kNewWord)}, {busy.answer(), kReturn42}}; }

  Busy busy;
  Process process;
  std::vector<std::string> mappings; // before the agent
  ProcessState state;
  std::optional<Agent> agent;
};

constexpr const char *kOld = "answer 2 0x1111111111111111 0", *kNew = "answer 42 0x2222222222222222 0x646f6e65";

TEST_P(AgentPlay, PutsCodeDataAndMarkIntoPlace) {
  LPC_ASSERT_OK(agent->stage(writes(), busy.mark(), kDone));
  EXPECT_EQ(agent->threads().size(), 2U);
  EXPECT_EQ(answer(), kOld);
  LPC_ASSERT_OK(agent->play(in(5s)));
  EXPECT_EQ(answer(), kNew);
  // The agent is still at our command.
  LPC_EXPECT_OK(agent->call(SYS_getpid));
  auto again = agent->play(in(1s));
  EXPECT_FALSE(again) << "one play for each stage";
  LPC_ASSERT_OK(agent->stage({{busy.word(), word(1)}}, busy.mark(), 2));
  EXPECT_TRUE(eventually([&] { return stateOf(busy.pid()).threads == state.threads + 2; }))
      << "the first player has ended";
  LPC_ASSERT_OK(agent->play(in(5s)));
  EXPECT_EQ(answer(), "answer 42 0x1 0x2");
  agent.reset();
  EXPECT_EQ(stateOf(busy.pid()), state);
  EXPECT_EQ(mappingsOf(busy.pid()), mappings);
  EXPECT_TRUE(busy.allProgress());
}

TEST_P(AgentPlay, NothingIsPlayedWithoutTheLaunch) {
  LPC_ASSERT_OK(agent->stage(writes(), busy.mark(), kDone));
  agent.reset();
  EXPECT_EQ(answer(), kOld);
  EXPECT_EQ(stateOf(busy.pid()), state);
  EXPECT_EQ(mappingsOf(busy.pid()), mappings);
}

// The player that stands by: lpc writes by itself, and is killed before, within, or behind that.
TEST_P(AgentPlay, StandsByForTheMark) {
  constexpr uint64_t kBegun = 0x626567;
  auto staged = writes();
  staged.insert(staged.begin(), {busy.mark(), word(kBegun)});
  LPC_ASSERT_OK(agent->stage(staged, busy.mark(), kDone, kBegun));
  agent.reset();
  EXPECT_EQ(answer(), kOld) << "not begun";
  EXPECT_EQ(mappingsOf(busy.pid()), mappings);

  {
    auto again = startAgent(process);
    LPC_ASSERT_OK(again);
    LPC_ASSERT_OK(again->stage(staged, busy.mark(), kDone, kBegun));
    LPC_ASSERT_OK(again->commit(staged, in(5s)));
    EXPECT_EQ(answer(), kNew);
    LPC_ASSERT_OK(process.write(busy.word(), word(7)));
    LPC_EXPECT_OK(again->standDown());
    LPC_EXPECT_OK(again->standDown());
  }
  EXPECT_EQ(answer(), "answer 42 0x7 0x646f6e65") << "what is done is not played again";
  EXPECT_EQ(stateOf(busy.pid()), state);
}

// Where the mark says `begun` already (a repair of what was interrupted), it would play at once.
TEST_P(AgentPlay, DoesNotStandByWhereItHasBegunAlready) {
  LPC_ASSERT_OK(agent->stage(writes(), busy.mark(), kDone, 0));
  agent.reset();
  EXPECT_EQ(answer(), kOld);
  EXPECT_EQ(stateOf(busy.pid()), state);
}

TEST_P(AgentPlay, StagingAgainReplaces) {
  LPC_ASSERT_OK(agent->stage(writes(), busy.mark(), kDone));
  LPC_ASSERT_OK(agent->stage({{busy.word(), word(7)}}, busy.mark(), 8));
  EXPECT_EQ(agent->threads().size(), 2U);
  EXPECT_EQ(stateOf(busy.pid()).threads, 4U);
  LPC_ASSERT_OK(agent->play(in(5s)));
  EXPECT_EQ(answer(), "answer 2 0x7 0x8");
}

TEST_P(AgentPlay, PlacesThatAreNotMapped) {
  auto memory = agent->map({}, 4096, PROT_READ);
  LPC_ASSERT_OK(memory);
  LPC_ASSERT_OK(agent->unmap(*memory, 4096));
  auto staged = agent->stage({{*memory, word(1)}}, busy.mark(), kDone);
  ASSERT_FALSE(staged);
  EXPECT_EQ(staged.error().id, DiagnosticId::BadAddress);
  EXPECT_EQ(agent->threads().size(), 1U);
}

// What is mapped when it is staged may be gone when it is played: the rest and the mark are not written then.
TEST_P(AgentPlay, FailureNamesThePlaceAndLeavesTheMark) {
  auto memory = agent->map({}, 4096, PROT_READ | PROT_WRITE);
  LPC_ASSERT_OK(memory);
  LPC_ASSERT_OK(
      agent->stage({{busy.word(), word(5)}, {*memory, word(1)}, {busy.answer(), kReturn42}}, busy.mark(), kDone));
  LPC_ASSERT_OK(agent->unmap(*memory, 4096));
  auto played = agent->play(in(5s));
  ASSERT_FALSE(played);
  EXPECT_EQ(played.error().id, DiagnosticId::BadAddress);
  EXPECT_THAT(played.error().message, testing::HasSubstr(hexAddress(*memory)));
  EXPECT_EQ(answer(), "answer 2 0x5 0");
  agent.reset();
  auto after = mappingsOf(busy.pid());
  for (const std::string &line : after)
    EXPECT_THAT(mappings, testing::Contains(line));
}

TEST_P(AgentPlay, ManyWritesAndLargeOnes) {
  constexpr uint64_t kSize = 1 << 20;
  auto memory = agent->map({}, kSize, PROT_READ | PROT_WRITE);
  LPC_ASSERT_OK(memory);
  std::vector<PlayedWrite> many;
  Bytes expected(kSize);
  for (uint64_t i = 0; i < 1000; i++) {
    many.push_back({*memory + i * 512, word(i + 1)});
    storeLittle(std::span(expected).subspan(i * 512, 8), i + 1);
  }
  Bytes large(100'000, 0x5a);
  many.push_back({*memory + 600'001, large});
  std::ranges::copy(large, expected.begin() + 600'001);
  LPC_ASSERT_OK(agent->stage(many, busy.mark(), kDone));
  LPC_ASSERT_OK(agent->play(in(5s)));
  auto found = process.read(*memory, kSize);
  LPC_ASSERT_OK(found);
  EXPECT_TRUE(*found == expected);
  EXPECT_EQ(answer(), "answer 2 0x1111111111111111 0x646f6e65");
}

TEST_P(AgentPlay, EndsWithTheProcess) {
  LPC_ASSERT_OK(agent->stage(writes(), busy.mark(), kDone));
  busy.child().signal(SIGKILL);
  ASSERT_TRUE(eventually([&] { return !agent->call(SYS_getpid); }));
  auto played = agent->play(in(5s));
  ASSERT_FALSE(played);
  EXPECT_EQ(played.error().id, DiagnosticId::ProcessGone);
}

// The figures go into the test's report; the bound is for accidents only.
TEST_P(AgentPlay, TakesMicroseconds) {
  std::vector<double> times;
  for (uint64_t i = 1; i <= 200; i++) {
    LPC_ASSERT_OK(agent->stage({{busy.word(), word(i)}, {busy.answer(), kReturn42}}, busy.mark(), i));
    auto began = Clock::now();
    LPC_ASSERT_OK(agent->play(in(5s)));
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - began).count());
  }
  std::ranges::sort(times);
  RecordProperty("best_us", std::to_string(times.front()));
  RecordProperty("median_us", std::to_string(times[times.size() / 2]));
  RecordProperty("p90_us", std::to_string(times[times.size() * 9 / 10]));
  EXPECT_LT(times[times.size() / 2], 5000);
}

INSTANTIATE_TEST_SUITE_P(Methods, AgentPlay, testing::Values(false, true),
                         [](const auto &each) { return each.param ? "Unprotecting" : "ThroughMemory"; });

} // namespace
} // namespace lpc::test
