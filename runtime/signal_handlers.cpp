// Which signals are caught stands in /proc/PID/status; by what, only a thread of the process can ask.
#include "runtime/signal_handlers.h"

#include <sys/syscall.h>

#include <cstring>

#include "ir/support/cat.h"
#include "runtime/proc_text.h"

namespace lpc::runtime {
namespace {

constexpr int kSignals = 64;

uint64_t caughtSignals(const Process &process) {
  auto text = readText(cat("/proc/", process.pid(), "/status"));
  constexpr int kHexadecimal = 16;
  auto mask = text ? statusNumber(*text, "SigCgt", kHexadecimal) : std::nullopt;
  return mask.value_or(~uint64_t{0}); // ask for all
}

std::string nameOf(int signal) {
  const char *name = sigabbrev_np(signal);
  return name != nullptr ? cat("SIG", name) : cat("signal ", signal);
}

} // namespace

// struct kernel_sigaction of x86-64: handler, flags, restorer, mask.
Result<std::vector<SignalHandler>> signalHandlers(const Process &process, Agent &agent) {
  constexpr uint64_t kMaskSize = 8;
  std::vector<SignalHandler> out;
  const uint64_t caught = caughtSignals(process);
  for (int signal = 1; signal <= kSignals; signal++) {
    if ((caught >> (signal - 1) & 1) == 0) continue;
    auto done = agent.call(SYS_rt_sigaction, {static_cast<uint64_t>(signal), 0, agent.scratch().value, kMaskSize});
    if (!done) return std::unexpected(std::move(done.error()));
    if (*done != 0) continue;
    auto handler = process.readWord(agent.scratch());
    if (!handler) return std::unexpected(std::move(handler.error()));
    out.push_back({signal, nameOf(signal), {*handler}});
  }
  return out;
}

} // namespace lpc::runtime
