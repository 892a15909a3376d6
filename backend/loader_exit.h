// The way out of a constructor or destructor that failed below the process's dynamic linker: back to where the dynamic
// linker called it, as if it had returned, so that dlopen or dlclose comes to its end and gives its lock back.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "backend/plan.h"
#include "runtime/unwind.h"
#include "runtime/worker.h"

namespace lpc::backend {

class LoaderExit {
public:
  // `before`: a look at the process before dlopen or dlclose was called. All must outlive it.
  LoaderExit(const runtime::Process &process, const Snapshot &before, bool closing)
      : process_(process), before_(before), closing_(closing) {}

  // For runtime::WorkerCall. Nothing but what is proved: the frames lead from the failure to the worker without a gap,
  // and through one call that the dynamic linker made by an entry of an object's array of such functions. Of dlopen,
  // what has not begun is then taken out: further constructors of the objects that it loads, and destructors of those
  // whose constructors did not come to their end. What they have registered for their end (atexit) is called all the
  // same.
  runtime::WayOut find(const runtime::FailedCall &failed);

private:
  struct Object { // an array of functions, and whose it is
    const runtime::Module *module;
    RemoteRange functions;
  };
  bool prepare();
  [[nodiscard]] bool isNew(const runtime::Module &module) const;
  [[nodiscard]] const Object *called(const runtime::CallerFrame &frame) const;
  [[nodiscard]] bool mayBeLeft(std::span<const runtime::CallerFrame> frames) const;
  [[nodiscard]] bool inLibrary(RemoteAddress at) const;
  bool takeOut(const runtime::Module &failed) const;
  [[nodiscard]] std::vector<const runtime::Module *> unfinished(const runtime::Module &failed) const;
  bool replace(const runtime::Module &module, bool destructors) const;
  [[nodiscard]] bool endsRegistered(RemoteAddress function) const;

  const runtime::Process &process_;
  const Snapshot &before_;
  bool closing_;
  std::optional<runtime::Unwinder> unwinder_;
  Snapshot now_;
  std::vector<Object> objects_;
  const runtime::Module *linker_ = nullptr, *libc_ = nullptr;
  RemoteAddress nothing_{}; // a function that does nothing
  RemoteRange iteration_{}; // dl_iterate_phdr, which holds a lock while it calls back
};

} // namespace lpc::backend
