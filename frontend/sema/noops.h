// `nop`: whole instructions that control can do without.
#pragma once

#include "frontend/sema/addresses.h"
#include "frontend/sema/symbols.h"

namespace lpc::sema {

struct NoOps {
  uint32_t size = 0;
  std::optional<Bytes> recorded{}; // as ir::Nop::recorded
};

// NotCode, NotAnInstruction, UndecodableCode, SiteTooShort, RunsOffEnd, BranchIntoSite, IntegerOutOfRange,
// PastMemoryEnd.
std::optional<NoOps> checkNoOps(const Spot &at, const ast::Integer &size, const Symbols &symbols, Context &context);

} // namespace lpc::sema
