// Finding the parts and copies of functions by their names. Internal to frontend/target.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "frontend/target/symbol_table.h"

namespace lpc::target {

// Defined symbols whose name is one of `names` and what a compiler adds to the name of a part or a copy.
std::vector<NameHit> scanForClones(const SymbolTable &table, std::span<const std::string_view> names,
                                   const FileContents &contents);

} // namespace lpc::target
