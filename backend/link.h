// The linker for payloads: an ELF shared object, placed at an address of the process, with every reference bound.
//
// Our own because the process must not run its loader for it, the load address is in another address space, and
// every failure must come before anything is touched.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/machine/machine.h"
#include "ir/support/address.h"
#include "ir/support/bytes.h"
#include "ir/support/result.h"

namespace lpc::backend {

struct PayloadSegment {
  uint64_t offset = 0; // from the image's start, page aligned
  uint64_t size = 0;   // page aligned
  int protection = 0;  // PROT_*
};

struct PayloadSymbol {
  std::string name;
  uint64_t offset = 0; // from the image's start
  uint64_t size = 0;
  bool isFunction = false;
};

struct UndefinedSymbol {
  std::string name;
  bool weak = false; // resolves to 0 when nobody defines it
};

// A payload that has been read and checked, not yet placed. Safe for any bytes: CorruptPayload.
class PayloadImage {
public:
  // UnsupportedPayload, WrongMachine, PayloadThreadLocal, CorruptPayload, NotElf; `name` for messages.
  static Result<PayloadImage> read(BytesView file, const std::string &name, Machine machine);

  uint64_t size = 0; // of the address range it needs, page aligned
  std::vector<PayloadSegment> segments;
  std::vector<PayloadSymbol> exported; // defined global and weak symbols, and locals of .symtab
  std::vector<UndefinedSymbol> undefined;

  [[nodiscard]] const PayloadSymbol *find(const std::string &name) const;

  // Gives the bytes of the image at `base`, relocated. `resolve` gives addresses of undefined symbols (0 for a
  // weak one that nobody defines). RelocationOverflow, UnsupportedPayload. Reads no process, writes nothing.
  using Resolve = std::function<Result<RemoteAddress>(const UndefinedSymbol &)>;
  [[nodiscard]] Result<Bytes> place(RemoteAddress base, const Resolve &resolve) const;

private:
  struct Relocation {
    uint64_t offset = 0;
    uint32_t type = 0;
    uint32_t symbol = 0; // index into symbols_; 0 none
    int64_t addend = 0;
  };
  struct SymbolEntry {
    bool defined = false;
    uint64_t offset = 0; // defined: from the image's start
    uint32_t undefinedIndex = 0;
  };
  std::string name_;
  Machine machine_ = Machine::X86_64;
  Bytes image_;
  std::vector<Relocation> relocations_;
  std::vector<SymbolEntry> symbols_;
  std::unordered_map<std::string, size_t> byName_;
};

} // namespace lpc::backend
