// The priority of our thread, raised for the time in which running threads of the process stand: with more runnable
// threads than processors, it is what keeps the pause short.
#pragma once

#include <sched.h>

namespace lpc::runtime {

class Realtime {
public:
  Realtime();
  // SCHED_FIFO, the lowest priority that is higher than `above` (0 to 99, sched(7)). Where that is not permitted,
  // everything is as it was.
  void raise(int above);
  void restore();
  bool wanted = true;

private:
  int policy_;
  sched_param parameters_{};
  bool raised_ = false;
};

} // namespace lpc::runtime
