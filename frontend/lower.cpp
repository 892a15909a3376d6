// Lowering is a move: sema keeps its results as IR from the start, so that nothing is translated twice. What is left to
// do here is to hold the pass to its word: a Program without errors obeys the rules of the IR.
#include "frontend/lower.h"

#include "ir/support/result.h"
#include "ir/verify.h"

namespace lpc {

ir::Patch lower(sema::Program program) {
  ir::Patch patch{.name = std::move(program.name),
                  .version = std::move(program.version),
                  .source = std::move(program.source),
                  .machine = program.machine,
                  .objects = std::move(program.objects),
                  .payloads = std::move(program.payloads),
                  .memories = std::move(program.memories),
                  .operations = std::move(program.statements)};
  LPC_CHECK(ir::verify(patch).empty());
  return patch;
}

} // namespace lpc
