// Which bytes lpc takes for its own when it finds them in a process.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "runtime/arch/x86_64_stub.h"

namespace lpc::runtime::x86_64 {
namespace {

size_t kindsMatching(BytesView bytes) {
  return static_cast<size_t>(std::ranges::count_if(ownCode(), [&](const OwnCode &own) { return own.matches(bytes); }));
}

Bytes stubWith(std::mt19937_64 &random) {
  user_regs_struct home;
  auto *words = reinterpret_cast<unsigned char *>(&home);
  for (size_t i = 0; i < sizeof home; i++)
    words[i] = static_cast<unsigned char>(random());
  return borrowStub(home, random()).code;
}

TEST(OwnCode, StubsWithWhateverIsInThem) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 1000; i++)
    EXPECT_EQ(kindsMatching(stubWith(random)), 1U);
}

// The home of a thread is 10 words: eight registers, its signal mask, and where it goes on. One bit says whether it
// waits for the new thread to end.
TEST(OwnCode, EveryOtherBitCounts) {
  std::mt19937_64 random(2);
  const Bytes stub = stubWith(random);
  size_t free = 0;
  for (size_t bit = 0; bit < stub.size() * 8; bit++) {
    Bytes other = stub;
    other[bit / 8] = static_cast<uint8_t>(other[bit / 8] ^ (1U << bit % 8));
    free += kindsMatching(other);
  }
  EXPECT_EQ(free, 10U * 64 + 1);
  for (const Bytes &program : {agentProgram().code, workerProgram().code})
    for (size_t bit = 0; bit < program.size() * 8; bit++) {
      Bytes other = program;
      other[bit / 8] = static_cast<uint8_t>(other[bit / 8] ^ (1U << bit % 8));
      EXPECT_EQ(kindsMatching(other), 0U) << "bit " << bit;
    }
}

TEST(OwnCode, AllThatLpcPutsThere) {
  EXPECT_EQ(kindsMatching(agentProgram().code), 1U);
  EXPECT_EQ(kindsMatching(workerProgram().code), 1U);
  for (const OwnCode &own : ownCode()) {
    EXPECT_EQ(own.code.size(), own.fixed.size());
    EXPECT_EQ(own.fixed.at(0), 0xff);
    EXPECT_NE(own.code.at(0), 0) << "it is passed over then";
    EXPECT_EQ(kindsMatching(own.code), 1U) << own.kind << ": the kinds exclude each other";
    EXPECT_EQ(kindsMatching(Bytes(own.code.size())), 0U) << own.kind;
    EXPECT_EQ(kindsMatching(BytesView(own.code).first(own.code.size() - 1)), 0U) << own.kind;
  }
}

} // namespace
} // namespace lpc::runtime::x86_64
