// Which undefined symbols say that an object throws C++ exceptions itself.
#pragma once

#include <string_view>

namespace lpc::target {

// Functions that begin to throw (Itanium C++ ABI, "Exception Handling"). The unwinder that they start looks for the
// frames of what the dynamic linker has loaded, finds none for a payload, and ends the process by std::terminate.
inline bool throwsExceptions(std::string_view symbol) {
  return symbol == "__cxa_throw" || symbol == "_Unwind_RaiseException" || symbol == "_Unwind_ForcedUnwind";
}

} // namespace lpc::target
