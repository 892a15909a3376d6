// Two births, so that the companion is nobody's child. The one in between ends at once and is taken away here; it
// raises no signal (clone(2) with exit signal 0), because a SIGCHLD that is blocked would still be pending when the
// program begins.
//
// Where the process has to take care of orphans itself (process 1 of a container, PR_SET_CHILD_SUBREAPER), the
// companion is one more of them; nothing that lives longer than its parent could be hidden from such a process.
//
// Rejected: lpc as parent that waits for the program, passes signals on and repeats its end. Job control, process
// groups, credentials of the parent and `kill` by process id would all be a little different.
#include "runtime/companion.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

namespace lpc::runtime {
namespace {

std::unexpected<Error> failed(const char *what) { return failErrno(DiagnosticId::RemoteCallFailed, what, errno); }

void keepOnlyStandardError(FileDescriptor &channel) {
  int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nowhere >= 0) {
    dup2(nowhere, STDIN_FILENO);
    dup2(nowhere, STDOUT_FILENO);
  }
  constexpr unsigned kFirst = 3;
  if (channel.get() != kFirst) channel = FileDescriptor(dup3(channel.get(), kFirst, O_CLOEXEC));
  syscall(SYS_close_range, kFirst + 1, ~0U, 0U); // kernels before 5.9 keep them until we end
}

} // namespace

bool Companion::say(int number) const {
  return send(channel.get(), &number, sizeof number, MSG_NOSIGNAL) == sizeof number;
}

bool Companion::hear(int &number) const {
  for (;;) {
    ssize_t size = recv(channel.get(), &number, sizeof number, 0);
    if (size >= 0 || errno != EINTR) return size == sizeof number;
  }
}

Result<Companion> makeCompanion() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return failed("socketpair");
  FileDescriptor ours(ends[0]), theirs(ends[1]);
  pid_t original = getpid();
  auto between = static_cast<pid_t>(syscall(SYS_clone, 0, 0, 0, 0, 0));
  if (between < 0) return failed("clone");
  if (between == 0) {
    pid_t companion = fork();
    if (companion != 0) _exit(companion < 0 ? errno : 0);
    setsid();
    signal(SIGPIPE, SIG_IGN); // whoever read our messages may have gone; the program must not go for that
    ours = FileDescriptor();
    keepOnlyStandardError(theirs);
    Companion self{.inside = true, .other = original, .channel = std::move(theirs)};
    int ready = 0;
    // The process allows itself to be traced only when it knows by whom.
    if (!self.say(getpid()) || !self.hear(ready)) _exit(0);
    return self;
  }
  theirs = FileDescriptor();
  int ended = 0;
  while (waitpid(between, &ended, static_cast<int>(__WCLONE)) < 0 && errno == EINTR) {
  }
  if (int why = WIFEXITED(ended) ? WEXITSTATUS(ended) : 0; why != 0)
    return failErrno(DiagnosticId::RemoteCallFailed, "fork", why);
  Companion self{.other = 0, .channel = std::move(ours)};
  if (!self.hear(self.other)) return fail(DiagnosticId::WorkerLost, "lpc's own process for the patch was ended");
  prctl(PR_SET_PTRACER, self.other, 0, 0, 0); // EINVAL where there is no yama
  if (!self.say(0)) return fail(DiagnosticId::WorkerLost, "lpc's own process for the patch was ended");
  return self;
}

} // namespace lpc::runtime
