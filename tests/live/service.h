// The target `service` (targets/service.c) as the tests of apply see it, and a folder to work in.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/child.h"
#include "tests/support/work_folder.h"

namespace lpc::test {

inline const std::string kBinaries = LPC_TEST_BINARY_DIR;
inline const std::string kPayload = kBinaries + "/patch.so";

class Service {
public:
  explicit Service(int threads, const std::string &program = kBinaries + "/target_service_pie")
      : program_(program), child_({program, std::to_string(threads)}) {
    EXPECT_EQ(child_.line(), "ready");
    before_ = stateOf(pid());
  }

  [[nodiscard]] pid_t pid() const { return child_.pid(); }
  [[nodiscard]] std::string pidText() const { return std::to_string(pid()); }
  [[nodiscard]] const std::string &program() const { return program_; }
  Child &child() { return child_; }

  // What it says of itself.
  std::string call() {
    child_.send("call\n");
    return child_.line().value_or("(no answer)");
  }
  // As it was when it started?
  void expectUntouched() {
    EXPECT_EQ(call(), kOriginal);
    EXPECT_EQ(stateOf(pid()), before_);
  }
  // Alive, untraced, with the threads and descriptors it had; mappings may have been added.
  void expectWhole() {
    ProcessState now = stateOf(pid());
    EXPECT_EQ(now.threads, before_.threads);
    EXPECT_EQ(now.descriptors, before_.descriptors);
    EXPECT_EQ(now.tracer, 0);
  }

  static constexpr const char *kOriginal =
      "func_J 42 str_P the original message number 5 text some text table 01 02 03 04 00 00 wrong 0";

private:
  std::string program_;
  Child child_;
  ProcessState before_;
};

inline RunResult lpc(std::vector<std::string> words, const std::string &input = {}) {
  words.insert(words.begin(), LPC_COMMAND);
  return run(words, input);
}
inline RunResult livepatch(std::vector<std::string> words, const std::string &input) {
  words.insert(words.begin(), LIVEPATCH_COMMAND);
  return run(words, input);
}

} // namespace lpc::test
