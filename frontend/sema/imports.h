// `got`: the slots through which an object reaches a symbol that it imports.
#pragma once

#include "frontend/sema/addresses.h"

namespace lpc::sema {

struct ImportSlots {
  size_t object = 0;
  std::vector<target::ElfFile::ImportSlot> slots; // at least one
};

// UnknownImport, and what namedObject() reports.
std::optional<ImportSlots> findImport(const ast::Got &got, Context &context);

} // namespace lpc::sema
