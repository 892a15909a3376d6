// Whether an address leads to code, and to the start of an instruction: what every statement about code needs.
#pragma once

#include "frontend/sema/functions.h"
#include "frontend/sema/symbols.h"

namespace lpc::sema {

// What is written at a site, or what control finds there: for messages, and how many bytes it takes.
struct Piece {
  std::string_view what; // "a jump"
  uint32_t size = 0;
};

bool executable(const target::ElfFile &file, LinkAddress address);

// Reports NotCode; `rule` is why it has to be code. False, always.
bool notCode(const Spot &spot, const std::string &rule, Context &context);

// Memory of `new` and `load`, of whose code nothing is known but whether it may run. NotCode, PastMemoryEnd.
bool runnable(const Spot &spot, const Piece &piece, Context &context);

// Is the spot the start of an instruction of the function? NotAnInstruction, UndecodableCode.
bool startsInstruction(const Function &function, const Spot &spot, Context &context);

// The part that was split off the function that the spot names; nothing where there is none.
std::optional<Function> coldPartOf(const Spot &spot, const Symbols &symbols, const Context &context);

// The place of another address of the same function, as the author would write it.
std::string spelledAt(const Spot &spot, LinkAddress address);

} // namespace lpc::sema
