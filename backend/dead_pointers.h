// Pointers into a patch's memory that nobody follows.
#pragma once

#include "backend/record.h"
#include "runtime/process.h"

namespace lpc::backend {

// They stay behind where the C library and the unwinder had them:
//   - to frames: an unwinder's lists of them are given back to the allocator when they are no longer registered;
//   - in a list of functions for the end (glibc, struct exit_function: state, function, argument, handle), whose entry
//     is free (state 0) once __cxa_finalize has called it.
class DeadPointers {
public:
  // Both must outlive it.
  DeadPointers(const Record &record, const runtime::Process &process) : record_(record), process_(process) {}

  [[nodiscard]] bool isDead(uint64_t word, RemoteAddress at) const; // where it stands

private:
  [[nodiscard]] bool isHandle(uint64_t word) const;
  [[nodiscard]] bool isFree(RemoteAddress entry) const;

  const Record &record_;
  const runtime::Process &process_;
};

} // namespace lpc::backend
