// `lpc run`: a program that was patched before it began, and notices nothing else.
#include "tests/live/run.h"

namespace lpc::test {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

// --- every way to link a program ---------------------------------------------------------------------------------

struct Build {
  std::string name;
  std::vector<std::string> compiler;
};
void PrintTo(const Build &build, std::ostream *out) { *out << build.name; }

class RunBuilds : public Run, public testing::WithParamInterface<Build> {};

TEST_P(RunBuilds, ConstructorAndMainAreBehindThePatch) {
  build(GetParam().compiler);
  EXPECT_EQ(run({"./program"}).out, std::string(kRunBefore) + "\n");
  RunResult result = patched({"show"});
  EXPECT_EQ(result.out, std::string(kRunAfter) + "\n");
  EXPECT_EQ(result.err, "");
  EXPECT_EQ(result.status, 0);
}

TEST_P(RunBuilds, TakePayloads) {
  build(GetParam().compiler);
  folder_.write("payload.c", "extern int number; int fix(void) { return 100 + number; } const char words[] = \"new\";");
  ASSERT_EQ(run({"gcc", "-O2", "-fPIC", "-c", "payload.c"}).status, 0);
  folder_.write("fix.lp", "target program\ndl p payload.o\njmp answer $p:fix\nset number int 9\n");
  RunResult result = patched({"show"});
  EXPECT_EQ(result.out, "constructor 109 main 109 number 9 old\n");
  EXPECT_EQ(result.err, "");
}

INSTANTIATE_TEST_SUITE_P(Live, RunBuilds,
                         testing::Values(Build{"pie", {"gcc", "-fPIE", "-pie"}},
                                         Build{"fixed", {"gcc", "-fno-pie", "-no-pie"}},
                                         Build{"lazy", {"gcc", "-fPIE", "-pie", "-Wl,-z,lazy,-z,norelro"}},
                                         Build{"static", {"gcc", "-static"}},
                                         Build{"staticPie", {"gcc", "-fPIE", "-static-pie"}},
                                         Build{"musl", {"musl-gcc"}}, Build{"muslStatic", {"musl-gcc", "-static"}}),
                         [](const auto &row) { return row.param.name; });

// --- what the program is, to itself and to others ----------------------------------------------------------------

class RunPie : public Run {
protected:
  RunPie() {
    std::filesystem::copy(kBinaries + "/target_starts_pie", "program");
    folder_.write("fix.lp", kRunPatch);
  }
  // As waitpid(2) says it.
  static int waitStatus(const std::vector<std::string> &argv) {
    std::vector<char *> words;
    for (const std::string &word : argv)
      words.push_back(const_cast<char *>(word.c_str()));
    words.push_back(nullptr);
    pid_t pid = -1;
    EXPECT_EQ(posix_spawn(&pid, words[0], nullptr, nullptr, words.data(), environ), 0);
    int status = -1;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    return status;
  }
};

TEST_F(RunPie, ItsExitStatusIsItsOwn) {
  for (int status : {0, 1, 2, 3, 5, 70, 125, 126, 127, 128, 137, 255}) {
    int seen = waitStatus(words({"exit", std::to_string(status)}));
    EXPECT_TRUE(WIFEXITED(seen) && WEXITSTATUS(seen) == status) << status << ": " << seen;
  }
}

TEST_F(RunPie, ItDiesBySignals) {
  for (int number : {SIGTERM, SIGSEGV, SIGKILL, SIGUSR1, SIGRTMIN + 3}) {
    int seen = waitStatus(words({"raise", std::to_string(number)}));
    EXPECT_TRUE(WIFSIGNALED(seen) && WTERMSIG(seen) == number) << number << ": " << seen;
  }
}

TEST_F(RunPie, SignalsToItsProcessIdReachIt) {
  Child child(words({"serve"}));
  ASSERT_EQ(child.line(), "ready");
  child.signal(SIGTERM);
  EXPECT_EQ(child.wait(), 128 + SIGTERM);
}

TEST_F(RunPie, StandardInputIsItsOwn) {
  RunResult result = patched({"serve"}, "a\nb\n");
  EXPECT_EQ(result.out, std::string("ready\n") + kRunAfter + "\n" + kRunAfter + "\n");
}

TEST_F(RunPie, ItSeesNoDifference) {
  // Started from a shell with a blocked and an ignored signal and a descriptor: everything is inherited.
  auto report = [](const std::string &before) {
    std::string command = "trap '' USR2; exec 7</dev/null; exec " + before + "./program report";
    RunResult result = run({"python3", "-c",
                            "import os, signal, sys\n"
                            "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD, signal.SIGUSR1])\n"
                            "os.execv('/bin/sh', ['sh', '-c', sys.argv[1]])",
                            command});
    EXPECT_EQ(result.err, "");
    std::string lines;
    for (size_t at = 0; at < result.out.size();) {
      size_t end = std::min(result.out.find('\n', at), result.out.size() - 1);
      std::string line = result.out.substr(at, end + 1 - at);
      // Its own number, and what follows from it, is another one each time.
      if (!line.starts_with("slack") && !line.starts_with("Tgid")) lines += line;
      if (line.starts_with("slack")) lines += line.substr(0, line.find(" group"));
      at = end + 1;
    }
    return lines;
  };
  EXPECT_EQ(report(std::string(LPC_COMMAND) + " run fix.lp -- "), report(""));
}

TEST_F(RunPie, ItIsTheChildOfWhoStartedLpc) {
  Child child(words({"serve"}));
  ASSERT_EQ(child.line(), "ready");
  std::string exe = std::filesystem::read_symlink("/proc/" + std::to_string(child.pid()) + "/exe");
  EXPECT_EQ(exe, folder_.path() + "/program");
  EXPECT_EQ(stateOf(child.pid()).tracer, 0);
  std::ifstream children("/proc/" + std::to_string(child.pid()) + "/task/" + std::to_string(child.pid()) + "/children");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(children), {}), "");
}

TEST_F(RunPie, ItsMemoryIsAsEverButForThePatch) {
  auto lines = [](const RunResult &result) {
    size_t count = 0;
    for (size_t at = 0; (at = result.out.find('\n', at)) != std::string::npos; at++)
      count += 1;
    for (size_t at = 0; (at = result.out.find("memfd:livepatch", at)) != std::string::npos; at++)
      count -= 1;
    return count;
  };
  RunResult result = patched({"maps"});
  EXPECT_THAT(result.out, HasSubstr("memfd:livepatch"));
  EXPECT_EQ(lines(result), lines(run({"./program", "maps"})));
}

TEST_F(RunPie, ItsChildrenArePatched) { EXPECT_EQ(patched({"fork"}).out, "child 7\nwaited 1\n"); }

TEST_F(RunPie, StatusAndRevertWorkAfterwards) {
  Child child(words({"serve"}));
  ASSERT_EQ(child.line(), "ready");
  std::string pid = std::to_string(child.pid());
  EXPECT_THAT(lpc({"status", "--pid", pid}).out, HasSubstr("fix"));
  EXPECT_THAT(lpc({"apply", "fix.lp", "--pid", pid}).out, HasSubstr("already applied"));
  ASSERT_EQ(lpc({"revert", "fix", "--pid", pid}).status, 0);
  child.send("\n");
  EXPECT_EQ(child.line(), "constructor 7 main 42 number 5 old");
}

// --- what cannot be started --------------------------------------------------------------------------------------

TEST_F(RunPie, WhatIsNotPatchedDoesNotBegin) {
  folder_.write("fix.lp", "target program\nreturn answer 7\nexpect number int 77\nset no_such_symbol int 1\n");
  RunResult wrong = patched({"touch", "file"});
  EXPECT_EQ(wrong.status, 1);
  EXPECT_THAT(wrong.err, HasSubstr("[unknown-symbol]"));
  EXPECT_THAT(wrong.err, HasSubstr("state: `./program` was ended before it began"));

  folder_.write("fix.lp", "target program\nreturn answer 7\non pre-apply call answer\n");
  RunResult refused = patched({"touch", "file"});
  EXPECT_EQ(refused.status, 3);
  EXPECT_THAT(refused.err, HasSubstr("[call-refused]"));
  EXPECT_FALSE(std::filesystem::exists("file"));
}

TEST_F(RunPie, AnotherBuildIsRefused) {
  std::filesystem::copy("/bin/true", "other");
  RunResult result = lpc({"run", "fix.lp", "--", "./other"});
  EXPECT_EQ(result.status, 3);
  EXPECT_THAT(result.err, HasSubstr("[build-id-mismatch]"));
  folder_.write("script", "#!/bin/sh\ntouch file\n");
  std::filesystem::permissions("script", std::filesystem::perms::owner_all);
  RunResult script = lpc({"run", "fix.lp", "--", "./script"});
  EXPECT_EQ(script.status, 3);
  EXPECT_THAT(script.err, HasSubstr("the command is a script, so what runs is `/bin/sh`"));
  EXPECT_FALSE(std::filesystem::exists("file"));
}

TEST_F(RunPie, AMissingCommandIsToldAsShellsDo) {
  RunResult missing = lpc({"run", "fix.lp", "--", "no-such-command"});
  EXPECT_EQ(missing.status, 127);
  EXPECT_THAT(missing.err, HasSubstr("`no-such-command` cannot be executed: No such file or directory [cannot-open]"));
  RunResult noProgram = lpc({"run", "fix.lp", "--", "./fix.lp"});
  EXPECT_EQ(noProgram.status, 126);
  folder_.write("nothing", "nothing");
  std::filesystem::permissions("nothing", std::filesystem::perms::owner_all);
  EXPECT_EQ(lpc({"run", "fix.lp", "--", "./nothing"}).status, 126);
}

TEST_F(RunPie, ASecondPatchThatFailsEndsItToo) {
  folder_.write("second.lp", "target program\nset number int 8 was 77\n");
  RunResult result = lpc({"run", "fix.lp", "second.lp", "--", "./program", "touch", "file"});
  EXPECT_EQ(result.status, 3);
  EXPECT_THAT(result.err, HasSubstr("[expect-failed]"));
  EXPECT_FALSE(std::filesystem::exists("file"));
  folder_.write("second.lp", "target program\nset text addr 0\nset number+0 int 8\n");
  EXPECT_EQ(lpc({"run", "second.lp", "--", "./program", "exit", "4"}).status, 4);
}

TEST_F(RunPie, TheDocumentGoesToStandardError) {
  RunResult result = lpc({"run", "fix.lp", "--format", "json", "--", "./program"});
  EXPECT_EQ(result.out, std::string(kRunAfter) + "\n");
  EXPECT_THAT(result.err, HasSubstr("\"schema\": \"lpc.run/1\""));
  EXPECT_THAT(result.err, HasSubstr("\"result\": \"applied\""));
}

} // namespace
} // namespace lpc::test
