// Real-time priority for some microseconds at a time.
#include "runtime/realtime.h"

namespace lpc::runtime {

Realtime::Realtime() : policy_(sched_getscheduler(0)) { sched_getparam(0, &parameters_); }

void Realtime::raise() {
  if (!wanted || raised_ || policy_ == SCHED_FIFO || policy_ == SCHED_RR || policy_ == SCHED_DEADLINE) return;
  sched_param lowest{};
  lowest.sched_priority = 1;
  raised_ = sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &lowest) == 0;
}

void Realtime::restore() {
  if (raised_) sched_setscheduler(0, policy_, &parameters_);
  raised_ = false;
}

} // namespace lpc::runtime
