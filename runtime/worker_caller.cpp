// A borrowed thread's clone calls pthread_create:
//
//   1. It gets a thread block that is all zero but for what pthread_create looks at: pointers to itself, its id (the
//      owner of recursive locks), and the guards that new threads inherit.
//   2. It calls pthread_create, detached, with the worker's stack, and ends.
//   3. What the C library has kept in the zero block (the allocator gave it a cache and an arena) is handed over to
//      the worker, which gives it back at its end as every thread does. Without that each worker would cost an arena.
#include "runtime/worker_caller.h"

#include <algorithm>
#include <cstddef>

#include "ir/support/cat.h"
#include "runtime/arch/x86_64_stub.h"
#include "runtime/proc_text.h"
#include "runtime/worker_memory.h"

namespace lpc::runtime::worker {
namespace {

// The memory of the thread that calls pthread_create: stack, thread-local variables, thread descriptor, vector of
// those.
constexpr uint64_t kCallerStack = 128 << 10, kCallerBlock = kCallerStack + (128 << 10);
constexpr uint64_t kCallerVector = kCallerBlock + (28 << 10), kCallerSize = kCallerVector + kPage;

// tcbhead_t of glibc (sysdeps/x86_64/nptl/tls.h); the offsets of both guards are known to compilers.
constexpr uint64_t kSelf = 0, kVector = 8, kDescriptor = 0x10, kMultipleThreads = 0x18, kGuards = 0x28;

// The C library's variables as a thread begins with them.
Result<Bytes> initialStorage(const Process &process, const ThreadStorage &storage) {
  Bytes bytes(storage.size);
  uint64_t initial = std::min<uint64_t>(storage.image.size(), storage.size);
  if (auto read = process.read(storage.image.begin, std::span(bytes).first(initial)); !read)
    return std::unexpected(read.error());
  return bytes;
}

Result<Bytes> callerBlock(const Order &order, const RemoteThread &caller, RemoteAddress block) {
  constexpr uint64_t kSize = kCallerSize - kCallerBlock;
  auto guards = order.process.read(RemoteAddress{caller.registers().fs_base} + kGuards, 16);
  if (!guards) return std::unexpected(guards.error());
  Bytes bytes(kSize);
  put(bytes, kSelf, block.value);
  put(bytes, kDescriptor, block.value);
  put(bytes, kVector, (block + (kCallerVector - kCallerBlock) + 16).value);
  put(bytes, kMultipleThreads, 1, 4);
  std::ranges::copy(*guards, bytes.begin() + kGuards);
  put(bytes, order.library.idOffset, static_cast<uint64_t>(idInside(order.process.pid(), caller.tid())), 4);
  return bytes;
}

// The words of the C library's variables that the caller has changed.
Result<void> handOver(const Order &order, const TracedThread &thread, RemoteAddress from, const Bytes &initial) {
  auto now = order.process.read(from, initial.size());
  if (!now) return std::unexpected(now.error());
  auto registers = thread.registers();
  if (!registers) return std::unexpected(registers.error());
  RemoteAddress own = RemoteAddress{registers->fs_base} + static_cast<uint64_t>(*order.library.storage.fromThread);
  for (uint64_t at = 0; at + 8 <= initial.size(); at += 8) {
    BytesView word = BytesView(*now).subspan(at, 8);
    if (std::ranges::equal(word, BytesView(initial).subspan(at, 8))) continue;
    if (auto written = order.process.write(own + at, word); !written) return written;
  }
  return {};
}

} // namespace

bool fitsCaller(const ThreadLibrary &library) {
  const ThreadStorage &storage = library.storage;
  return storage.fromThread && *storage.fromThread < 0 &&
         static_cast<uint64_t>(-*storage.fromThread) <= kCallerBlock - kCallerStack &&
         storage.size <= static_cast<uint64_t>(-*storage.fromThread) && library.idOffset >= kGuards + 16 &&
         library.idOffset <= kCallerVector - kCallerBlock - 4;
}

Result<void> makeByCaller(const Order &order, RemoteThread &caller, TracedThread &thread, Deadline deadline) {
  auto initial = initialStorage(order.process, order.library.storage);
  if (!initial) return std::unexpected(initial.error());
  auto own = caller.ownMemory(kCallerSize, deadline);
  if (!own) return std::unexpected(own.error());
  RemoteAddress block = own->begin + kCallerBlock;
  RemoteAddress variables = block + static_cast<uint64_t>(*order.library.storage.fromThread);
  auto content = callerBlock(order, caller, block);
  if (!content) return std::unexpected(content.error());
  if (auto filled = order.process.write(block, *content); !filled) return filled;
  if (auto filled = order.process.write(variables, *initial); !filled) return filled;

  user_regs_struct registers = caller.registers();
  registers.fs_base = block.value;
  registers.rsp = (own->begin + kCallerStack).value;
  registers.rax = order.library.create.value;
  registers.rdi = (order.memory + kHandleAt).value;
  registers.rsi = (order.memory + kAttributesAt).value;
  registers.rip = (order.program + x86_64::workerProgram().create).value;
  registers.rdx = (order.program + x86_64::workerProgram().worker).value;
  registers.rcx = order.memory.value;
  Bytes one;
  appendLittle(one, 1, 8);
  if (auto noted = order.process.write(order.memory + offsetof(WorkerJob, launched), one); !noted) return noted;
  *order.keep = true; // from now on the worker may come to be without us
  if (auto launched = caller.launch(registers); !launched) return launched;
  int status = 0;
  auto born = caller.birth({order.memory, order.memory + kWorkerSize}, status, deadline);
  if (!born && born.error().id == DiagnosticId::CannotStop)
    return fail(DiagnosticId::NoThreads,
                cat("process ", order.process.pid(),
                    " made no thread in time: one of its threads holds a lock of the C library"));
  if (!born) return std::unexpected(born.error());
  if (!born->attached()) {
    *order.keep = false;
    (void)caller.end(deadline);
    return failErrno(DiagnosticId::NoThreads, cat("process ", order.process.pid(), " may have no further thread"),
                     status);
  }
  thread = std::move(*born);
  if (auto done = handOver(order, thread, variables, *initial); !done) return done;
  if (auto ended = caller.end(deadline); !ended) return std::unexpected(ended.error());
  return {};
}

} // namespace lpc::runtime::worker
