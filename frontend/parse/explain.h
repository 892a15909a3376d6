// What is wrong with a line, in the words of its author.
#pragma once

#include <vector>

#include "frontend/parse/word.h"
#include "ir/support/diagnostic.h"

namespace lpc::parsing {

// Where a line stopped being a statement.
struct Fault {
  std::vector<Word> before;     // the words that are right; the first is the instruction
  Word found;                   // the first one that is wrong; its text is empty at the end of the line
  std::vector<size_t> expected; // the kinds of word (token types) that may stand in its place
};

Diagnostic explain(const Fault &fault);

// A line that starts with `word`, which is no instruction.
Diagnostic explainUnknown(const Word &word);

} // namespace lpc::parsing
