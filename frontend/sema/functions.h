// The code around an address: one function, decoded from its start.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "frontend/sema/addresses.h"

namespace lpc::sema {

struct Function {
  std::string name;           // empty: no symbol covers the address, and the code was decoded from the address itself
  std::string owner;          // how messages call the file
  LinkAddress begin{}, end{}; // without padding
  Bytes bytes;                // [begin, end)
  std::vector<Instruction> code;          // in order; undecodable bytes are left out
  std::optional<LinkAddress> undecodable; // the first byte that is no instruction

  [[nodiscard]] BytesView bytesOf(const Instruction &instruction) const {
    return BytesView(bytes).subspan(instruction.address - begin.value, instruction.length);
  }
  // The instruction that the address is the start of, or lies in.
  [[nodiscard]] const Instruction *covering(LinkAddress address) const;
  // "handle_request+6", "0x401136" where there is no name.
  [[nodiscard]] std::string at(LinkAddress address) const;
};

// The function that holds the spot; nothing where the file has no bytes there. Needs Context::decoder and a file.
std::optional<Function> functionAt(const Spot &spot, const Context &context);
// The code of a symbol in the same file.
std::optional<Function> functionOf(const target::Symbol &symbol, const target::ElfFile &file, const std::string &owner,
                                   const Context &context);

// "0x12a40 +0  f3 0f 1e fa  endbr64" for the instructions around `address`; the one that covers it is marked with "->
// ".
Note listing(const Function &function, LinkAddress address, const Context &context);

} // namespace lpc::sema
