// Assembles a block of instructions (LLVM MC behind it): bytes, labels, and what the bytes refer to.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "ir/machine/assembly_text.h"
#include "ir/machine/machine.h"
#include "ir/machine/reference_kind.h"
#include "ir/support/bytes.h"

namespace lpc {

struct AssembledReference {
  ReferenceKind kind = ReferenceKind::Whole64;
  uint32_t offset = 0;      // in the code, of the 4 or 8 bytes
  std::string identifier{}; // of the prepared text; empty: the code's own start
  int64_t addend = 0;
};
struct AssembledLabel {
  std::string name;
  uint64_t offset = 0;
};
struct AssembledCode {
  Bytes bytes;                                // with zeros where references go
  std::vector<AssembledReference> references; // ascending, apart
  std::vector<AssembledLabel> labels;         // those that begin with `.L` or a digit are the block's own business
};

// How long the code is does not depend on where it or its symbols are. Safe for whatever AssemblyText lets pass.
std::expected<AssembledCode, std::vector<AssemblyFault>> assemble(Machine machine, const AssemblyText &text,
                                                                  AssemblySyntax syntax);

} // namespace lpc
