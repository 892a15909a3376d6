// The way out of a constructor or destructor that failed below the process's dynamic linker: back to where the dynamic
// linker called it, as if it had returned, so that dlopen or dlclose comes to its end and gives its lock back.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "backend/plan.h"
#include "runtime/elf_memory.h"
#include "runtime/unwind.h"
#include "runtime/worker.h"

namespace lpc::backend {

class LoaderExit {
public:
  explicit LoaderExit(const runtime::Process &process) : process_(process) {} // must outlive it

  // For runtime::WorkerCall. Nothing but what is proved: the frames lead from the failure to the worker without a gap,
  // and through one call that the dynamic linker made by an entry of an object's array of such functions. Of the
  // object whose constructor failed, and of those that need it, further constructors and the destructors are then taken
  // out. What they have registered for their end (atexit) is called all the same.
  runtime::WayOut find(const runtime::FailedCall &failed);

private:
  struct Array { // of functions, and whose it is
    const runtime::Module *module;
    RemoteRange functions;
    bool constructors;
  };
  bool prepare();
  [[nodiscard]] const Array *called(const runtime::CallerFrame &frame, bool constructors) const;
  [[nodiscard]] bool mayBeLeft(std::span<const runtime::CallerFrame> frames) const;
  [[nodiscard]] bool inLibrary(RemoteAddress at) const;
  bool takeOut(const runtime::Module &failed, const std::string &path) const;
  [[nodiscard]] std::vector<const runtime::Module *> unfinished(const runtime::Module &failed,
                                                                const std::string &path) const;
  bool replace(const runtime::Module &module, bool constructors) const;

  const runtime::Process &process_;
  std::optional<runtime::Unwinder> unwinder_;
  Snapshot now_;
  std::vector<Array> arrays_;
  const runtime::Module *linker_ = nullptr, *libc_ = nullptr;
  RemoteAddress nothing_{}; // a function that does nothing
  RemoteRange iteration_{}; // dl_iterate_phdr, which holds a lock while it calls back
};

// The handle of an object (__dso_handle) under which it registers what is due at its end and at fork, as the destructor
// of its start files takes it. Nothing: it has none such.
std::optional<RemoteAddress> endHandle(const runtime::ElfMemory &elf, const runtime::Process &process);

// Whether the object with that handle (its struct link_map) is one of which constructors were taken out. It stays so
// until it is closed.
bool isUnconstructed(const runtime::Process &process, const Snapshot &snapshot, uint64_t handle);

} // namespace lpc::backend
