// Proof 2: a value never runs past the end of what it is written to.
#pragma once

#include "frontend/sema/addresses.h"

namespace lpc::sema {

struct Extent {
  uint64_t width = 0; // bytes
  Place place{};      // what is to blame for them: the type, or the value where its length decides
  std::string what{}; // "`i64`", "a pointer": the subject of the message
};

// Inside the object that the address names, else the section or segment, else the memory. True for absolute and loaded
// addresses, of which the files know nothing. PastObjectEnd, PastSectionEnd, PastMemoryEnd, NotMapped.
bool fits(const Spot &spot, const Extent &extent, Context &context);

// Does the displacement leave the object that the address names? PastObjectEnd.
bool staysInSymbol(const Spot &spot, Context &context);

// An `addr` is not written to a variable of another size than a pointer: PointerSize. With a displacement (`table+0`)
// it is an element of the variable.
bool fitsPointer(const Spot &spot, Context &context);

} // namespace lpc::sema
