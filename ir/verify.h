// The structural rules of ir::Patch: checked after lowering, after reading, and before planning.
//
// What has passed can be indexed, added up and written into without a further check: every index is in range, no range
// of an address wraps around, every `$name` is made before it is used, and sizes that belong together agree. Whether
// the patch makes sense for its target is sema's business.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ir/patch.h"

namespace lpc::ir {

// Limits that a well-formed patch keeps.
constexpr uint64_t kMaxMemorySize = uint64_t{1} << 30; // 1 GiB (language reference, `new`)
constexpr unsigned kMaxLoadDepth = 32;                 // of [[[…]]]
constexpr uint32_t kMaxNopSize = 4096;                 // bytes of one `nop`
constexpr size_t kMaxPatchName = 255;                  // bytes; the registry in the process holds it

// One sentence for each broken rule, naming table and index; empty when the patch is well formed. Safe for any value.
std::vector<std::string> verify(const Patch &patch);

} // namespace lpc::ir
