// Any text as an `asm` block: assembling ends, in bounded memory, and what it says about the text lies inside it. The
// first byte chooses the syntax.
#include <cstddef>
#include <cstdint>
#include <string>

#include "ir/machine/assembler.h"
#include "ir/support/result.h"

namespace {

void check(const std::vector<lpc::AssemblyFault> &faults, const std::string &block) {
  LPC_CHECK(!faults.empty());
  for (const lpc::AssemblyFault &fault : faults)
    LPC_CHECK(fault.offset <= block.size() && fault.length <= block.size() - fault.offset && !fault.message.empty());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace lpc;
  if (size == 0) return 0;
  AssemblySyntax syntax = (data[0] & 1) != 0 ? AssemblySyntax::Att : AssemblySyntax::Intel;
  std::string block(reinterpret_cast<const char *>(data) + 1, size - 1);
  auto text = AssemblyText::prepare(block, syntax, [](std::string_view name) { return name == "fix"; });
  if (!text) return check(text.error(), block), 0;
  auto code = assemble(Machine::X86_64, *text, syntax);
  if (!code) return check(code.error(), block), 0;
  LPC_CHECK(code->bytes.size() <= 64 * block.size() + 64); // an alignment is the longest thing for its text
  size_t end = 0;
  for (const AssembledReference &reference : code->references) {
    LPC_CHECK(reference.offset >= end);
    end = reference.offset + (reference.kind == ReferenceKind::Whole64 ? 8 : 4);
    LPC_CHECK(end <= code->bytes.size());
    AssemblyName name = text->nameOf(reference.identifier);
    LPC_CHECK(name.offset + name.length <= block.size());
  }
  for (const AssembledLabel &label : code->labels)
    LPC_CHECK(label.offset <= code->bytes.size());
  return 0;
}
