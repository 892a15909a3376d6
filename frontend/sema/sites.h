// Proof 4: a code site is code, and so is where a jump goes.
#pragma once

#include "frontend/sema/addresses.h"

namespace lpc::sema {

// Where a jump is written: at the given address, but behind an endbr64 that stands there, if the function has room for
// the jump behind it. A process with indirect-branch tracking needs it, and others lose nothing. Without that room it
// is overwritten: Linux tracks no indirect branches in user space so far (6.18: shadow stacks only), and to refuse
// would gain nobody anything.
struct Site {
  ir::Address from;
  uint64_t offset = 0;             // of `from` in the spot's region
  uint32_t room = 0;               // as ir::Branch::room
  std::optional<Bytes> recorded{}; // as ir::Branch::recorded
  std::optional<ir::Function> function{}; // as ir::Branch::function
};

// What becomes of the instructions that the jump overwrites: nobody reaches them again, or they are moved and live on.
enum class OldCode : uint8_t { Dies, Moves };

// NotCode, NotAnInstruction, UndecodableCode, SiteTooShort, BranchIntoSite, PastMemoryEnd, IfuncSymbol; CannotMove.
std::optional<Site> checkSite(const Spot &from, OldCode oldCode, const Symbols &symbols, Context &context);

// NotCode, NotAnInstruction, UndecodableCode, PastMemoryEnd.
bool checkDestination(const Spot &to, Context &context);

} // namespace lpc::sema
