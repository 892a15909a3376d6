// The instructions of the language, from the table instructions.def: for help, messages, completion and the reference.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lpc::ir {

struct InstructionInfo {
  std::string_view keyword;  // first word of the statement
  std::string_view operands; // what stands behind it, as the reference writes it
  std::string_view text;     // what it does: one line, lower case, no full stop
};

// In the order of the table, which is that of the reference.
std::span<const InstructionInfo> allInstructions();

// Null where no instruction has this keyword (case matters, as everywhere in the language).
const InstructionInfo *instructionNamed(std::string_view keyword);

// The keywords, as candidates for nearest().
std::vector<std::string> instructionKeywords();

} // namespace lpc::ir
