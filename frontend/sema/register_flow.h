// What the functions of one file do with the registers that functions may change for their callers, read from their
// code.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "frontend/sema/functions.h"
#include "ir/machine/registers.h"

namespace lpc::sema {

class RegisterFlow {
public:
  // Both outlive this; the context has a decoder.
  RegisterFlow(const target::ElfFile &file, const Context &context);

  // What a call of the function at `entry` may change: all, where its code is not known to the end. What it saves and
  // restores does not count.
  RegisterSet changedBy(LinkAddress entry);
  // The same of code outside of the file, which is followed no further.
  [[nodiscard]] static RegisterSet changedAlone(const Function &function, const Context &context);

  struct Caller {
    LinkAddress entry{}, call{}; // of the function, of its call (or jump)
    std::string function, at;    // "main", "main+33"
    RegisterSet kept = 0;        // of those asked for, what it uses behind the call and had before
    bool ends = false;           // a jump: the caller's callers come next
  };
  // The functions that call or jump to `entry` directly.
  std::vector<Caller> callersOf(LinkAddress entry, RegisterSet asked);

private:
  struct Code {
    Function function;
    std::vector<RegisterUse> uses; // of each instruction
    RegisterSet restored = 0;      // that it saves at its start and restores at its end
    std::optional<RegisterSet> changed, read;
    bool open = false; // being looked at
  };
  Code *codeAt(LinkAddress address);
  RegisterSet readBy(LinkAddress entry);
  RegisterSet usedFrom(Code &code, uint64_t address, RegisterSet asked, std::optional<RegisterSet> parameters);
  RegisterSet parametersOfOthers(const Code &code, size_t call, LinkAddress callee);

  const target::ElfFile &file_;
  const Context &context_;
  const CallingConvention &convention_;
  std::map<LinkAddress, std::optional<Code>> codes_; // by entry
  std::vector<std::pair<LinkAddress, Bytes>> sections_;
  bool haveSections_ = false;
  unsigned depth_ = 0;
};

} // namespace lpc::sema
