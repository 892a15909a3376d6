// A pipe for each piece of work: its answer with the length in front, so that half of one is none. The end of a process
// shows as the end of its pipe, which poll(2) sees without signals.
#include "runtime/side_by_side.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

#include "ir/support/bytes.h"
#include "ir/support/cat.h"

namespace lpc::runtime {
namespace {

using std::chrono::milliseconds;

void writeAll(int fd, std::string_view text) {
  while (!text.empty()) {
    ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<size_t>(written));
  }
}

// What goes through the pipe: kWaits, once or never; kAnswer, its length, the answer.
constexpr char kWaits = 'w', kAnswer = 'a';
constexpr size_t kHead = 9;

// Never returns: what the parent has begun to print is the parent's, and so are its destructors.
[[noreturn]] void runPiece(int fd, const std::function<std::string(const SideBySide::Waits &)> &work,
                           const volatile std::sig_atomic_t *hurried) {
  (void)std::signal(SIGPIPE, SIG_IGN); // whoever asked may be gone; the work is done all the same
  bool said = false;
  auto waits = [&] {
    if (!said) writeAll(fd, {&kWaits, 1});
    said = true;
    return *hurried != 0;
  };
  try {
    std::string answer = work(waits);
    Bytes head{static_cast<uint8_t>(kAnswer)};
    appendLittle(head, answer.size(), kHead - 1);
    writeAll(fd, {reinterpret_cast<const char *>(head.data()), head.size()});
    writeAll(fd, answer);
  } catch (...) {
    _exit(EXIT_FAILURE);
  }
  _exit(EXIT_SUCCESS);
}

} // namespace

SideBySide::SideBySide(const Limits &limits) : limits_(limits) {
  void *page = mmap(nullptr, sizeof(std::sig_atomic_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  LPC_CHECK(page != MAP_FAILED);
  hurried_ = static_cast<volatile std::sig_atomic_t *>(page);
}

SideBySide::~SideBySide() { munmap(const_cast<std::sig_atomic_t *>(hurried_), sizeof(std::sig_atomic_t)); }

size_t SideBySide::busy() const {
  auto now = Clock::now();
  return static_cast<size_t>(std::ranges::count_if(
      pieces_, [&](const Piece &piece) { return !piece.waits && now - piece.began < limits_.patience; }));
}

bool SideBySide::room() const { return pieces_.size() < limits_.all && busy() < limits_.busy; }

Result<void> SideBySide::start(uint64_t key, const std::function<std::string(const Waits &)> &work) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return failErrno(DiagnosticId::RemoteCallFailed, "pipe", errno);
  FileDescriptor ours(ends[0]), theirs(ends[1]);
  fcntl(ours.get(), F_SETFL, O_NONBLOCK);
  pid_t pid = fork();
  if (pid < 0) return failErrno(DiagnosticId::RemoteCallFailed, "fork", errno);
  if (pid == 0) runPiece(theirs.get(), work, hurried_);
  pieces_.push_back({key, pid, std::move(ours), Clock::now(), {}, false});
  return {};
}

bool SideBySide::receive(Piece &piece) {
  std::array<char, 65536> part{};
  for (;;) {
    ssize_t size = read(piece.pipe.get(), part.data(), part.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno != EAGAIN;
    if (size == 0) return true;
    piece.received.append(part.data(), static_cast<size_t>(size));
    if (piece.received.starts_with(kWaits)) {
      piece.waits = true;
      piece.received.erase(0, 1);
    }
  }
}

SideBySide::Ended SideBySide::endOf(Piece &piece) {
  int status = 0;
  while (waitpid(piece.pid, &status, 0) < 0 && errno == EINTR) {
  }
  Ended ended{piece.key, {}, {}};
  if (piece.received.size() >= kHead && piece.received.front() == kAnswer &&
      loadLittle(asBytes(piece.received).subspan(1, kHead - 1)) == piece.received.size() - kHead)
    ended.answer = piece.received.substr(kHead);
  else if (WIFSIGNALED(status))
    ended.death = cat("was ended by signal ", WTERMSIG(status));
  else
    ended.death = cat("ended with status ", WEXITSTATUS(status));
  return ended;
}

std::vector<SideBySide::Ended> SideBySide::wait(milliseconds limit, int wake) {
  Deadline now = Clock::now();
  // Someone grows out of the young ones, or too old.
  for (const Piece &piece : pieces_)
    for (milliseconds age : {limits_.patience, limits_.longest})
      if (piece.began + age > now) limit = std::min(limit, std::chrono::ceil<milliseconds>(piece.began + age - now));
  std::vector<pollfd> waiting{{wake, POLLIN, 0}};
  for (const Piece &piece : pieces_)
    waiting.push_back({piece.pipe.get(), POLLIN, 0});
  poll(waiting.data(), waiting.size(), static_cast<int>(limit.count()));

  std::vector<Ended> ended;
  std::vector<Piece> left;
  now = Clock::now();
  for (Piece &piece : pieces_) {
    if (receive(piece)) {
      ended.push_back(endOf(piece));
    } else if (now - piece.began >= limits_.longest) {
      kill(piece.pid, SIGKILL); // not waited for: it may stand in the kernel for good
      auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limits_.longest).count();
      ended.push_back({piece.key, {}, cat("took more than ", seconds, " s and was ended")});
    } else {
      left.push_back(std::move(piece));
    }
  }
  pieces_ = std::move(left);
  return ended;
}

bool SideBySide::isOurs(pid_t pid) const { return std::ranges::find(pieces_, pid, &Piece::pid) != pieces_.end(); }

std::pair<uint64_t, Clock::duration> SideBySide::eldest() const {
  LPC_CHECK(!pieces_.empty());
  return {pieces_.front().key, Clock::now() - pieces_.front().began};
}

EndRequests::EndRequests() {
  sigset_t signals;
  sigemptyset(&signals);
  for (int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action{};
    bool ignored = sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN; // nohup
    if (!ignored) sigaddset(&signals, number);
  }
  sigprocmask(SIG_BLOCK, &signals, &before_);
  fd_ = FileDescriptor(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
}

EndRequests::~EndRequests() { restore(); }

bool EndRequests::come() {
  signalfd_siginfo request{};
  if (!come_ && read(fd_.get(), &request, sizeof request) == sizeof request) {
    come_ = true;
    restore();
  }
  return come_;
}

void EndRequests::restore() {
  if (!restored_) sigprocmask(SIG_SETMASK, &before_, nullptr);
  restored_ = true;
}

} // namespace lpc::runtime
