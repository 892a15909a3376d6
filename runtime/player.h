// The table of writes as the player reads it: made here, byte for byte, and copied into the process.
#pragma once

#include <vector>

#include "ir/support/address.h"
#include "ir/support/bytes.h"
#include "runtime/maps.h"

namespace lpc::runtime {

// One run of bytes to be put into place.
struct PlayedWrite {
  RemoteAddress to;
  Bytes bytes;
};

// How the player gets past the protection of code.
enum class PlayMethod : uint8_t {
  ThroughMemory, // pwrite64 to its memory file
  Unprotecting,  // mprotect, process_vm_writev, mprotect back
};

// Neighbours that continue one another become one.
std::vector<PlayedWrite> coalesce(std::vector<PlayedWrite> writes);

// The memory of a player at `base`: the word that says when all is played, what it stands by for (x86_64_stub.h), rows,
// bytes. `rows` is where its r15 has to point.
struct PlayTable {
  Bytes image;
  RemoteAddress rows;
};
uint64_t playTableSize(const std::vector<PlayedWrite> &writes, const std::vector<Mapping> &maps, PlayMethod method);
// `handle`: ThroughMemory the descriptor of the memory file, Unprotecting the process id as the process knows itself
// (its own pid namespace). `maps`: current, for Unprotecting. A player that stands by plays where `mark` holds `begun`.
PlayTable playTable(const std::vector<PlayedWrite> &writes, const std::vector<Mapping> &maps, PlayMethod method,
                    RemoteAddress base, uint64_t handle, RemoteAddress mark = {}, uint64_t begun = 0);

// The pages of `writes` that lie in mappings which are not writable, each with the protection it has.
struct ProtectedPages {
  RemoteRange range;
  int protection = 0;
};
std::vector<ProtectedPages> protectedPages(const std::vector<PlayedWrite> &writes, const std::vector<Mapping> &maps);

} // namespace lpc::runtime
