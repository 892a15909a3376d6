// Planned changes in the words of the patch language, with addresses in the process: "set 0x404028 int 5", "jmp
// 0x401126 0x7f…".
#pragma once

#include <functional>
#include <string>

#include "backend/plan.h"

namespace lpc::driver {

// How addresses are written: as numbers, or by what they are of where no number is known yet (backend::spelledIn).
using SpellAddress = std::function<std::string(RemoteAddress)>;
std::string spelledPlainly(RemoteAddress address);

// These lines are those of livepatch (2004), so their form is fixed.
std::string changeText(const backend::PlannedChange &change, const SpellAddress &spell = spelledPlainly);

// "$fix @ 0x7f0000001000 [16384] /srv/fix.so".
std::string openingText(const backend::PlannedOpening &opening);

// "$foo @ 0x7f0000001000 [8192]"; memory of our own is in parentheses.
std::string memoryText(const backend::PlannedMemory &memory);

// Bytes before and after: "f3 0f 1e fa 55 -> e9 ff 00 00 00".
std::string bytesText(const backend::PlannedChange &change);

// "r", "rw", "rx", "rwx" of PROT_* bits; "none".
std::string permissionText(int protection);

} // namespace lpc::driver
