// Why a process cannot be patched.
//
// The kernel says EPERM or EACCES and no more. The questions it asks (__ptrace_may_access, then the security modules:
// capabilities, yama, others) can be asked again from outside, in its order; the first that fails is the reason.
#include "runtime/refusal.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <climits>

namespace lpc::runtime {
namespace {

constexpr uint64_t kSysPtrace = 1ULL << 19;    // CAP_SYS_PTRACE, linux/capability.h
constexpr uint64_t kKernelThread = 0x00200000; // PF_KTHREAD, linux/sched.h

std::array<uint64_t, 3> firstThree(std::string_view text) {
  std::array<uint64_t, 3> numbers{};
  const char *at = text.data(), *end = at + text.size();
  for (uint64_t &number : numbers) {
    while (at != end && (*at == ' ' || *at == '\t'))
      at++;
    at = std::from_chars(at, end, number).ptr;
  }
  return numbers;
}

// The files in /proc/PID belong to root where the process is not dumpable, whoever owns it (proc(5)).
std::optional<bool> dumpable(pid_t pid, uint64_t effectiveUser) {
  struct stat file{};
  if (effectiveUser == 0) return std::nullopt; // root's files belong to root either way
  if (stat(("/proc/" + std::to_string(pid) + "/status").c_str(), &file) != 0) return std::nullopt;
  return file.st_uid == effectiveUser;
}

std::string linkOf(const std::string &path) {
  std::array<char, PATH_MAX> target{};
  ssize_t size = readlink(path.c_str(), target.data(), target.size());
  return size < 0 ? std::string() : std::string(target.data(), static_cast<size_t>(size));
}

int yamaScope() {
  auto text = readText("/proc/sys/kernel/yama/ptrace_scope");
  int scope = -1;
  if (text) std::from_chars(text->data(), text->data() + text->size(), scope);
  return scope;
}

bool allAre(const std::array<uint64_t, 3> &ids, uint64_t id) {
  return std::ranges::all_of(ids, [&](uint64_t each) { return each == id; });
}

std::string listed(const std::array<uint64_t, 3> &ids) {
  return std::to_string(ids[0]) + ", " + std::to_string(ids[1]) + " and " + std::to_string(ids[2]);
}

Error denied(std::string message, std::string help) {
  return {.id = DiagnosticId::NotPermitted, .message = std::move(message), .help = std::move(help)};
}

Error explainUnprivileged(const std::string &process, const AccessFacts &facts) {
  std::string privilege = "run lpc as root (it needs the capability CAP_SYS_PTRACE)";
  if (facts.ourUser == 0)
    privilege =
        "lpc runs as root without CAP_SYS_PTRACE: give it that capability (`--cap-add SYS_PTRACE` for a container)";
  if (!allAre(facts.users, facts.users[0]))
    return denied(process + " has set its user id: its user ids are " + listed(facts.users), privilege);
  if (facts.users[0] != facts.ourUser)
    return denied(process + " belongs to user " + std::to_string(facts.users[0]) + ", and lpc runs as user " +
                      std::to_string(facts.ourUser) + " without privilege",
                  facts.ourUser == 0 ? privilege : "run lpc as user " + std::to_string(facts.users[0]) + " or as root");
  if (!allAre(facts.groups, facts.ourGroup))
    return denied(process + " runs with the group ids " + listed(facts.groups) + ", and lpc with " +
                      std::to_string(facts.ourGroup),
                  privilege);
  if (facts.dumpable == false)
    return denied(
        process +
            " is not dumpable: it has asked for that (prctl PR_SET_DUMPABLE), has changed its user, or its program "
            "file cannot be read",
        privilege);
  if (facts.capabilities & ~facts.ourCapabilities)
    return denied(process + " has capabilities that lpc has not", privilege);
  if (facts.yamaScope == 1)
    return denied(process + " is no descendant of lpc, and yama lets unprivileged programs trace none but theirs",
                  "run lpc as root, or set `kernel.yama.ptrace_scope` to 0 with sysctl");
  if (facts.yamaScope == 2)
    return denied(process + " cannot be traced without privilege: kernel.yama.ptrace_scope is 2", privilege);
  return denied(
      process + " cannot be traced: a security module (SELinux, AppArmor or another) or a seccomp filter forbids it",
      "look into the audit log, or run lpc as root outside of containers");
}

} // namespace

AccessFacts accessFacts(pid_t pid, std::string_view status) {
  AccessFacts facts;
  if (auto own = readText("/proc/self/status")) {
    // The fourth number of Uid and Gid is that of the file system; it follows the effective one where nobody set it.
    facts.ourUser = geteuid(), facts.ourGroup = getegid();
    facts.ourCapabilities = statusNumber(*own, "CapEff", 16).value_or(0);
  }
  facts.users = firstThree(statusField(status, "Uid"));
  facts.groups = firstThree(statusField(status, "Gid"));
  facts.capabilities = statusNumber(status, "CapPrm", 16).value_or(0);
  facts.dumpable = dumpable(pid, facts.users[1]);
  std::string theirs = linkOf("/proc/" + std::to_string(pid) + "/ns/user"), ours = linkOf("/proc/self/ns/user");
  facts.otherUserNamespace = !theirs.empty() && !ours.empty() && theirs != ours;
  facts.yamaScope = yamaScope();
  return facts;
}

Error explainDenied(pid_t pid, const AccessFacts &facts) {
  std::string process = "process " + std::to_string(pid);
  if (facts.yamaScope == 3)
    return denied(process +
                      " cannot be traced: kernel.yama.ptrace_scope is 3, which forbids all tracing until the next boot",
                  {});
  if (!(facts.ourCapabilities & kSysPtrace)) return explainUnprivileged(process, facts);
  if (facts.otherUserNamespace)
    return denied(process + " lives in another user namespace, in which lpc has no privilege",
                  "run lpc in the namespace that this one was made from");
  return denied(
      process + " cannot be traced even with CAP_SYS_PTRACE: it lives in another user namespace, or a security module "
                "(SELinux, AppArmor or another) forbids it",
      "look into the audit log");
}

std::string processNamed(pid_t pid, std::string_view status) {
  return "process " + std::to_string(pid) + " (" + std::string(statusField(status, "Name")) + ")";
}

std::optional<Error> refuseByState(pid_t pid, std::string_view status, const ThreadStat &stat, pid_t ourPid,
                                   const std::string &tracerName) {
  auto refused = [](DiagnosticId id, std::string message, std::string help = {}) {
    return Error{.id = id, .message = std::move(message), .help = std::move(help)};
  };
  std::string process = processNamed(pid, status);
  if (stat.flags & kKernelThread) return refused(DiagnosticId::KernelThread, process + " is a thread of the kernel");
  if (stat.state == 'Z' || stat.state == 'X') {
    uint64_t threads = statusNumber(status, "Threads").value_or(1);
    if (threads > 1)
      return refused(DiagnosticId::ZombieProcess, "the first thread of " + process + " has ended, while " +
                                                      std::to_string(threads - 1) +
                                                      " of its threads live on: the kernel shows "
                                                      "no memory map of such a process");
    return refused(DiagnosticId::ZombieProcess, process + " has ended and waits for its parent, process " +
                                                    std::to_string(stat.parent) + ", to take notice");
  }
  auto tracer = static_cast<pid_t>(statusNumber(status, "TracerPid").value_or(0));
  if (tracer != 0 && tracer != ourPid)
    return refused(DiagnosticId::AlreadyTraced,
                   process + " is traced by process " + std::to_string(tracer) +
                       (tracerName.empty() ? "" : " (`" + tracerName + "`)"),
                   "end process " + std::to_string(tracer) + ", or let it detach");
  return std::nullopt;
}

} // namespace lpc::runtime
