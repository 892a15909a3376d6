// What can't be patched is refused with its own message and status, and is as it was afterwards.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "tests/live/service.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

constexpr const char *kPatch = "patch refused\nset number int 6\n";

// Applies kPatch, which must be refused without a touch.
void expectRefused(Service &service, const std::vector<std::string> &options, const std::string &id, int status = 3) {
  std::vector<std::string> words = {"apply", "refused.lp", "--pid", service.pidText()};
  words.insert(words.end(), options.begin(), options.end());
  RunResult done = lpc(words);
  EXPECT_EQ(done.status, status) << done.out << done.err;
  EXPECT_THAT(done.err, HasSubstr("[" + id + "]"));
  EXPECT_THAT(done.err, HasSubstr("nothing was changed"));
  service.expectUntouched();
}

class Refusal : public testing::Test {
protected:
  WorkFolder folder_;
  Refusal() { folder_.write("refused.lp", kPatch); }
};

TEST_F(Refusal, NearestThatPasses) {
  Service service(2);
  RunResult done = lpc({"apply", "refused.lp", "--pid", service.pidText()});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(service.call(), HasSubstr("number 6"));
}

TEST_F(Refusal, NoSuchProcess) {
  pid_t gone = 0;
  {
    gone = Service(1).pid();
  }
  RunResult done = lpc({"apply", "refused.lp", "--pid", std::to_string(gone)});
  EXPECT_EQ(done.status, 3);
  EXPECT_THAT(done.err, HasSubstr("[no-such-process]"));
}

TEST_F(Refusal, OwnProcess) {
  // `sh -c 'exec lpc … --pid $$'`: the shell's id is lpc's own.
  RunResult done = run({"sh", "-c", std::string("exec ") + LPC_COMMAND + " apply refused.lp --pid $$"});
  EXPECT_EQ(done.status, 3);
  EXPECT_THAT(done.err, HasSubstr("[own-process]"));
}

TEST_F(Refusal, AnotherBuild) {
  Service service(1);
  expectRefused(service, {"--target", kBinaries + "/target_service"}, "build-id-mismatch");
}

TEST_F(Refusal, TracedByADebugger) {
  Service service(2);
  ASSERT_EQ(ptrace(PTRACE_SEIZE, service.pid(), nullptr, nullptr), 0);
  RunResult done = lpc({"apply", "refused.lp", "--pid", service.pidText()});
  EXPECT_EQ(done.status, 3) << done.out << done.err;
  EXPECT_THAT(done.err, HasSubstr("[already-traced]"));
  ASSERT_EQ(ptrace(PTRACE_INTERRUPT, service.pid(), nullptr, nullptr), 0);
  int status = 0;
  ASSERT_EQ(waitpid(service.pid(), &status, __WALL), service.pid());
  ASSERT_EQ(ptrace(PTRACE_DETACH, service.pid(), nullptr, nullptr), 0);
  service.expectUntouched();
}

TEST_F(Refusal, AnotherUsersProcessWithoutPrivilege) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to start a process of another user";
  Service service(1);
  std::filesystem::permissions(folder_.path(), std::filesystem::perms::all);
  RunResult done = run({"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", LPC_COMMAND, "apply",
                        folder_.path() + "/refused.lp", "--target", service.program(), "--pid", service.pidText()});
  EXPECT_EQ(done.status, 3) << done.out << done.err;
  EXPECT_THAT(done.err, HasSubstr("[not-permitted]"));
  service.expectUntouched();
}

TEST_F(Refusal, OtherBytesThanTheFile) {
  Service service(1);
  folder_.write("refused.lp", "dl foo " + kPayload + "\njmp func_J $foo:func1\n");
  // Somebody else patched the function: its first byte is changed behind lpc's back.
  RunResult symbols = run({"nm", service.program()});
  uint64_t link = std::stoull(symbols.out.substr(symbols.out.find(" T func_J") - 16, 16), nullptr, 16);
  std::ifstream maps("/proc/" + service.pidText() + "/maps");
  uint64_t bias = 0;
  maps >> std::hex >> bias;
  int mem = open(("/proc/" + service.pidText() + "/mem").c_str(), O_RDWR | O_CLOEXEC);
  uint8_t old = 0, other = 0x90;
  ASSERT_EQ(pread(mem, &old, 1, static_cast<off_t>(bias + link)), 1);
  ASSERT_EQ(pwrite(mem, &other, 1, static_cast<off_t>(bias + link)), 1);
  RunResult done = lpc({"apply", "refused.lp", "--pid", service.pidText()});
  EXPECT_EQ(done.status, 3) << done.out << done.err;
  EXPECT_THAT(done.err, HasSubstr("[bytes-differ]"));
  ASSERT_EQ(pwrite(mem, &old, 1, static_cast<off_t>(bias + link)), 1);
  close(mem);
  service.expectUntouched();
}

TEST_F(Refusal, AnotherValueThanWasStates) {
  Service service(4);
  folder_.write("refused.lp", "set number int 6 was 5\n");
  ASSERT_EQ(lpc({"apply", "refused.lp", "--pid", service.pidText()}).status, 0);
  folder_.write("second.lp", "set number int 7 was 5\n");
  RunResult done = lpc({"apply", "second.lp", "--pid", service.pidText()});
  EXPECT_EQ(done.status, 3) << done.out << done.err;
  EXPECT_THAT(done.err, HasSubstr("[expect-failed]"));
  EXPECT_THAT(done.err, HasSubstr("patch `refused` is on the process, and has changed it"));
  EXPECT_THAT(service.call(), HasSubstr("number 6"));
}

TEST_F(Refusal, AFunctionThatAnotherPatchReplaces) {
  Service service(1);
  folder_.write("refused.lp", "dl foo " + kPayload + "\njmp func_J $foo:func1\n");
  ASSERT_EQ(lpc({"apply", "refused.lp", "--pid", service.pidText()}).status, 0);
  folder_.write("second.lp", "return func_J 7\n");
  RunResult done = lpc({"apply", "second.lp", "--pid", service.pidText()});
  EXPECT_EQ(done.status, 3) << done.out << done.err;
  EXPECT_THAT(done.err, HasSubstr("[bytes-differ]"));
  EXPECT_THAT(done.err, HasSubstr("patch `refused` is on the process, and has changed it"));
  EXPECT_THAT(done.err, HasSubstr("lpc revert refused --pid " + service.pidText()));
  done = lpc({"plan", "refused.lp", "--pid", service.pidText()});
  EXPECT_THAT(done.err, HasSubstr("it has the name of this one: the patch is applied"));
  ASSERT_EQ(lpc({"revert", "refused", "--pid", service.pidText()}).status, 0);
  done = lpc({"apply", "second.lp", "--pid", service.pidText()});
  EXPECT_EQ(done.status, 0) << done.err;
  ASSERT_EQ(lpc({"revert", "second", "--pid", service.pidText()}).status, 0);
  service.expectUntouched();
}

TEST_F(Refusal, AnotherPatchOfTheSameName) {
  Service service(1);
  ASSERT_EQ(lpc({"apply", "refused.lp", "--pid", service.pidText()}).status, 0);
  RunResult again = lpc({"apply", "refused.lp", "--pid", service.pidText()});
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("already applied"));
  folder_.write("refused.lp", "patch refused\nset number int 9\n");
  RunResult done = lpc({"apply", "refused.lp", "--pid", service.pidText()});
  EXPECT_EQ(done.status, 3);
  EXPECT_THAT(done.err, HasSubstr("[name-taken]"));
  EXPECT_THAT(service.call(), HasSubstr("number 6"));
}

// The process ends at whatever moment; lpc must neither hang nor claim success of a change nobody can see.
TEST_F(Refusal, ProcessThatDiesMeanwhile) {
  folder_.write("refused.lp", "dl foo " + kPayload + "\njmp func_J $foo:func1\nset number int 6\n");
  for (int round = 0; round < 30; round++) {
    Service service(4);
    Child command({LPC_COMMAND, "apply", "refused.lp", "--pid", service.pidText(), "--format", "json"});
    // Not a sleep for synchronisation: the moment is arbitrary, and each round takes a later one.
    usleep(static_cast<useconds_t>(round) * 500);
    service.child().signal(SIGKILL);
    auto status = command.wait(std::chrono::seconds(20));
    ASSERT_TRUE(status.has_value()) << "lpc hangs in round " << round;
    EXPECT_TRUE(*status == 0 || *status == 3) << "status " << *status << " in round " << round;
  }
}

} // namespace
} // namespace lpc::test
