// What the tests of `lpc run` share: a program that tells what it sees, and ways to start it.
#pragma once

#include <gmock/gmock.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <optional>

#include "tests/live/service.h"

namespace lpc::test {

const std::string kStarts = LPC_SOURCE_DIR "/tests/live/targets/starts.c";
constexpr const char *kRunPatch = "patch fix\ntarget program\nreturn answer 7\nset number int 6\n";
constexpr const char *kRunBefore = "constructor 42 main 42 number 5 old";
constexpr const char *kRunAfter = "constructor 7 main 7 number 6 old";

class Run : public testing::Test {
protected:
  void build(std::vector<std::string> words) {
    words.insert(words.end(), {"-O1", "-o", "program", kStarts});
    RunResult built = run(words);
    ASSERT_EQ(built.status, 0) << built.err;
    folder_.write("fix.lp", kRunPatch);
  }
  static std::vector<std::string> words(std::vector<std::string> arguments, const std::string &patch = "fix.lp") {
    arguments.insert(arguments.begin(), {LPC_COMMAND, "run", patch, "--", "./program"});
    return arguments;
  }
  static RunResult patched(std::vector<std::string> arguments, const std::string &input = {}) {
    return run(words(std::move(arguments)), input);
  }

  WorkFolder folder_;
};

} // namespace lpc::test
