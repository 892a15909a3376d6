// What the tests of the semantic pass share: small ELF files, and a patch checked against them.
#pragma once

#include <string>
#include <vector>

#include "ir/patch.h"
#include "ir/support/diagnostic.h"

namespace lpc::test {

// An ELF file made by the compiler, once for each text of its source: later tests find it.
struct Build {
  std::vector<std::pair<std::string, std::string>> sources; // file name (`util.c`, `start.s`) and content
  std::vector<std::string> flags;                           // of cc
  std::string name = "server";                              // file name of the result
};
// Its path. Ends the test program where the compiler fails: nothing else makes sense then.
std::string build(const Build &build);

// A static program of one assembler text, at fixed addresses: .text at 0x401000, .rodata at 0x402000, .data at
// 0x403000, .bss at 0x404000. Without `_start` of its own it gets one.
std::string assembled(const std::string &text, const std::vector<std::string> &flags = {});

// A shared object of one C text, without libc.
std::string shared(const std::string &c, const std::string &name = "patch.so",
                   const std::vector<std::string> &flags = {});

// A file with this content; its path.
std::string fileWith(const std::string &content, const std::string &name);

struct Checked {
  std::string text;  // all diagnostics as they are printed, in order
  ir::Patch patch;   // where there was no error; it obeys ir::verify
  bool good = false; // no errors
  bool operator==(const Checked &) const = default;
};
// Checks the text of a patch named `p.lp`, whose FILEs are in `folder`, against a program; with libraries, against a
// process that has loaded just these.
Checked check(const std::string &patch, const std::string &program, const std::vector<std::string> &libraries = {},
              const std::string &folder = {});

// Only the ids, in order: "unknown-symbol unknown-memory".
std::string ids(const std::string &patch, const std::string &program);

// The operation at an index, as an action of a kind.
template <class Action> const Action &action(const Checked &checked, size_t index) {
  return std::get<Action>(checked.patch.operations.at(index).action);
}

} // namespace lpc::test
