// Any bytes as DWARF: every question is answered, in bounds and in bounded time and memory.
#include <cstddef>
#include <cstdint>

#include "tests/unit/target/exercise_debug.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace lpc;
  auto debug = target::DebugInfo::of({data, size}, "/nowhere/program");
  if (!debug) return 0;
  std::vector<target::Symbol> symbols;
  auto add = [&](const char *name, uint64_t address) {
    target::Symbol symbol{.name = name, .version = {}, .sourceFile = {}, .address = LinkAddress{address}};
    symbol.binding = target::Binding::Weak; // of a header's function, maybe
    symbols.push_back(std::move(symbol));
  };
  for (uint64_t address = 0x401000; address < 0x4010a0; address += 0x10) // functions and variables of `typed`
    add("parse", address);
  for (uint64_t address = 0x404000; address < 0x404060; address += 8)
    add("config", address);
  for (uint64_t address : {0x2d8, 0x2df, 0x2000, 0x2010, 0x2020}) // of `v5`
    add("handle", address);
  add("same", 0); // of retyped.o
  test::exerciseDebugInfo(*debug, symbols);
  return 0;
}
