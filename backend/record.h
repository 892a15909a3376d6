// The record of a patch: what stands of it in the process, and its form in memory.
//
// A record is complete before it is mapped; after that only its state word, the two words that say how far its calls
// are (8 aligned bytes each), its handles and, while everything stands, its undo bytes change. It comes back from a
// process we don't control: every length is checked, and what never changes has a checksum.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "backend/call.h"
#include "ir/support/address.h"
#include "ir/support/bytes.h"
#include "ir/support/result.h"

namespace lpc::backend {

// Prepared: memory is there, nothing is changed. Switching, Reverting: the agent is at it (or died at it: interrupted).
// Reverted: the old bytes are back, but memory of the patch may still be in use.
enum class RecordState : uint64_t { Prepared = 1, Switching, Applied, Reverting, Reverted };
std::string_view name(RecordState state);

struct RecordedChange {
  RemoteAddress address;
  bool code = false;
  Bytes oldBytes, newBytes; // of the same size
  bool operator==(const RecordedChange &) const = default;
};
// Names for code of the patch, so that a later command can say where a thread is.
struct RecordedCode {
  std::string name; // "$fix"
  RemoteRange range;
  bool operator==(const RecordedCode &) const = default;
};

// An object that the process's dynamic linker has loaded for the patch (`dlopen`).
struct RecordedOpening {
  std::string name, file; // "fix", "fix.so"
  RemoteRange range;      // where it is; empty in a record that is `opening`
  uint64_t handle = 0;    // what dlopen returned; 0: it is not open (yet, or any more)
  bool shared = false;    // it was loaded before, by others
  bool operator==(const RecordedOpening &) const = default;
};

struct Record {
  std::string name, version;
  Bytes digest;           // of the patch: 32 bytes
  uint64_t sequence = 0;  // order of application on this process
  uint64_t appliedAt = 0; // microseconds since 1970
  RecordState state = RecordState::Prepared;
  std::vector<RecordedCode> code;
  std::vector<RecordedChange> changes;
  // Of PreRevert, PostRevert and Finish, in the order in which they are made. `begun`: steps that were begun
  // (Call::step) or, once it is taken back, all of them; `finished`: so many of `calls` are done or need not be.
  std::vector<Call> calls{};
  uint64_t begun = 0, finished = 0;
  // Where pointers may stay that nobody follows (release.h): to frames that are no longer registered, and to the
  // handles under which functions for the end were registered.
  std::vector<RemoteRange> frames{};
  std::vector<RemoteAddress> exitHandles{};
  // The worker itself puts handles there and takes them away (runtime::WorkerCall::store), so that none is ever lost.
  std::vector<RecordedOpening> openings{};
  RemoteAddress closer{}; // dlclose of the process
  // The patch proper is still to come: nobody but its openings is here. A record of the same sequence that is not
  // `opening` has taken the handles over.
  bool opening = false;
  bool operator==(const Record &) const = default;
};

// The layout of a record in memory. State word and undo bytes lie outside of the checksum.
Bytes encode(const Record &record);
Result<Record> decode(BytesView bytes); // CorruptRegistry
constexpr uint64_t kStateOffset = 16, kBegunOffset = 72, kFinishedOffset = 80;
// Where in encode()'s bytes the old bytes of all changes stand, one behind the other.
uint64_t undoOffset(const Record &record);
Bytes undoBytes(const Record &record);
// Where in them the handles stand: 8 aligned bytes each.
uint64_t handleOffset(const Record &record, size_t opening);

// CorruptRegistry, with what is wrong of the record.
std::unexpected<Error> corruptRecord(const std::string &what);

} // namespace lpc::backend
