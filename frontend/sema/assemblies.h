// The `asm` blocks of a patch, assembled. It is done before anything is looked up: a block's size is its memory's, and
// the symbols that it names belong to those that are looked up together.
#pragma once

#include <unordered_map>
#include <vector>

#include "frontend/sema/context.h"
#include "ir/machine/assembler.h"

namespace lpc::sema {

struct Assembly {
  AssembledCode code;
  // Where each of code.references leads, as if it were written in the language; empty where it leads into the code
  // itself. Never moved, for spots point to them.
  std::vector<std::optional<ast::Address>> targets;
};

// By the index of the statement. A block with an error is reported and left out.
using Assemblies = std::unordered_map<size_t, Assembly>;

// AssemblyError, AssemblyDirective.
Assemblies assembleBlocks(const ast::File &file, Context &context);

} // namespace lpc::sema
