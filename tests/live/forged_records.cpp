// A process that puts records into its memory which lpc did not make: whatever they say, no command crashes, waits for
// ever or takes more than its share of memory, and the process itself runs on.
#include <gmock/gmock.h>

#include "backend/record.h"
#include "tests/live/service.h"
#include "tests/support/own_build.h"

namespace lpc::test {
namespace {

using backend::Record;
using backend::RecordState;
using testing::HasSubstr;

// Maps each file that it is given as a patch's memory, "FILE:SIZE" with as many zeros behind as make SIZE.
constexpr const char *kForger = R"(
  #define _GNU_SOURCE
  #include <fcntl.h>
  #include <stdio.h>
  #include <stdlib.h>
  #include <string.h>
  #include <sys/mman.h>
  #include <unistd.h>
  int number = 5;
  __attribute__((noinline)) int answer(int x) { volatile int y = x; return y * 3 - 2 * y + 1; }
  int (*volatile callee)(int) = answer;
  static char buffer[1 << 20];
  int main(int count, char **words) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < count; i++) {
      char *size = strchr(words[i], ':');
      *size++ = 0;
      int file = open(words[i], O_RDONLY), memory = memfd_create("livepatch", 0);
      ssize_t length = read(file, buffer, sizeof buffer);
      if (write(memory, buffer, length) != length || ftruncate(memory, strtoll(size, NULL, 0)) != 0) return 1;
      if (mmap(NULL, strtoll(size, NULL, 0), PROT_READ | PROT_WRITE, MAP_PRIVATE, memory, 0) == MAP_FAILED) return 2;
      close(file), close(memory);
    }
    printf("ready %p %p\n", (void *)answer, (void *)&number);
    while (fgets(buffer, sizeof buffer, stdin)) printf("answer %d number %d\n", callee(1), number);
    return 0;
  })";

class ForgedRecords : public testing::Test {
protected:
  ForgedRecords() {
    folder_.write("forger.c", kForger);
    EXPECT_EQ(run({"cc", "-O1", "-no-pie", "-Wl,--build-id=sha1", "forger.c", "-o", "made"}).status, 0);
    copyAsOwnBuild("made", "forger");
    folder_.write("fix.lp", "patch fix\ntarget forger\nset number int 6\nreturn answer 7\n");
  }
  // The program with these records, each in so much memory (0: as it needs).
  void start(const std::vector<std::pair<Record, uint64_t>> &records) {
    std::vector<std::string> words = {"./forger"};
    for (const auto &[record, size] : records) {
      Bytes bytes = encode(record);
      std::string name = "record" + std::to_string(words.size());
      folder_.write(name, {bytes.begin(), bytes.end()});
      words.push_back(name + ":" + std::to_string(std::max<uint64_t>(size, (bytes.size() + 4095) / 4096 * 4096)));
    }
    child_.emplace(words);
    ASSERT_TRUE(child_->line().value_or("").starts_with("ready"));
    before_ = stateOf(child_->pid());
  }
  RunResult lpcOn(std::vector<std::string> words) {
    words.insert(words.end(), {"--pid", std::to_string(child_->pid())});
    return lpc(words);
  }
  void expectWhole(const std::string &says = "answer 2 number 5") {
    child_->send("\n");
    EXPECT_EQ(child_->line(), says);
    EXPECT_EQ(stateOf(child_->pid()).tracer, 0);
    EXPECT_EQ(stateOf(child_->pid()).threads, before_.threads);
  }
  // Refused by everything that would have to believe it, and nothing is changed.
  void expectRefused(const std::string &why) {
    for (const std::vector<std::string> &words :
         {std::vector<std::string>{"status"}, {"apply", "fix.lp"}, {"revert", "forged"}}) {
      RunResult done = lpcOn(words);
      EXPECT_EQ(done.status, 3) << words[0] << done.out << done.err;
      EXPECT_THAT(done.err, HasSubstr(why)) << words[0];
    }
    expectWhole();
    EXPECT_EQ(stateOf(child_->pid()), before_);
  }
  static Record forged(RecordState state = RecordState::Applied) {
    Record record{.name = "forged", .version = "1", .digest = Bytes(32, 1), .code = {}, .changes = {}};
    record.sequence = 1, record.state = state;
    return record;
  }

  WorkFolder folder_;
  std::optional<Child> child_;
  ProcessState before_;
};

constexpr uint64_t kMiB = 1 << 20;

TEST_F(ForgedRecords, AreTooLargeAlone) {
  start({{forged(), 257 * kMiB}});
  expectRefused("the record of a patch in the process is damaged: it is too large [corrupt-registry]");
}

TEST_F(ForgedRecords, AreTooLargeTogether) {
  start({{forged(), 130 * kMiB}, {forged(), 130 * kMiB}});
  expectRefused("the record of a patch in the process is damaged: it is too large [corrupt-registry]");
}

// Places where nothing is, in the kernel's half, and at the end of all addresses.
TEST_F(ForgedRecords, NamePlacesThatAreNotThere) {
  for (uint64_t place :
       {uint64_t{0x1000}, uint64_t{0x7fff'ffff'f000}, uint64_t{0xffff'8000'0000'0000}, ~uint64_t{0xff}})
    for (bool code : {false, true})
      for (RecordState state : {RecordState::Applied, RecordState::Switching, RecordState::Reverting}) {
        Record record = forged(state);
        record.changes = {{{place}, code, {1, 2, 3, 4}, {5, 6, 7, 8}}};
        record.code = {{"$forged", {{place}, {place + 64}}}};
        start({{record, 0}});
        EXPECT_EQ(lpcOn({"status"}).status, 0);
        RunResult reverted = lpcOn({"revert", "forged"});
        EXPECT_EQ(reverted.status, 3) << reverted.out << reverted.err;
        expectWhole();
      }
}

// Calls that are due, to where no function is: the process survives them, as all calls that end by a signal.
TEST_F(ForgedRecords, DemandCallsOfNoFunction) {
  Record record = forged(RecordState::Reverted);
  record.calls = {{.stage = backend::CallStage::Finish, .function = {0x1000}, .name = "`forged`", .step = 1}};
  record.begun = 1;
  start({{record, 0}});
  RunResult applied = lpcOn({"apply", "fix.lp"});
  EXPECT_NE(applied.status, 70) << applied.err;
  EXPECT_NE(applied.status, -1) << applied.err;
  expectWhole(applied.status == 0 ? "answer 7 number 6" : "answer 2 number 5");
}

// Two of one name and one number, frames and ranges that turn back: a patch beside them is applied and taken back.
TEST_F(ForgedRecords, ContradictEachOther) {
  Record record = forged();
  record.code = {{"$forged", {{0x2000}, {0x1000}}}, {"$all", {{0}, {~uint64_t{0}}}}};
  record.frames = {{{~uint64_t{0}}, {0}}};
  record.exitHandles = {{0}, {~uint64_t{0}}};
  record.begun = record.finished = ~uint64_t{0};
  start({{record, 0}, {record, 0}, {forged(RecordState::Prepared), 0}});
  EXPECT_EQ(lpcOn({"status"}).status, 0);
  RunResult applied = lpcOn({"apply", "fix.lp"});
  EXPECT_TRUE(applied.status == 0 || applied.status == 3) << applied.out << applied.err;
  if (applied.status == 0) {
    expectWhole("answer 7 number 6");
    EXPECT_EQ(lpcOn({"revert", "fix"}).status, 0);
  }
  expectWhole();
  RunResult reverted = lpcOn({"revert", "forged", "--timeout", "500ms"});
  EXPECT_TRUE(reverted.status == 0 || reverted.status == 3) << reverted.out << reverted.err;
  expectWhole();
}

} // namespace
} // namespace lpc::test
