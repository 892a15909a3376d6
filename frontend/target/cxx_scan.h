// Finding demangled names in a symbol table. Internal to frontend/target.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "frontend/target/symbol_table.h"

namespace lpc::target {

// As scanForNames, for names in their demangled form: NameHit::name is the index into `names`.
std::vector<NameHit> scanForCxxNames(const SymbolTable &table, std::span<const std::string_view> names,
                                     const FileContents &contents);

} // namespace lpc::target
