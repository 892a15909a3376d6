// pthread_create allocates, and an allocator keeps what it knows of a thread in that thread's variables, or pointers to
// them. A thread that only looks like one to it (worker.cpp, step 2) would be kept in its lists for ever, and has ended
// such a process. So pthread_create is called in the name of a thread of the program, with its thread pointer, while
// that one sleeps (StandIn, borrow.h):
//
//   1. A thread is found that sleeps outside of all that pthread_create comes through (quiet.h): first as it sleeps,
//      and for certain when it stands. So the allocator can be entered in its name, as it would from a signal handler
//      that came just then.
//   2. The stand-in calls pthread_create on a stack in the worker's memory. `errno` and the number of the processor in
//      struct rseq, both in the thread's memory, are put back by it. It keeps the sleeper's id as the C library knows
//      it: the owner of locks is the sleeper.
//   3. It ends, and the kernel lets the sleeper go on.
//
// What the allocator has set up for the sleeper (a cache, an arena) is its own, as if it had called `malloc`. A lock
// that pthread_create needs and that another thread holds is waited for, as the sleeper would in `malloc`; not for
// ever: then both are let go, the stand-in comes to its end some time, and the worker, which finds no job, ends.
//
// Rejected: borrowed threads that call pthread_create themselves (borrow.cpp); a thread block that the allocator does
// not get to see (it is asked by code of the dynamic linker, which all threads use).
#include "runtime/worker_stand_in.h"

#include <algorithm>
#include <cstddef>

#include "ir/support/cat.h"
#include "runtime/arch/x86_64_park.h"
#include "runtime/arch/x86_64_stub.h"
#include "runtime/borrow.h"
#include "runtime/quiet.h"
#include "runtime/remote_thread.h"
#include "runtime/unwind.h"
#include "runtime/worker_memory.h"

namespace lpc::runtime::worker {
namespace {

constexpr auto kMakeTime = std::chrono::seconds(2); // for what takes microseconds, if no lock is held

// tcbhead_t of glibc begins with a pointer to itself, and has one to the thread's descriptor, which is the same.
constexpr uint64_t kSelf = 0, kDescriptor = 0x10;

bool isThreadOfLibrary(const Order &order, RemoteAddress block, pid_t tid) {
  auto self = order.process.readWord(block + kSelf), descriptor = order.process.readWord(block + kDescriptor);
  auto id = order.process.read(block + order.library.idOffset, 4);
  return self && descriptor && id && *self == block.value && *descriptor == block.value &&
         loadLittle(*id) == static_cast<uint64_t>(idInside(order.process.pid(), tid));
}

// In a program that has not begun (launch.h): nothing is on its stack yet.
bool isParked(const Process &process, const StoppedThread &thread) {
  constexpr uint64_t kSyscallSize = 2;
  const x86_64::ParkStub &park = x86_64::parkStub();
  auto code = process.read(thread.registers.programCounter() - park.call - kSyscallSize, park.code.size());
  return code && *code == park.code;
}

Result<void> putWord(const Order &order, size_t offset, uint64_t value) {
  Bytes word;
  appendLittle(word, value, 8);
  return order.process.write(order.memory + offset, word);
}

class Maker {
public:
  Maker(const Order &order, Unwinder unwinder, Deadline deadline)
      : order_(order), unwinder_(std::move(unwinder)), deadline_(deadline) {}

  std::optional<std::string> unfit(const StoppedThread &thread) {
    const bool stands = !thread.registers.positionOnly;
    if (stands && static_cast<int64_t>(thread.registers.raw.orig_rax) < 0) return "it does not sleep any more";
    auto why = isParked(order_.process, thread) ? std::nullopt : whyBusy(thread);
    if (!why && stands && !isThreadOfLibrary(order_, thread.registers.threadPointer(), thread.tid))
      why = "it is no thread of the C library";
    return why;
  }

  Result<void> work(TracedThread standIn, const TracedThread &borrowed) {
    auto caller = RemoteThread::take(std::move(standIn), order_.agent.program().begin);
    if (!caller) return ended(std::move(caller.error()));
    user_regs_struct registers = caller->registers();
    auto ready = prepare(registers, borrowed);
    if (!ready) return ended(std::move(ready.error()));
    if (auto noted = putWord(order_, offsetof(WorkerJob, maker),
                             static_cast<uint64_t>(idInside(order_.process.pid(), caller->tid())));
        !noted)
      return ended(std::move(noted.error()));
    if (auto noted = putWord(order_, offsetof(WorkerJob, launched), 1); !noted) return ended(std::move(noted.error()));
    *order_.keep = true; // from now on the worker may come to be without us
    if (auto launched = caller->launch(registers); !launched) return launched;
    int status = 0;
    const Deadline soon = std::min(deadline_, within(kMakeTime));
    auto born = caller->birth({order_.memory, order_.memory + kWorkerSize}, status, soon);
    if (!born) return std::unexpected(late(std::move(born.error())));
    if (auto over = caller->end(soon); !over) return std::unexpected(late(std::move(over.error())));
    *order_.keep = born->attached();
    (void)putWord(order_, offsetof(WorkerJob, maker), 0);
    if (born->attached())
      born_ = std::move(*born);
    else
      failed_ = failErrno(DiagnosticId::NoThreads, cat("process ", order_.process.pid(), " may have no further thread"),
                          status)
                    .error();
    return {};
  }

  Result<TracedThread> result() {
    if (failed_) return std::unexpected(std::move(*failed_));
    return std::move(born_);
  }

private:
  std::optional<std::string> whyBusy(const StoppedThread &thread) {
    const bool stands = !thread.registers.positionOnly;
    Backtrace trace = unwinder_.trace(thread);
    if (auto why = whyNotQuiet(trace, *order_.library.owners, !stands); why || !stands) return why;
    for (size_t i = 0; i < trace.frames.size(); i++)
      if (!unwinder_.knows(i == 0 ? trace.frames[0] : trace.frames[i] - 1))
        return "there is code on its stack without unwinding tables";
    return std::nullopt;
  }

  // The registers with which it is let go, and what it finds at its stack pointer.
  Result<void> prepare(user_regs_struct &registers, const TracedThread &borrowed) const {
    const x86_64::WorkerProgram &program = x86_64::workerProgram();
    x86_64::StandInFrame frame{(order_.memory + kHandleAt).value, (order_.memory + kAttributesAt).value,
                               (order_.program + program.worker).value, order_.memory.value,
                               order_.library.create.value};
    RemoteAddress stack = order_.memory + kMakerStackEnd - sizeof frame;
    BytesView bytes(reinterpret_cast<const uint8_t *>(&frame), sizeof frame);
    if (auto filled = order_.process.write(stack, bytes); !filled) return filled;
    RemoteAddress cpu = borrowed.restartableCpu();
    registers.rsp = stack.value;
    registers.rip = (order_.program + program.createFor).value;
    registers.r14 = order_.library.errnoLocation.value;
    registers.r15 = (cpu.value ? cpu : order_.memory + kNoCpuAt).value;
    registers.eflags &= ~uint64_t{0x500}; // direction, trap
    return {};
  }

  // Nothing was begun: it just ends, as it would without us.
  Result<void> ended(Error why) {
    failed_ = std::move(why);
    return {};
  }

  Error late(Error error) const {
    if (error.id != DiagnosticId::CannotStop) return error;
    return {.id = DiagnosticId::NoThreads,
            .message = cat("process ", order_.process.pid(),
                           " made no thread in time: a lock that `pthread_create` needs, or that of the library that "
                           "allocates, is held")};
  }

  Order order_;
  Unwinder unwinder_;
  Deadline deadline_;
  TracedThread born_;
  std::optional<Error> failed_;
};

} // namespace

Result<TracedThread> makeByStandIn(const Order &order, Deadline deadline) {
  LPC_CHECK(order.library.owners);
  auto modules = readModules(order.process, order.maps);
  if (!modules) return std::unexpected(modules.error());
  auto unwinder = Unwinder::prepare(order.process, order.maps, *modules);
  if (!unwinder) return std::unexpected(unwinder.error());
  Maker maker(order, std::move(*unwinder), deadline);
  StandIn standIn{.ours = order.agent.threads(),
                  .unfit = [&](const StoppedThread &thread) { return maker.unfit(thread); },
                  .work = [&](TracedThread thread,
                              const TracedThread &borrowed) { return maker.work(std::move(thread), borrowed); }};
  const RemoteRange agentProgram = order.agent.program();
  auto done = borrowForStandIn(order.process, findPadding(order.process, order.maps), agentProgram,
                               agentProgram.begin + x86_64::agentProgram().leave, standIn, deadline);
  if (done) return maker.result();
  if (done.error().id == DiagnosticId::NoThreads && done.error().message.empty()) {
    done.error().message =
        cat("no function can be called in process ", order.process.pid(),
            ": its memory is not allocated by the C library, and none of its threads sleeps where it could make one");
    done.error().help = "try again, or with a longer `--timeout`";
  }
  return std::unexpected(std::move(done.error()));
}

} // namespace lpc::runtime::worker
