// Patches for the tests of the IR: one with everything in it, and random valid ones.
#pragma once

#include <random>

#include "ir/patch.h"

namespace lpc::ir::test {

// Well formed; with every kind of address, value and operation. The tests of verify() break it in one place each, so
// the indexes below are part of its contract.
//
//   objects     0 target (x86_64), 1 libc.so.6          payloads   0 patch.so, 1 table.bin
//   memories    0 $fresh (new, 4096), 1 $table (load, payload 1), 2 $fix (dl, payload 0)
//   operations  0 new $fresh   1 load $table   2 dl $fix with …   3 write int (was, recorded)
//               4 write addr (payload symbol)   5 write addr through [[ ]]   6 branch   7 branch at an absolute address
Patch samplePatch();

// Well formed, whatever the generator gives.
Patch randomPatch(std::mt19937_64 &random);

} // namespace lpc::ir::test
