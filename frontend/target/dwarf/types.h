// Types, as far as it takes to compare them. Internal to frontend/target.
#pragma once

#include "frontend/target/debug_info.h"
#include "frontend/target/dwarf/unit.h"

namespace lpc::target::dwarf {

// The name of an entry: its own, or that of the entry that it is the code or the definition of.
std::string_view nameOf(const Entry &entry);
// The same of its linker's name; empty for those that have their plain one.
std::string_view linkageNameOf(const Entry &entry);
// The entry that this one is the code of (DW_AT_abstract_origin), or the definition of (DW_AT_specification), and so on
// to the end; itself where there is none. At most `steps`.
Entry originOf(Entry entry, unsigned steps = 8);

// The type that DW_AT_type of the entry names, or of its origin; Void where there is none.
DebugType typeOf(const Entry &entry);
std::optional<DebugSignature> signatureOf(const Entry &function);
std::vector<VariablePart> partsOf(const Entry &variable, uint64_t offset);

} // namespace lpc::target::dwarf
