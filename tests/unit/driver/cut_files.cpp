// A file that becomes shorter while it is mapped ends lpc with a message.
#include "frontend/driver/cut_files.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "frontend/driver/exit_status.h"
#include "frontend/target/elf_file.h"
#include "ir/support/result.h"

namespace lpc::driver {
namespace {

// A copy of this program, opened, then cut off behind its header, then read.
void readCutFile(bool changesProcesses) {
  expectCutFiles(changesProcesses);
  char path[] = "/tmp/lpc-cut-XXXXXX";
  const int copy = mkstemp(path), self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  LPC_CHECK(copy >= 0 && self >= 0);
  char part[65536];
  for (ssize_t size = 0; (size = read(self, part, sizeof part)) > 0;)
    LPC_CHECK(write(copy, part, static_cast<size_t>(size)) == size);
  auto file = target::ElfFile::open(path, path);
  unlink(path);
  LPC_CHECK(file.has_value() && ftruncate(copy, 4096) == 0);
  (void)(*file)->find(std::vector<std::string>{"main"});
  LPC_CHECK(!"what is not there was read");
}

TEST(CutFiles, EndACommandWithAMessage) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT(
      readCutFile(false), testing::ExitedWithCode(PatchHasErrors),
      "^lpc: error: a file became shorter while it was read \\[cannot-open\\]\n  help: run the command again\n$");
  EXPECT_EXIT(readCutFile(true), testing::ExitedWithCode(StateIsUncertain), "state: the process runs on");
}

// Other reasons for the signal are none of this.
TEST(CutFiles, AreToldFromOtherSignals) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_EXIT((expectCutFiles(false), raise(SIGBUS), raise(SIGBUS)), testing::KilledBySignal(SIGBUS), "^$");
}

} // namespace
} // namespace lpc::driver
