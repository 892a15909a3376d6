// Every reason for which a process is refused, with its message, from facts that no test machine has all at once.
#include "runtime/refusal.h"

#include <gtest/gtest.h>

namespace lpc::runtime {
namespace {

constexpr uint64_t kSysPtrace = 1ULL << 19;

AccessFacts sameUser() {
  return {
      .ourUser = 1000, .ourGroup = 1000, .users = {1000, 1000, 1000}, .groups = {1000, 1000, 1000}, .dumpable = true};
}

std::string denied(const AccessFacts &facts) {
  Error error = explainDenied(42, facts);
  EXPECT_EQ(error.id, DiagnosticId::NotPermitted);
  return error.message;
}

TEST(Refusal, AnotherUser) {
  AccessFacts facts = sameUser();
  facts.users = {33, 33, 33};
  EXPECT_EQ(denied(facts), "process 42 belongs to user 33, and lpc runs as user 1000 without privilege");
  EXPECT_EQ(explainDenied(42, facts).help, "run lpc as user 33 or as root");
  facts.ourUser = 0;
  EXPECT_EQ(
      explainDenied(42, facts).help,
      "lpc runs as root without CAP_SYS_PTRACE: give it that capability (`--cap-add SYS_PTRACE` for a container)");
}

TEST(Refusal, SetUserIdProgram) {
  AccessFacts facts = sameUser();
  facts.users = {1000, 0, 0};
  EXPECT_EQ(denied(facts), "process 42 has set its user id: its user ids are 1000, 0 and 0");
}

TEST(Refusal, OtherGroups) {
  AccessFacts facts = sameUser();
  facts.groups = {1000, 42, 42};
  EXPECT_EQ(denied(facts), "process 42 runs with the group ids 1000, 42 and 42, and lpc with 1000");
}

TEST(Refusal, NotDumpable) {
  AccessFacts facts = sameUser();
  facts.dumpable = false;
  EXPECT_EQ(denied(facts),
            "process 42 is not dumpable: it has asked for that (prctl PR_SET_DUMPABLE), has changed its user, or its "
            "program file cannot be read");
  facts.dumpable.reset(); // not known: no reason to say so
  EXPECT_EQ(
      denied(facts),
      "process 42 cannot be traced: a security module (SELinux, AppArmor or another) or a seccomp filter forbids it");
}

TEST(Refusal, MoreCapabilities) {
  AccessFacts facts = sameUser();
  facts.capabilities = 1 << 10;
  EXPECT_EQ(denied(facts), "process 42 has capabilities that lpc has not");
  facts.ourCapabilities = 1 << 10;
  EXPECT_NE(denied(facts), "process 42 has capabilities that lpc has not");
}

TEST(Refusal, Yama) {
  AccessFacts facts = sameUser();
  facts.yamaScope = 1;
  EXPECT_EQ(denied(facts),
            "process 42 is no descendant of lpc, and yama lets unprivileged programs trace none but theirs");
  EXPECT_EQ(explainDenied(42, facts).help, "run lpc as root, or set `kernel.yama.ptrace_scope` to 0 with sysctl");
  facts.yamaScope = 2;
  EXPECT_EQ(denied(facts), "process 42 cannot be traced without privilege: kernel.yama.ptrace_scope is 2");
  facts.yamaScope = 3, facts.ourCapabilities = kSysPtrace; // 3 binds root too
  EXPECT_EQ(
      denied(facts),
      "process 42 cannot be traced: kernel.yama.ptrace_scope is 3, which forbids all tracing until the next boot");
}

TEST(Refusal, PrivilegedAndStillDenied) {
  AccessFacts facts = sameUser();
  facts.users = {33, 33, 33}, facts.ourCapabilities = kSysPtrace; // the user is no reason then
  EXPECT_EQ(denied(facts),
            "process 42 cannot be traced even with CAP_SYS_PTRACE: it lives in another user namespace, or a security "
            "module (SELinux, AppArmor or another) forbids it");
  facts.otherUserNamespace = true;
  EXPECT_EQ(denied(facts), "process 42 lives in another user namespace, in which lpc has no privilege");
}

std::optional<Error> byState(std::string_view status, const ThreadStat &stat, const std::string &tracer = "") {
  return refuseByState(42, status, stat, 7, tracer);
}

TEST(Refusal, OrdinaryProcessesPass) {
  EXPECT_FALSE(byState("Name:\tserver\nThreads:\t3\nTracerPid:\t0\n", {.state = 'S'}));
  EXPECT_FALSE(byState("Name:\tserver\nTracerPid:\t0\n", {.state = 'T'})); // stopped is not traced
  EXPECT_FALSE(byState("Name:\tserver\nTracerPid:\t7\n", {.state = 't'})); // by ourselves
}

TEST(Refusal, KernelThread) {
  auto error = byState("Name:\tkworker/0:1\n", {.state = 'I', .flags = 0x04208060});
  ASSERT_TRUE(error);
  EXPECT_EQ(error->id, DiagnosticId::KernelThread);
  EXPECT_EQ(error->message, "process 42 (kworker/0:1) is a thread of the kernel");
}

TEST(Refusal, Zombies) {
  auto error = byState("Name:\tserver\nThreads:\t1\n", {.state = 'Z', .parent = 9});
  ASSERT_TRUE(error);
  EXPECT_EQ(error->id, DiagnosticId::ZombieProcess);
  EXPECT_EQ(error->message, "process 42 (server) has ended and waits for its parent, process 9, to take notice");
  error = byState("Name:\tserver\nThreads:\t4\n", {.state = 'Z', .parent = 9});
  ASSERT_TRUE(error);
  EXPECT_EQ(error->id, DiagnosticId::ZombieProcess);
  EXPECT_EQ(
      error->message,
      "the first thread of process 42 (server) has ended, while 3 of its threads live on: the kernel shows no memory "
      "map of such a process");
}

TEST(Refusal, AlreadyTraced) {
  auto error = byState("Name:\tserver\nTracerPid:\t99\n", {.state = 'S'}, "gdb");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->id, DiagnosticId::AlreadyTraced);
  EXPECT_EQ(error->message, "process 42 (server) is traced by process 99 (`gdb`)");
  EXPECT_EQ(error->help, "end process 99, or let it detach");
}

} // namespace
} // namespace lpc::runtime
