// An ELF file that has nothing but code, unwinding tables and names, for debuggers and profilers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ir/machine/machine.h"
#include "ir/support/address.h"
#include "ir/support/bytes.h"

namespace lpc::backend {

struct SymbolSection {
  std::string name; // ".text", ".eh_frame"
  RemoteAddress address;
  Bytes content;
  bool executable = false;
  // Where the file must have it, at least kFirstSymbolOffset; ascending, and apart from each other. Those without
  // follow.
  std::optional<uint64_t> offset{};
};
constexpr uint64_t kFirstSymbolOffset = 64;

struct SymbolName {
  std::string name;
  RemoteRange range;
  size_t section = 0; // index
};

// ET_EXEC: sections at their addresses in the process, functions by name. The same input gives the same bytes.
Bytes symbolElf(Machine machine, const std::vector<SymbolSection> &sections, const std::vector<SymbolName> &names);

} // namespace lpc::backend
