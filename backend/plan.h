// The plan: everything that will happen to one process, decided before its first thread is stopped.
//
// A plan is passive data: addresses chosen, payloads linked to them, every byte before and after. play.h executes it;
// `lpc plan` prints it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ir/patch.h"
#include "ir/support/address.h"
#include "ir/support/bytes.h"
#include "ir/support/result.h"
#include "runtime/maps.h"
#include "runtime/modules.h"
#include "runtime/process.h"

namespace lpc::backend {

// What is known about the process when planning: taken while it runs, compared again before the switch.
struct Snapshot {
  std::vector<runtime::Mapping> maps;
  std::vector<runtime::Module> modules;
};
Result<Snapshot> look(const runtime::Process &process);

// A part of new memory with one protection.
struct PlannedSegment {
  uint64_t offset = 0, size = 0; // in its memory, page aligned
  int protection = 0;            // PROT_*, final
};
struct PlannedMemory {
  std::string name;                     // `$name`; "(detours)" for memory of our own
  ir::MemoryId id{};                    // where it comes from
  bool own = false;                     // no ir::Memory behind it
  RemoteAddress address;
  uint64_t size = 0;                    // page aligned
  uint64_t requested = 0;               // as the patch or the payload's segments have it
  std::vector<PlannedSegment> segments;
  Bytes content;                        // what fills it from the start; the rest is zero
};

// One place that changes at the switch.
struct PlannedChange {
  enum class Kind : uint8_t { Set, Jump, Detour } kind = Kind::Set;
  RemoteAddress address;
  Bytes oldBytes;      // as read while planning; the journal takes what stands there when stopped
  bool exact = false;  // oldBytes must still stand there when stopped (code, read-only data, `was`), else nothing is changed
  Bytes newBytes;
  bool code = false;   // no thread may stand inside it
  std::string type;    // the type word of a `set`
  RemoteAddress destination{}; // of a jump; value of an `addr`
  uint32_t line = 0;   // in the patch
};

// A pointer that was followed while planning; it must be the same when stopped, else the plan is made anew.
struct PlannedPointer {
  RemoteAddress at;
  uint64_t value = 0;
};

struct Plan {
  std::string patchName, patchVersion;
  Bytes digest;                         // SHA-256 of the patch's content (text form of the IR)
  std::vector<PlannedMemory> memories;
  std::vector<PlannedChange> changes;   // in the order written
  std::vector<PlannedPointer> pointers;
  std::vector<RemoteRange> replaced;    // functions that must not be active; with their names
  std::vector<std::string> replacedNames;
};

// Makes a plan. Errors have the place of the statement in a note. BuildIdMismatch, NoSpaceInReach, BytesDiffer,
// UndefinedPayloadSymbol, …: the process was not touched.
Result<Plan> makePlan(const ir::Patch &patch, const runtime::Process &process, const Snapshot &snapshot);

} // namespace lpc::backend
