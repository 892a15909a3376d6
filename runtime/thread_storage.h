// Where the dynamic linker of a process has put the thread-local variables of a loaded object.
#pragma once

#include <optional>
#include <span>

#include "runtime/maps.h"
#include "runtime/modules.h"

namespace lpc::runtime {

struct ThreadStorage {
  uint64_t module = 0; // its id, the first word of what __tls_get_addr is given
  // From the thread pointer to its block, the same in every thread; nothing where threads have their blocks in places
  // of their own (objects that were opened later).
  std::optional<int64_t> fromThread{};
  uint64_t size = 0;   // bytes of the block
  RemoteRange image{}; // what its first bytes are in a new thread; the rest is zero
  bool operator==(const ThreadStorage &) const = default;
};

// Nothing where the module has no thread-local variables, or where the process's linker says where they are in no form
// that we know (other than glibc's; the program's own are known always). `modules` are readModules'.
std::optional<ThreadStorage> readThreadStorage(const Process &process, const std::vector<Mapping> &maps,
                                               const std::vector<Module> &modules, const Module &module);

// The part of it that needs no process: finds what glibc keeps behind the PT_TLS that the words repeat.
struct ThreadTemplate { // PT_TLS, in the process
  uint64_t image = 0, fileSize = 0, memorySize = 0, alignment = 0;
};
std::optional<ThreadStorage> findThreadStorage(std::span<const uint64_t> linkMap, const ThreadTemplate &tls);

} // namespace lpc::runtime
