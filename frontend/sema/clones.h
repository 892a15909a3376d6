// Proof 5: what a compiler made of a function under other names, and what of it a change of the function leaves behind.
#pragma once

#include "frontend/sema/addresses.h"

namespace lpc::sema {

// A function that a statement replaces, by the symbol that it stands under.
struct Replaced {
  size_t object = 0;
  target::Symbol symbol;
  ir::Address at;
  Place place{}; // of the address in the statement
  size_t operation = 0;
  bool livesOn = false;              // `hook`: its code is still called
  std::optional<Spot> replacement{}; // `jmp`, `hook`
  bool setsResult = false;           // `return` with a value
};

// Part of a replaced function that stands apart from it: no thread may be inside.
struct SplitPart {
  ir::Quiesce quiesce;
  size_t operation = 0; // of Replaced
};

// ClonedFunction for each function that has copies which the patch does not replace. Returns the parts (`.cold`), which
// are reached through their function alone.
std::vector<SplitPart> checkClones(const std::vector<Replaced> &replaced, Context &context);

} // namespace lpc::sema
