// Programs whose memory jemalloc allocates, which Debian's redis-server depends on.
#pragma once

#include "tests/live/dlopen.h"

namespace lpc::test {

class OtherAllocator : public Dlopen {
protected:
  void SetUp() override {
    if (!std::filesystem::exists(kLibrary)) GTEST_SKIP() << "the package libjemalloc2 is not installed";
  }
  void startWith(int threads, std::vector<std::string> extra = {}) {
    buildProgram(std::move(extra));
    again(threads);
  }
  void again(int threads) {
    child_.emplace(std::vector<std::string>{folder_.path() + "/program", std::to_string(threads)},
                   std::vector<std::string>{"LD_PRELOAD=" + kLibrary});
    ASSERT_EQ(child_->line(), "ready");
    before_ = stateOf(child_->pid());
    ASSERT_THAT(mapped(), testing::HasSubstr(kLibrary));
  }
  // With what a loaded machine needs.
  RunResult applied(std::vector<std::string> options = {}) {
    options.insert(options.begin(), {"apply", "fix.lp", "--pid", pid(), "--timeout", "30s", "--max-pause", "1s"});
    return lpc(options);
  }
  RunResult reverted() { return revert("fix", {"--timeout", "30s", "--max-pause", "1s"}); }

  inline static const std::string kLibrary = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2";
  static constexpr const char *kPayloadWithAll = R"(
    #include <stdlib.h>
    extern void say(const char *);
    int new_limit = 500;
    static void *block;
    __attribute__((constructor)) static void begin(void) { block = malloc(100000); say("begin"); }
    __attribute__((destructor)) static void end(void) { free(block); say("end"); }
    int fix(int x) { return x + 1; })";
  static constexpr const char *kPatch = "target program\ndl p own.so\njmp handle $p:fix\nset limit_p addr "
                                        "$p:new_limit\non post-apply call handle 41\n";
};

} // namespace lpc::test
