// Making a patch's calls: a worker when the first one comes, and what is due at the end.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "backend/call.h"
#include "backend/plan.h"
#include "backend/registry.h"
#include "backend/switch.h"
#include "runtime/worker.h"

namespace lpc::backend {

class Caller {
public:
  // `limit`: how long one function may take. The process must outlive it.
  Caller(const runtime::Process &process, std::chrono::microseconds limit) : process_(process), limit_(limit) {}

  // Its result register. NoThreads, CallFailed, NoAgent, ProcessGone; names the call.
  Result<uint64_t> call(const Call &call, runtime::Agent &agent, const Snapshot &snapshot);
  // NoThreads, before anything is made. `known`: what planning has found.
  Result<void> prepare(const Snapshot &snapshot, const std::optional<runtime::ThreadLibrary> &known = {});
  // Makes the worker now and not at the first call. NoThreads, NoAgent, ProcessGone.
  Result<void> begin(runtime::Agent &agent, const Snapshot &snapshot);
  // Ends the worker: before its agent, and before the process is searched for pointers, of which its stack has some.
  void end() { worker_.reset(); }

private:
  const runtime::Process &process_;
  std::chrono::microseconds limit_;
  std::optional<runtime::ThreadLibrary> library_;
  std::optional<runtime::Worker> worker_;
};

using MakeCall = std::function<Result<uint64_t>(const Call &)>;

// What ends a patch in the process.
struct Ending {
  const runtime::Process &process;
  runtime::Agent &agent;
  MakeCall call;
  std::function<void()> endWorker;          // whose stack points where the process does not
  const std::vector<StackPosition> &stacks; // of the last stop (SwitchResult)
};

// Gives back what `dlopen` has loaded, the last one first; the record is told by the worker. An object that something
// of the process points into stays open, also where others have it open: they may close it before the pointers go, and
// would not know of those that the patch has made. What fails is told in `remarks`, and is not tried again if it was
// tried.
void closeOpenings(FoundRecord &found, const Ending &ending, std::vector<std::string> &remarks);

// Makes the calls of PostRevert and Finish that are due, in order, and closes what is open. Each is taken off the
// record in the process before it is made, so that none is made twice. What fails is told in `remarks`.
void finish(FoundRecord &found, const Ending &ending, std::vector<std::string> &remarks);
// Is there anything to finish?
bool isUnfinished(const Record &record);

} // namespace lpc::backend
