// The first pthread_create tells the C library that locks are needed from now on. The only thread of a program may be
// in the middle of something that it began without locks; so it is waited for, until it sleeps or is elsewhere. Where
// the C library is linked into the program, it is nowhere else for certain: it has to sleep.
#include "runtime/leaves_library.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <string>

#include "ir/support/cat.h"
#include "runtime/arch/x86_64_stub.h"
#include "runtime/borrow.h"
#include "runtime/proc_text.h"
#include "runtime/traced_thread.h"

namespace lpc::runtime {
namespace {

constexpr auto kStopTime = std::chrono::seconds(5); // for what takes microseconds

} // namespace

bool leavesLibrary(const Process &process, const std::vector<pid_t> &threads, const std::vector<Mapping> &maps,
                   bool libraryInProgram, Deadline deadline) {
  if (threads.size() != 1) return true;
  pid_t only = threads[0];
  auto isElsewhere = [&](RemoteAddress at) {
    const Mapping *mapping = mappingAt(maps, at);
    std::string_view path = mapping ? std::string_view(mapping->path) : std::string_view();
    std::string_view file = path.substr(path.rfind('/') + 1);
    return !file.starts_with("libc.") && !file.starts_with("libc-") && !file.starts_with("ld-");
  };
  while (Clock::now() < deadline) {
    auto call = readText(cat("/proc/", process.pid(), "/task/", only, "/syscall"));
    VictimRank rank = rankOf(threadState(process.pid(), only), call.value_or(""));
    if (rank == VictimRank::Asleep || rank == VictimRank::AsleepTimed || rank == VictimRank::AsleepUnknown) return true;
    const timespec rest{0, 200'000};
    if (libraryInProgram) {
      nanosleep(&rest, nullptr);
      continue;
    }
    auto stopped = TracedThread::seize(only);
    if (!stopped || !stopped->interrupt()) return true; // it has ended
    auto stop = stopped->await(Clock::now() + kStopTime);
    if (!stop || stop->over()) return true;
    auto registers = stopped->registers();
    bool good = registers && static_cast<int64_t>(registers->orig_rax) < 0 && isElsewhere({registers->rip});
    if (registers) (void)stopped->setRegisters(x86_64::homeFromStop(*registers));
    (void)stopped->detach(stop->signalToGiveBack());
    if (good) return true;
    nanosleep(&rest, nullptr);
  }
  return false;
}

} // namespace lpc::runtime
