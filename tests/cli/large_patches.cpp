// What `lpc check` of a large patch costs: the IR and little else. The tree of a statement is let go once that is
// checked; this test failed (120 MB) when all of them were kept.
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "ir/patch.h"
#include "tests/cli/lpc.h"

namespace lpc::test {
namespace {

constexpr int kVariables = 1000, kEach = 100; // statements for each

// What the command needed at most, in bytes; 0 where it failed.
uint64_t memoryOf(std::vector<std::string> words) {
  std::vector<char *> argv;
  for (std::string &word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t pid = 0;
  if (posix_spawn(&pid, argv[0], nullptr, nullptr, argv.data(), environ) != 0) return 0;
  int status = 0;
  rusage usage{};
  if (wait4(pid, &status, 0, &usage) != pid || status != 0) return 0;
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

TEST(LargePatches, NeedMemoryForTheirIrAndLittleElse) {
  Folder folder;
  std::string program = ".globl _start\n.text\n_start: ret\n.data\n.section .note.GNU-stack,\"\",@progbits\n.data\n";
  for (int i = 0; i < kVariables; i++) {
    const std::string name = "table" + std::to_string(i), size = std::to_string(4 * kEach);
    program += ".globl " + name + "\n.type " + name + ",@object\n.size " + name + "," + size + "\n" + name +
               ": .zero " + size + "\n";
  }
  ASSERT_EQ(
      run({"cc", "-nostdlib", "-no-pie", "-o", folder.path("program"), folder.write("program.s", program)}).status, 0);
  std::string patch = "target program\nset table0 u32 0\n";
  const std::string small = folder.write("small.lp", patch);
  for (int i = 1; i < kVariables * kEach; i++)
    patch += "set table" + std::to_string(i % kVariables) + "+" + std::to_string(4 * (i / kVariables)) + " u32 " +
             std::to_string(i) + " was 0\n";
  const uint64_t one = memoryOf({LPC_COMMAND, "check", small});
  const uint64_t all = memoryOf({LPC_COMMAND, "check", folder.write("large.lp", patch)});
  ASSERT_NE(one, 0U);
  ASSERT_GT(all, one);
  RecordProperty("megabytes", static_cast<int>(all >> 20));
  constexpr uint64_t kOfOne = sizeof(ir::Operation) + 2 * 32; // its two values stand on the heap
  EXPECT_LT(all - one, 2 * kOfOne * kVariables * kEach);
}

} // namespace
} // namespace lpc::test
