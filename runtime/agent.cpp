// The agent: start, calls, memory, staging and playing, end.
//
// What it leaves in the process while it lives: one thread (two while something is staged), a page of scratch memory,
// the table of writes, and the agent's program in the padding of a code segment. No thread of the process can reach any
// of it. At the end the threads give their memory back and end, and only then the padding is erased. What a killed
// lpc leaves is the program alone, which the next lpc erases, or takes over (padding.h) where a thread may be in it.
//
// A player thread of its own, instead of the agent itself: it ends by playing, without ever coming back under our
// command, so its way from the first write to the last has no ptrace stop in it, and the agent stays ours for what
// comes after. It is aimed at its table by setting its program counter. Killed before that, lpc leaves a player that
// gives its table back and ends; killed behind it, one that plays. Waking it costs 40 to 100 µs, so in commit() lpc
// writes by itself, and the player, aimed but not woken, is only there to finish if we can't. Aiming costs 2 µs, and as
// much to take it back; one that stands by needs neither: the state word of the record tells it whether to play.
//
// The agent has a table of file descriptors of its own, which begins empty, and its threads share it. So the program
// can neither see, close and reuse, nor let a child inherit what the agent opens, and all of it is gone with the agent.
#include "runtime/agent.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include "ir/support/cat.h"
#include "runtime/arch/x86_64_stub.h"
#include "runtime/borrow.h"
#include "runtime/padding.h"
#include "runtime/remote_thread.h"

namespace lpc::runtime {
namespace {

constexpr uint64_t kPage = 4096, kScratch = kPage;
constexpr auto kCallTime = std::chrono::seconds(5);
constexpr auto kEndTime = std::chrono::seconds(2);
constexpr int kPopulateWrite = 23; // MADV_POPULATE_WRITE, Linux 5.14

bool failedCall(int64_t result) { return result < 0 && result >= -4095; }

Deadline within(std::chrono::seconds time) { return Clock::now() + time; }

// Threads of ours run for microseconds at a time, and must not wait behind the program's: lpc waits for them, and at
// the switch the whole process does (seen: 140 ms). So they may run where the borrowed thread may not, and in real time
// where that is permitted; otherwise at an ordinary priority. Failures only cost time.
void hurry(pid_t tid) {
  cpu_set_t everywhere;
  std::memset(&everywhere, 0xff, sizeof everywhere);
  (void)sched_setaffinity(tid, sizeof everywhere, &everywhere);
  sched_param parameters{};
  (void)sched_getparam(tid, &parameters);
  parameters.sched_priority = std::max(parameters.sched_priority, 1); // what it inherits may be higher
  if (sched_setscheduler(tid, SCHED_FIFO | SCHED_RESET_ON_FORK, &parameters) == 0) return;
  parameters.sched_priority = 0;
  if (sched_getscheduler(tid) != SCHED_OTHER) (void)sched_setscheduler(tid, SCHED_OTHER, &parameters);
  errno = 0;
  if (getpriority(PRIO_PROCESS, static_cast<id_t>(tid)) > 0) (void)setpriority(PRIO_PROCESS, static_cast<id_t>(tid), 0);
}

std::string describe(const char *call, uint64_t size) { return cat(call, " of ", size, " bytes in the process"); }

} // namespace

struct Agent::Impl {
  const Process *process;
  RemoteAddress program;
  bool eraseProgram; // it was written by us
  RemoteThread thread;
  RemoteAddress scratch{};
  std::optional<RemoteThread> player{};
  std::optional<PlayMethod> method{};
  uint64_t handle = 0; // of playTable
  bool avoidMemoryFile = false;
  RemoteAddress rows{};
  bool committed = false;
  bool standingBy = false;
  pid_t worker = 0;
  std::vector<PlayedWrite> staged{};
  std::vector<ProtectedPages> unprotected{};

  Impl(const Process &p, const CodePlace &place, RemoteThread t)
      : process(&p), program(place.at), eraseProgram(!place.alreadyThere), thread(std::move(t)) {}
  Impl(const Impl &) = delete;
  Impl &operator=(const Impl &) = delete;
  ~Impl();

  Result<void> endPlayer();
  Result<void> ownDescriptors();
  Result<void> findMethod();
  Result<uint64_t> openMemory();
  Result<void> makePrivate(const std::vector<PlayedWrite> &writes, const std::vector<Mapping> &maps);
  Result<void> outcome(const x86_64::PlayReport &report);
  Result<void> aimPlayer();
  Result<void> awaitPlayer(Deadline deadline);
  Result<int64_t> call(long number, const std::array<uint64_t, 6> &arguments) {
    return thread.call(number, arguments, within(kCallTime));
  }
};

Agent::Impl::~Impl() {
  bool gone = endPlayer().has_value();
  gone &= thread.end(within(kEndTime)).has_value();
  // A thread of ours that could not be waited for may still be on its way out through the program.
  if (gone && eraseProgram) (void)process->write(program, Bytes(x86_64::agentProgram().code.size()));
}

Result<void> Agent::Impl::endPlayer() {
  if (!player) return {};
  auto ended = player->end(within(kEndTime));
  player.reset();
  standingBy = false;
  if (!ended) return std::unexpected(ended.error());
  return {};
}

Result<Agent> Agent::start(const Process &process, const std::vector<Mapping> &maps, Deadline deadline) {
  if (process.machine() != Machine::X86_64)
    return fail(DiagnosticId::OtherMachine, cat("there is no agent for ", name(process.machine()), " processes"));
  const x86_64::AgentProgram &program = x86_64::agentProgram();
  auto padding = findPadding(process, maps);
  auto place = placeInPadding(process, padding, program.code, true);
  if (!place)
    return fail(DiagnosticId::NoAgent, cat("process ", process.pid(), " has no room for ", program.code.size(),
                                           " bytes of code behind any of its program segments"));
  std::optional<CodeToWrite> unwritten;
  if (!place->alreadyThere && !process.write(place->at, program.code)) unwritten = CodeToWrite{place->at, program.code};
  RemoteRange taken{place->at, place->at + program.code.size()};
  auto borrowed = borrowForClone(process, padding, taken, unwritten, place->at + program.leave, deadline);
  if (!borrowed) {
    // In these cases no thread was born that could be in it.
    DiagnosticId id = borrowed.error().id;
    bool nobody = id == DiagnosticId::NoAgent || id == DiagnosticId::NotPermitted || id == DiagnosticId::PendingVfork;
    if (nobody && !place->alreadyThere) (void)process.write(place->at, Bytes(program.code.size()));
    return std::unexpected(borrowed.error());
  }
  hurry(borrowed->tid());
  auto thread = RemoteThread::take(std::move(*borrowed), place->at);
  if (!thread) return std::unexpected(thread.error());
  Agent agent(std::make_unique<Impl>(process, *place, std::move(*thread)));
  if (auto own = agent.impl_->ownDescriptors(); !own) return std::unexpected(own.error());
  auto scratch = agent.impl_->thread.ownMemory(kScratch, deadline);
  if (!scratch) return std::unexpected(scratch.error());
  agent.impl_->scratch = scratch->begin;
  return agent;
}

Agent::Agent(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Agent::Agent(Agent &&) noexcept = default;
Agent &Agent::operator=(Agent &&) noexcept = default;
Agent::~Agent() = default;

pid_t Agent::tid() const { return impl_->thread.tid(); }

std::vector<pid_t> Agent::threads() const {
  std::vector<pid_t> tids{impl_->thread.tid()};
  if (impl_->player && impl_->player->attached()) tids.push_back(impl_->player->tid());
  if (impl_->worker) tids.push_back(impl_->worker);
  return tids;
}

void Agent::setWorker(pid_t tid) { impl_->worker = tid; }

Result<RemoteThread> Agent::borrow(const std::vector<Mapping> &maps, Deadline deadline) {
  const x86_64::AgentProgram &own = x86_64::agentProgram();
  RemoteRange taken{impl_->program, impl_->program + own.code.size()};
  auto borrowed = borrowForClone(*impl_->process, findPadding(*impl_->process, maps), taken, std::nullopt,
                                 impl_->program + own.leave, deadline);
  if (!borrowed) return std::unexpected(borrowed.error());
  return RemoteThread::take(std::move(*borrowed), impl_->program);
}

Result<void> Agent::poke(RemoteAddress to, BytesView bytes) const { return impl_->thread.poke(to, bytes); }

RemoteAddress Agent::scratch() const { return impl_->scratch; }

Result<int64_t> Agent::call(long number, std::array<uint64_t, 6> arguments) { return impl_->call(number, arguments); }

Result<RemoteAddress> Agent::map(const std::vector<RemoteAddress> &candidates, uint64_t size, int protection) {
  auto mapAt = [&](uint64_t hint, int flags) {
    return call(SYS_mmap, {hint, size, static_cast<uint64_t>(protection),
                           static_cast<uint64_t>(MAP_PRIVATE | MAP_ANONYMOUS | flags), ~uint64_t{0}, 0});
  };
  if (candidates.empty()) {
    auto at = mapAt(0, 0);
    if (!at) return std::unexpected(at.error());
    if (failedCall(*at))
      return failErrno(DiagnosticId::RemoteCallFailed, describe("mmap", size), static_cast<int>(-*at));
    return RemoteAddress{static_cast<uint64_t>(*at)};
  }
  for (RemoteAddress candidate : candidates) {
    auto at = mapAt(candidate.value, MAP_FIXED_NOREPLACE);
    if (!at) return std::unexpected(at.error());
    if (*at == -EEXIST || *at == -EPERM) continue; // taken meanwhile; below vm.mmap_min_addr
    if (failedCall(*at))
      return failErrno(DiagnosticId::RemoteCallFailed, cat(describe("mmap", size), " at ", hexAddress(candidate)),
                       static_cast<int>(-*at));
    if (static_cast<uint64_t>(*at) == candidate.value) return candidate;
    // Kernels before 4.17 take the address as a mere wish.
    if (auto undone = unmap({static_cast<uint64_t>(*at)}, size); !undone) return std::unexpected(undone.error());
  }
  return fail(DiagnosticId::NoSpaceInReach,
              cat("all ", candidates.size(), " places for ", size, " bytes within reach are taken"));
}

Result<void> Agent::protect(RemoteAddress at, uint64_t size, int protection) {
  auto result = call(SYS_mprotect, {at.value, size, static_cast<uint64_t>(protection)});
  if (!result) return std::unexpected(result.error());
  if (failedCall(*result))
    return failErrno(DiagnosticId::RemoteCallFailed, cat(describe("mprotect", size), " at ", hexAddress(at)),
                     static_cast<int>(-*result));
  return {};
}

Result<void> Agent::unmap(RemoteAddress at, uint64_t size) {
  auto result = call(SYS_munmap, {at.value, size});
  if (!result) return std::unexpected(result.error());
  if (failedCall(*result))
    return failErrno(DiagnosticId::RemoteCallFailed, cat(describe("munmap", size), " at ", hexAddress(at)),
                     static_cast<int>(-*result));
  return {};
}

void Agent::avoidMemoryFile() { impl_->avoidMemoryFile = true; }

// CLOSE_RANGE_UNSHARE makes a table that lacks the range (Linux 5.9): an empty one, without a reference to any of the
// program's files. Before that, unshare makes a full copy, and a file that the program closes stays open until the
// agent ends.
Result<void> Agent::Impl::ownDescriptors() {
  auto done = call(SYS_close_range, {0, ~0U, CLOSE_RANGE_UNSHARE});
  if (done && failedCall(*done)) done = call(SYS_unshare, {CLONE_FILES});
  if (!done) return std::unexpected(done.error());
  if (failedCall(*done))
    return failErrno(DiagnosticId::RemoteCallFailed, "unsharing file descriptors in the process",
                     static_cast<int>(-*done));
  return {};
}

// The descriptor of the process's own memory, through which it may write to its code; a bad one where it may not. Tried
// on a byte of our own program.
Result<uint64_t> Agent::Impl::openMemory() {
  const x86_64::AgentProgram &own = x86_64::agentProgram();
  auto descriptor = call(SYS_open, {(program + own.memPath).value, O_RDWR | O_CLOEXEC});
  if (!descriptor) return std::unexpected(descriptor.error());
  if (*descriptor < 0) return ~uint64_t{0};
  uint64_t probe = (program + own.probe).value;
  auto written = call(SYS_pwrite64, {static_cast<uint64_t>(*descriptor), probe, 1, probe});
  if (!written) return std::unexpected(written.error());
  return *written == 1 ? static_cast<uint64_t>(*descriptor) : ~uint64_t{0};
}

Result<void> Agent::Impl::findMethod() {
  if (method) return {};
  auto descriptor = avoidMemoryFile ? Result<uint64_t>(~uint64_t{0}) : openMemory();
  if (!descriptor) return std::unexpected(descriptor.error());
  method = *descriptor == ~uint64_t{0} ? PlayMethod::Unprotecting : PlayMethod::ThroughMemory;
  handle = *descriptor;
  if (*method == PlayMethod::ThroughMemory) return {};
  auto self = call(SYS_getpid, {});
  if (!self) return std::unexpected(self.error());
  handle = static_cast<uint64_t>(*self);
  return {};
}

// The copy of a page that a write makes costs 13 µs, so it is made before the stop. Data pages: the kernel touches them
// without changing anything that a thread might write meanwhile. Code pages, which nobody writes: a byte goes back
// where it came from. Anonymous code may belong to a compiler in the process, which does write: it has its own pages
// anyway.
Result<void> Agent::Impl::makePrivate(const std::vector<PlayedWrite> &writes, const std::vector<Mapping> &maps) {
  for (const PlayedWrite &write : writes) {
    RemoteAddress page = write.to - write.to.value % kPage, end = write.to + write.bytes.size();
    for (; page < end; page = page + kPage) {
      const Mapping *mapping = mappingAt(maps, page);
      if (!mapping)
        return fail(DiagnosticId::BadAddress,
                    cat("the process has no memory at ", hexAddress(std::max(page, write.to))));
      if (mapping->shared) continue;
      if (mapping->writable) {
        if (auto done = call(SYS_madvise, {page.value, kPage, kPopulateWrite}); !done)
          return std::unexpected(done.error());
      } else if (mapping->inode != 0 && mapping->executable) {
        if (auto byte = process->read(page, 1)) (void)process->write(page, *byte);
      }
    }
  }
  return {};
}

Result<void> Agent::stage(const std::vector<PlayedWrite> &writes, RemoteAddress mark, uint64_t done,
                          std::optional<uint64_t> begun) {
  Impl &impl = *impl_;
  if (auto ended = impl.endPlayer(); !ended) return ended;
  auto maps = readMaps(*impl.process);
  if (!maps) return std::unexpected(maps.error());
  impl.staged = coalesce(writes);
  PlayedWrite last{mark, {}};
  appendLittle(last.bytes, done, 8);
  impl.staged.push_back(std::move(last));
  if (auto made = impl.makePrivate(impl.staged, *maps); !made) return made;

  if (auto found = impl.findMethod(); !found) return found;
  PlayMethod method = *impl.method;
  Deadline deadline = within(kCallTime);
  auto player = impl.thread.bear(deadline);
  if (!player) return std::unexpected(player.error());
  impl.player = std::move(*player);
  impl.committed = false;
  auto memory = impl.player->ownMemory(playTableSize(impl.staged, *maps, method), deadline);
  if (!memory) {
    (void)impl.endPlayer();
    return std::unexpected(memory.error());
  }
  auto table = playTable(impl.staged, *maps, method, memory->begin, impl.handle, mark, begun.value_or(0));
  LPC_CHECK(table.image.size() <= memory->size());
  impl.rows = table.rows;
  impl.unprotected =
      method == PlayMethod::Unprotecting ? protectedPages(impl.staged, *maps) : std::vector<ProtectedPages>();
  hurry(impl.player->tid());
  if (auto filled = impl.process->fill(memory->begin, table.image); !filled) return filled;
  auto now = begun ? impl.process->readWord(mark) : Result<uint64_t>(0);
  if (!now) return std::unexpected(now.error());
  if (!begun || *now == *begun) return {};
  impl.standingBy = true;
  return impl.player->aim(x86_64::agentProgram().standBy, impl.rows);
}

Result<void> Agent::unstage() { return impl_->endPlayer(); }

Result<void> Agent::standDown() {
  if (!std::exchange(impl_->standingBy, false)) return {};
  return impl_->player->aim(x86_64::agentProgram().leave, {});
}

// What the player says at its end.
Result<void> Agent::Impl::outcome(const x86_64::PlayReport &report) {
  if (!report.failed) return {};
  for (const ProtectedPages &pages : unprotected) // the rows that would have done it were not reached
    (void)call(SYS_mprotect, {pages.range.begin.value, pages.range.size(), static_cast<uint64_t>(pages.protection)});
  uint64_t row = (report.row - rows) / sizeof(x86_64::PlayRow);
  size_t write = row - std::min<uint64_t>(row, unprotected.size());
  int errnum = report.result < 0 ? static_cast<int>(-report.result) : EIO;
  if (write < staged.size())
    return failErrno(DiagnosticId::BadAddress,
                     cat("writing ", staged[write].bytes.size(), " bytes at ", hexAddress(staged[write].to)), errnum);
  return failErrno(DiagnosticId::BadAddress, "playing the table of writes", errnum);
}

Result<void> Agent::Impl::aimPlayer() {
  if (!player || committed) return fail(DiagnosticId::RemoteCallFailed, "nothing is staged");
  return player->aim(x86_64::agentProgram().play, rows);
}

Result<void> Agent::Impl::awaitPlayer(Deadline deadline) {
  RemoteAddress wordAt = player->memory().begin;
  standingBy = false;
  if (auto going = player->proceed(); !going) return going;
  // Asking for the word costs 0.5 µs, a wait for the thread's end would cost the end. After a while the processor that
  // we are on may be the one that it needs.
  constexpr auto kEager = std::chrono::microseconds(50);
  auto began = Clock::now();
  for (;;) {
    uint64_t word = 0;
    bool readable = process->read(wordAt, std::span(reinterpret_cast<uint8_t *>(&word), sizeof word)).has_value();
    if (readable && word == x86_64::kPlayed) return {};
    auto now = Clock::now();
    if (readable && now - began < kEager) continue;
    auto last = player->lastRegisters();
    if (!last) return std::unexpected(std::move(last.error()).during("while the patch was put into place"));
    if (*last) return outcome(x86_64::playReport(**last));
    if (now >= deadline) return fail(DiagnosticId::RemoteCallFailed, "the table of writes was not played in time");
    if (now - began < kEager) continue;
    timespec rest{0, 5'000};
    nanosleep(&rest, nullptr);
  }
}

Result<void> Agent::play(Deadline deadline) {
  if (auto aimed = impl_->aimPlayer(); !aimed) return aimed;
  return impl_->awaitPlayer(deadline);
}

Result<void> Agent::commit(const std::vector<PlayedWrite> &writes, Deadline deadline) {
  Impl &impl = *impl_;
  if (!impl.standingBy)
    if (auto aimed = impl.aimPlayer(); !aimed) return aimed;
  auto write = [&](const PlayedWrite &one) { return impl.process->write(one.to, one.bytes).has_value(); };
  if (impl.avoidMemoryFile || !std::ranges::all_of(writes, write) || !write(impl.staged.back())) {
    if (auto aimed = impl.aimPlayer(); !aimed) return aimed;
    return impl.awaitPlayer(deadline);
  }
  impl.committed = true;
  return impl.standingBy ? Result<void>() : impl.player->aim(x86_64::agentProgram().leave, {});
}

RemoteRange Agent::program() const { return {impl_->program, impl_->program + x86_64::agentProgram().code.size()}; }

} // namespace lpc::runtime
