// What apply and revert share in telling how it went.
#pragma once

#include <string>

#include "backend/play.h"

namespace lpc::backend {

// Fills outcome.state: one sentence on how the process was left. `what` is "apply" or "revert".
void describeState(Outcome &outcome, const runtime::Process &process, const std::string &what);

// The operation ends here, for this reason. True, for callers that say by that whether they are done.
bool refuse(Outcome &outcome, Error reason);

// Adds the time since the last lap (or the start) to a phase of the outcome.
class Stopwatch {
public:
  explicit Stopwatch(Outcome &outcome);
  void lap(const std::string &phase);

private:
  Outcome &outcome_;
  double last_;
};
void addPhase(Outcome &outcome, const std::string &name, double microseconds);

} // namespace lpc::backend
