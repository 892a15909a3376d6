// Proof 4: a code site is code, and so is where a jump goes.
#pragma once

#include "frontend/sema/code.h"

namespace lpc::sema {

// Where new code is written: at the given address, but behind an endbr64 that stands there, if the function has room
// for it behind that. A process with indirect-branch tracking needs it, and others lose nothing. Without that room it
// is overwritten: Linux tracks no indirect branches in user space so far (6.18: shadow stacks only), and to refuse
// would gain nobody anything.
struct Site {
  ir::Address from;
  uint64_t offset = 0;                    // of `from` in the spot's region
  uint32_t room = 0;                      // as ir::Branch::room
  std::optional<Bytes> recorded{};        // as ir::Branch::recorded
  std::optional<ir::Function> function{}; // as ir::Branch::function
  bool isEntry = false;                   // of a function of an object: who calls it comes here
};

// What overwrites the instructions: a jump, and nobody reaches them again; a jump that they are moved away from to live
// on; other instructions, of so many bytes; or a return, as a jump.
struct NewCode {
  enum class Kind : uint8_t { Jump, Hook, Instructions, Return } kind = Kind::Jump;
  uint32_t size = 0; // Instructions, Return
};

// NotCode, NotAnInstruction, UndecodableCode, SiteTooShort, BranchIntoSite, PastMemoryEnd, IfuncSymbol; CannotMove.
std::optional<Site> checkSite(const Spot &from, NewCode code, const Symbols &symbols, Context &context);

// `return`: a site at the entry of a function, for there the stack is as the caller left it. NotAFunction, and those of
// checkSite.
std::optional<Site> checkReturn(const Spot &function, std::optional<uint64_t> value, const Symbols &symbols,
                                Context &context);

// `quiesce`: the function that holds the address, of an object that the process has loaded. NotCode, NotAFunction.
std::optional<ir::Function> checkQuiet(const Spot &at, Context &context);

// NotCode, NotAnInstruction, UndecodableCode, PastMemoryEnd.
bool checkDestination(const Spot &to, Context &context);

} // namespace lpc::sema
