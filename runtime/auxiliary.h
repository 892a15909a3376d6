// The auxiliary vector of a process (getauxval(3)), as the kernel keeps it.
#pragma once

#include <cstdint>

#include "runtime/process.h"

namespace lpc::runtime {

class Auxiliary {
public:
  explicit Auxiliary(const Process &process);
  // The value of the entry of that AT_… type; 0 where there is none.
  [[nodiscard]] uint64_t operator[](uint64_t type) const;

private:
  size_t word_;
  Bytes bytes_;
};

} // namespace lpc::runtime
