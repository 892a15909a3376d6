// Real-time priority for some microseconds at a time.
//
// Above that of the threads that are to be stopped: below them, where they keep all processors busy, we would never get
// one again, not even the share that the kernel keeps for threads without real time; and those that stand already stood
// for seconds.
#include "runtime/realtime.h"

#include <algorithm>

namespace lpc::runtime {

Realtime::Realtime() : policy_(sched_getscheduler(0)) { sched_getparam(0, &parameters_); }

void Realtime::raise(int above) {
  if (!wanted || raised_ || policy_ == SCHED_FIFO || policy_ == SCHED_RR || policy_ == SCHED_DEADLINE) return;
  sched_param higher{};
  higher.sched_priority = std::min(above + 1, sched_get_priority_max(SCHED_FIFO));
  raised_ = sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &higher) == 0;
}

void Realtime::restore() {
  if (raised_) sched_setscheduler(0, policy_, &parameters_);
  raised_ = false;
}

} // namespace lpc::runtime
