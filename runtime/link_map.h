// The list of loaded objects that a dynamic linker keeps for debuggers (struct r_debug and struct link_map of <link.h>;
// glibc and musl agree on it).
#pragma once

#include <string>
#include <vector>

#include "runtime/maps.h"

namespace lpc::runtime {

struct LinkMapEntry {
  LoadBias bias;         // l_addr
  std::string name;      // l_name
  RemoteAddress dynamic; // l_ld
  RemoteAddress at;      // of the struct link_map itself
};

// In search order, the namespaces of dlmopen behind the first. Ends without an error at the first entry that makes no
// sense: at a loop, outside of the mappings, after more objects than any process has.
std::vector<LinkMapEntry> readLinkMap(const Process &process, const std::vector<Mapping> &maps, RemoteAddress rDebug);

} // namespace lpc::runtime
