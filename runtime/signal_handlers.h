// The functions that a process handles signals with: the kernel has their addresses, and its memory need not.
#pragma once

#include <string>
#include <vector>

#include "runtime/agent.h"

namespace lpc::runtime {

struct SignalHandler {
  int signal = 0;
  std::string name; // "SIGUSR1", "signal 40"
  RemoteAddress function;
};
// Those that are handled now. RemoteCallFailed, ProcessGone.
Result<std::vector<SignalHandler>> signalHandlers(const Process &process, Agent &agent);

} // namespace lpc::runtime
