// Stacks on which the allocator may be entered, and those on which it may not.
#include "runtime/quiet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lpc::runtime {
namespace {

using testing::HasSubstr;

// Return addresses, but for `poll`, which is where the thread stands.
constexpr uint64_t kPoll = 0x1010, kLock = 0x1110, kStart = 0x1200, kFork = 0x1300, kMalloc = 0x2010, kOpen = 0x3010,
                   kProgram = 0x4500, kEntry = 0x4026;

class Quiet : public testing::Test {
protected:
  static std::string why(const std::vector<uint64_t> &frames, bool complete = true, bool positionOnly = false) {
    CodeOwners owners{.library = {{{0x1000}, {0x2000}}},
                      .sleepers = {{{0x1000}, {0x1020}}},
                      .allocators = {{{0x2000}, {0x3000}}},
                      .linker = {{0x3000}, {0x4000}},
                      .entry = {0x4000}};
    Backtrace trace{.complete = complete};
    for (uint64_t frame : frames)
      trace.frames.push_back({frame});
    return whyNotQuiet(trace, owners, positionOnly).value_or("");
  }
};

TEST_F(Quiet, ThreadsThatWait) {
  EXPECT_EQ(why({kPoll, kProgram, kStart, kStart, kEntry}), "") << "the first thread";
  EXPECT_EQ(why({kPoll, kProgram, kStart, kEntry}), "") << "before glibc 2.34";
  EXPECT_EQ(why({kPoll, kProgram, kProgram, kStart, kStart}), "") << "another one";
  EXPECT_EQ(why({kLock, kPoll, kProgram, kStart, kStart}), "") << "deeper in the library";
  EXPECT_EQ(why({kProgram, kStart, kStart}), "") << "a system call of its own";
}

TEST_F(Quiet, InTheAllocatorOrTheLinker) {
  EXPECT_THAT(why({kPoll, kMalloc, kProgram, kStart, kStart}), HasSubstr("allocates"));
  EXPECT_THAT(why({kMalloc, kProgram, kStart, kStart}), HasSubstr("allocates"));
  EXPECT_THAT(why({kPoll, kProgram, kFork, kMalloc, kProgram, kStart, kStart}), HasSubstr("allocates"))
      << "a handler of a signal over it";
  EXPECT_THAT(why({kPoll, kProgram, kOpen, kProgram, kStart, kStart}), HasSubstr("dynamic linker"));
}

// A return address may be the first byte behind its module.
TEST_F(Quiet, TheCallDecidesAndNotWhatIsBehindIt) {
  EXPECT_EQ(why({kPoll, 0x3000 + 0x1800, kStart, kStart}), "");
  EXPECT_THAT(why({kPoll, 0x3000, kStart, kStart}), HasSubstr("allocates"));
  EXPECT_EQ(why({kLock, 0x1020, kProgram, kStart, kStart}), "") << "the last instruction of `poll`";
}

TEST_F(Quiet, InTheCLibrary) {
  EXPECT_THAT(why({kLock, kProgram, kStart, kStart}), HasSubstr("does more than wait"));
  EXPECT_THAT(why({kPoll, kFork, kProgram, kStart, kStart}), HasSubstr("does more than wait"));
  EXPECT_THAT(why({kPoll, kProgram, kFork, kProgram, kStart, kStart}), HasSubstr("was called by"));
  EXPECT_THAT(why({kPoll, kPoll, kStart, kStart}), HasSubstr("of the C library's own"));
}

TEST_F(Quiet, ThreadsThatEndOrAreNone) {
  EXPECT_THAT(why({kPoll, kProgram, kFork, kStart, kStart}), HasSubstr("does not begin")) << "a destructor of its data";
  EXPECT_THAT(why({kPoll, kProgram, kFork, kFork, kStart, kStart, kEntry}), HasSubstr("does not begin")) << "exit()";
  EXPECT_THAT(why({kPoll, kProgram}), HasSubstr("does not begin")) << "a coroutine, a thread without the C library";
  EXPECT_THAT(why({kPoll, kProgram, kStart}), HasSubstr("does not begin")) << "clone(2)";
  EXPECT_THAT(why({}), HasSubstr("does not begin"));
}

TEST_F(Quiet, UnknownFramesCountOnlyWhereItStands) {
  EXPECT_THAT(why({kPoll, kProgram}, false), HasSubstr("can't be unwound"));
  EXPECT_EQ(why({kPoll, kProgram}, false, true), "");
  EXPECT_EQ(why({kPoll}, false, true), "");
  EXPECT_EQ(why({kLock}, false, true), "") << "who was called is not known";
  EXPECT_THAT(why({kLock, kProgram}, false, true), HasSubstr("does more than wait"));
  EXPECT_THAT(why({kPoll, kMalloc}, false, true), HasSubstr("allocates"));
}

} // namespace
} // namespace lpc::runtime
