// The plan: everything that will happen to one process, decided before its first thread is stopped.
//
// A plan is passive data: addresses chosen, payloads linked to them, every byte before and after. play.h executes it;
// `lpc plan` prints it. Making one reads the process while it runs and changes nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend/call.h"
#include "ir/patch.h"
#include "ir/support/address.h"
#include "ir/support/bytes.h"
#include "ir/support/result.h"
#include "runtime/maps.h"
#include "runtime/memory_sharers.h"
#include "runtime/modules.h"
#include "runtime/process.h"
#include "runtime/worker.h"

namespace lpc::backend {

class ModuleFiles;

// What is known about the process when planning: taken while it runs, compared again before the switch.
struct Snapshot {
  std::vector<runtime::Mapping> maps;
  std::vector<runtime::Module> modules; // [0] is the program
  std::shared_ptr<ModuleFiles> files{}; // of these modules; look() gives it
  // Made by apply and revert: whether others share its memory is asked again at each stop. Null: it is not.
  std::shared_ptr<runtime::MemorySharers> sharers{};
};
// `before`: an earlier look at it, whose modules still hold where nothing was mapped or unmapped since.
Result<Snapshot> look(const runtime::Process &process, Snapshot before = {});

// One mmap in the process: an arena that holds memories side by side.
struct PlannedMapping {
  RemoteAddress address;
  uint64_t size = 0; // page aligned
  bool operator==(const PlannedMapping &) const = default;
};

// Code with a name: a function that is replaced, which must not be active in any thread when the switch comes; or one
// of a payload.
struct PlannedFunction {
  std::string name;
  RemoteRange range;
  uint32_t line = 0;
  bool operator==(const PlannedFunction &) const = default;
};

// A part of new memory with one protection.
struct PlannedSegment {
  uint64_t offset = 0, size = 0; // in its memory, page aligned
  int protection = 0;            // PROT_*, final
  bool operator==(const PlannedSegment &) const = default;
};
// A reference in a payload that was bound, for people: the content has its effect.
struct PlannedRelocation {
  RemoteAddress at;
  std::string type;   // "R_X86_64_GLOB_DAT"
  std::string symbol; // "" for a place of the payload itself without a name
  std::string object; // what has that symbol, where it is not the payload: "libc.so.6"
  uint64_t value = 0; // as stored: an address, or the difference of two
  bool operator==(const PlannedRelocation &) const = default;
};

struct PlannedMemory {
  std::string name; // `$name` without the $; "(detours)" for jumps of ours to destinations out of reach,
                    // "(originals)" for the old code of hooked functions
  std::optional<ir::MemoryId> id{}; // nothing for detours
  RemoteAddress address;
  uint64_t requested = 0; // bytes, as the patch or the payload's segments have it
  std::vector<PlannedSegment> segments;
  Bytes content; // from the start, with relocations and the patch's own `set`s; the rest is zero
  std::vector<PlannedFunction> functions{};     // of a payload: "$name:symbol"; of originals, with what calls them
  std::vector<PlannedRelocation> relocations{}; // of a payload, by address, where they were asked for
  bool operator==(const PlannedMemory &) const = default;
};

// One place that the patch changes.
struct PlannedChange {
  enum class Kind : uint8_t { Set, Jump, Code, Return, Nop, Import } kind = Kind::Set;
  RemoteAddress address;
  Bytes oldBytes;     // as read while planning; after play as found when stopped
  bool exact = false; // oldBytes must still stand there when stopped (code, read-only data, `was`)
  Bytes newBytes;
  bool code = false;     // instructions: no thread may stand inside them
  bool prepared = false; // in memory of the patch itself: part of its content, not of the switch
  std::string type{}; // the type word of a `set`; the result of a `return`, "" where it has none; the symbol of a `got`
  RemoteAddress destination{}; // of a jump (not of its detour) or an import; the value of an `addr`
  uint32_t line = 0;           // in the patch
  bool operator==(const PlannedChange &) const = default;
};

// A pointer in the process that was followed while planning; it must be the same when stopped.
struct PlannedPointer {
  RemoteAddress at;
  Bytes value; // little-endian, pointer size
  uint32_t line = 0;
  bool operator==(const PlannedPointer &) const = default;
};

// What the patch expects of the process; it must hold when everything stands.
struct PlannedExpectation {
  RemoteAddress at;
  Bytes bytes;
  uint32_t line = 0;
  bool operator==(const PlannedExpectation &) const = default;
};

// An object that the process's dynamic linker loads.
struct PlannedOpening {
  std::string name; // `$name` without the $
  std::string file; // as the patch wrote it
  ir::MemoryId id{};
  RemoteAddress base; // what `$name` means; not loaded: a stand-in (open_image.h)
  uint64_t size = 0;
  bool loaded = false;
  uint32_t line = 0;
  // Once it is loaded:
  RemoteRange range{};             // from its first to its last mapping
  std::string path{};              // that the dynamic linker was given; "" where the file came from the patch itself
  uint64_t handle = 0;             // that dlopen returned
  bool wasLoaded = false;          // the program had loaded it before, and may be in it at any time
  std::vector<RemoteRange> code{}; // else: where its instructions are
  bool operator==(const PlannedOpening &) const = default;
};

struct Plan {
  std::string patchName, patchVersion, source;
  Machine machine = Machine::X86_64;
  Bytes digest;                         // digest.h, of the patch
  std::vector<PlannedMapping> mappings; // what is mapped; the memories lie inside
  std::vector<PlannedMemory> memories;  // in the order written, detours last
  std::vector<PlannedChange> changes;   // in the order written
  std::vector<PlannedPointer> pointers;
  std::vector<PlannedExpectation> expectations{};
  std::vector<PlannedFunction> functions{};        // must not be active
  std::vector<Call> calls{};                       // each stage in the order in which its calls are made
  std::vector<RemoteRange> frames{};               // Record::frames
  std::vector<RemoteAddress> exitHandles{};        // Record::exitHandles
  std::vector<PlannedOpening> openings{};          // in the order written
  std::optional<runtime::ThreadLibrary> threads{}; // of the process, if planning had to know
  RemoteAddress closer{};                          // Record::closer
  std::vector<std::string> remarks{};              // what else the user should know
  bool oneStore = false; // all there is to switch is one store (store.h): no stop, unless a function must be inactive
};

// Makes a plan. Every error has the place of its statement; the process was not touched. BuildIdMismatch,
// UnknownObject, NoSpaceInReach, BytesDiffer, ExpectFailed, BadAddress, NotAnInstruction, SiteTooShort,
// OverlappingChanges, those of link.h. `attempt`: the n-th best free place for new memory, where the better ones were
// taken by the program meanwhile. With `relocations` they are listed. `opened`: the openings of an earlier plan, loaded
// now; without them what a `dlopen` loads has no real address yet, and changes in it have no real old bytes.
Result<Plan> makePlan(const ir::Patch &patch, const runtime::Process &process, const Snapshot &snapshot,
                      unsigned attempt = 0, bool relocations = false,
                      const std::vector<PlannedOpening> *opened = nullptr);
// "$fix+0x1139" for what is in an object that is not loaded yet, else the address.
std::string spelledIn(const Plan &plan, RemoteAddress address);

} // namespace lpc::backend
