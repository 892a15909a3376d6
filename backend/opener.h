// `dlopen`: the process's own dynamic linker loads objects, while the process runs, before the patch proper is planned.
//
//   1. A record that is `opening` goes into the process: it says what is about to be loaded, and has a word for each
//      handle.
//   2. The worker calls dlopen, and puts the handle there itself.
//   3. What is loaded is found in the process and compared with the file that the patch has.
//   4. The patch proper is planned with the addresses. Its record has the handles, too, and is of the same sequence:
//      from the moment it is mapped it owns them, and the first record goes.
//
// Killed at any instant, the handles stand in the process, in a record that the next command finds.
#pragma once

#include <optional>
#include <vector>

#include "backend/plan.h"
#include "backend/session.h"

namespace lpc::backend {

class Opener {
public:
  Opener(const ir::Patch &patch, const runtime::Process &process, Session &session, std::vector<std::string> &remarks)
      : patch_(patch), process_(process), session_(session), remarks_(remarks) {}
  Opener(const Opener &) = delete;
  Opener &operator=(const Opener &) = delete;
  ~Opener(); // closes what it still owns

  // Loads the openings of a plan, in order; the agent runs. `sequence` is that of the patch. DlopenFailed, CallFailed
  // (a constructor did not come back), NoThreads, RemoteCallFailed, ProcessGone. The session has looked again.
  Result<std::vector<PlannedOpening>> open(const Plan &plan, uint64_t sequence);
  // The record of the patch is in the process.
  Result<void> handOver();

private:
  Result<void> openOne(size_t index, const ir::Payload &payload, const Place &place, PlannedOpening &opening);
  Result<std::string> pathFor(const ir::Payload &payload, PlannedOpening &opening);
  [[nodiscard]] std::optional<std::string> ownPath(const ir::Payload &payload);
  Result<std::string> throughMemory(const ir::Payload &payload);
  Error leftInside(size_t index, Error error, const PlannedOpening &opening);
  Error failed(const std::string &path, const PlannedOpening &opening);
  Result<void> locate(const ir::Payload &payload, const Snapshot &before, PlannedOpening &opening);

  const ir::Patch &patch_;
  const runtime::Process &process_;
  Session &session_;
  std::vector<std::string> &remarks_;
  std::optional<FoundRecord> record_; // as long as it owns the handles
  RemoteAddress error_{};             // dlerror
};

} // namespace lpc::backend
