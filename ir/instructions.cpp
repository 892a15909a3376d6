// The table of instructions.
#include "ir/instructions.h"

#include <algorithm>
#include <array>

namespace lpc::ir {
namespace {

constexpr auto kTable = std::to_array<InstructionInfo>({
#define LPC_INSTRUCTION(keyword, operands, text) {keyword, operands, text},
#include "ir/instructions.def"
#undef LPC_INSTRUCTION
});

} // namespace

std::span<const InstructionInfo> allInstructions() { return kTable; }

const InstructionInfo *instructionNamed(std::string_view keyword) {
  const auto *row = std::ranges::find(kTable, keyword, &InstructionInfo::keyword);
  return row == kTable.end() ? nullptr : row;
}

std::vector<std::string> instructionKeywords() {
  std::vector<std::string> out;
  out.reserve(kTable.size());
  for (const InstructionInfo &row : kTable)
    out.emplace_back(row.keyword);
  return out;
}

} // namespace lpc::ir
