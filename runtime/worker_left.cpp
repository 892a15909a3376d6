// What an lpc that was killed has left of its worker.
#include <ctime>

#include "ir/support/cat.h"
#include "runtime/traced_thread.h"
#include "runtime/worker_memory.h"

namespace lpc::runtime {
namespace {

using namespace worker;

constexpr auto kBirthTime = std::chrono::milliseconds(500); // of a thread that may come to be

// Whose lpc was killed before it had found the way.
void leadOutLeft(const Process &process, RemoteAddress memory, pid_t tid, const FindWayOut &find) {
  Held held;
  auto read = process.read(memory + kHeldAt, std::span(reinterpret_cast<uint8_t *>(&held), sizeof held));
  auto stack = process.read(memory + offsetof(WorkerJob, stack), 8);
  if (!read || !stack || held.holds != 1) return;
  auto thread = TracedThread::seize(tid);
  if (!thread || !thread->interrupt()) return;
  auto stop = thread->await(within(kStepTime));
  auto registers = stop && !stop->over() ? thread->registers() : Result<user_regs_struct>();
  const x86_64::WorkerProgram &program = x86_64::workerProgram();
  if (!registers || registers->rip - held.program - program.hold > x86_64::kHoldSize) return;
  WayOut out =
      find({tid, false, held.registers, programAt({held.program}), {loadLittle(*stack)}, textOf(process, memory)});
  if (out.kind == WayOut::Kind::GoOn) {
    *registers = out.registers;
  } else {
    registers->rip = held.program + program.end;
    registers->orig_rax = ~uint64_t{0};
  }
  if (!thread->setRegisters(*registers)) return;
  (void)process.write(memory + kHeldAt, Bytes(8));
  (void)thread->detach();
}

} // namespace

bool workerWasLeft(const std::vector<Mapping> &maps) {
  return std::ranges::any_of(maps, [](const Mapping &mapping) { return mapping.path.starts_with(kMappingName); });
}

Result<void> removeLeftWorkers(const Process &process, Agent &agent, const std::vector<Mapping> &maps,
                               Deadline deadline, const FindWayOut &wayOut) {
  for (const Mapping &mapping : maps) {
    if (!mapping.path.starts_with(kMappingName) || mapping.offset != 0) continue;
    pid_t tid = 0; // lpc's number for it
    for (Deadline birth = within(kBirthTime);;) {
      auto bytes = process.read(mapping.range.begin, sizeof(WorkerJob));
      if (!bytes) return std::unexpected(bytes.error());
      auto word = [&](size_t offset) { return loadLittle(BytesView(*bytes).subspan(offset, 8)); };
      uint64_t number = word(offsetof(WorkerJob, thread)); // as it knows itself
      bool nobody = word(offsetof(WorkerJob, launched)) == 0;
      bool told = word(offsetof(WorkerJob, function)) != 0; // so there is one, which has not run yet
      const uint64_t keep = word(offsetof(WorkerJob, keep));
      const bool waited = keep == x86_64::kUnborn;
      if (!nobody && (number > INT32_MAX || (keep != 0 && !waited))) break; // it stays
      if (!nobody && number == 0 && !told && (waited || Clock::now() >= birth)) {
        Bytes unborn;
        appendLittle(unborn, x86_64::kUnborn, 8);
        if (auto noted = process.write(mapping.range.begin + offsetof(WorkerJob, keep), unborn); !noted) return noted;
        break;
      }
      // Who makes it may wait for a lock of the program, on a stack there: a later command finds out.
      const uint64_t maker = word(offsetof(WorkerJob, maker));
      const bool making =
          !nobody && maker - 1 < INT32_MAX && threadInside(process.pid(), static_cast<pid_t>(maker)) != 0;
      if (making && Clock::now() >= birth) break;
      if (!nobody && number != 0 && tid == 0) tid = threadInside(process.pid(), static_cast<pid_t>(number));
      if (tid != 0) leadOutLeft(process, mapping.range.begin, tid, wayOut);
      if (!making && (nobody || (number != 0 && (tid == 0 || threadState(process.pid(), tid) == 'X')))) {
        if (auto gone = agent.unmap(mapping.range.begin, kWorkerSize); !gone) return gone;
        break;
      }
      if (Clock::now() >= deadline)
        return fail(
            DiagnosticId::CallRunning,
            cat("thread ", tid, " of process ", process.pid(), " is at work on a function that an earlier lpc called"),
            "try again when it has returned");
      timespec rest{0, 1'000'000};
      nanosleep(&rest, nullptr);
    }
  }
  return {};
}

} // namespace lpc::runtime