// The linker for payloads: an ELF shared or relocatable object, placed at an address of the process, with every
// reference bound.
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
  int protection = 0;  // PROT_*, final: never writable and executable; RELRO parts are read-only
};

struct PayloadSymbol {
  std::string name;
  uint64_t offset = 0; // from the image's start
  uint64_t size = 0;
  bool isFunction = false;
  bool exported = false; // global or weak; not a local of .symtab
};

struct UndefinedSymbol {
  std::string name;
  bool weak = false;     // resolves to 0 when nobody defines it
  std::string version{}; // "GLIBC_2.2.5" where the payload asks for one
  std::string library{}; // the soname that the version is of
  bool threadLocal = false;
  // Its place in the image, where the payload has a definition that counts only where the process has none: a variable
  // of C++ that every object has a copy of (inline, of a template, static in an inline function), and weak ones.
  std::optional<uint64_t> own{};
  uint64_t size = 0; // of that

  // "memcpy@GLIBC_2.2.5": a payload may ask for several versions of one name.
  [[nodiscard]] std::string versionedName() const { return version.empty() ? name : name + "@" + version; }
};

// Where a thread-local variable of the process is.
struct ThreadLocalPlace {
  uint64_t module = 0;                 // id, for __tls_get_addr
  uint64_t offset = 0;                 // in the module's block
  std::optional<int64_t> fromThread{}; // from the thread pointer, where that is the same in every thread
  auto operator<=>(const ThreadLocalPlace &) const = default;
};

// What place() wrote for one relocation.
struct AppliedRelocation {
  uint64_t offset = 0;   // from the image's start
  std::string_view type; // "R_X86_64_GLOB_DAT"
  std::string symbol;    // "" for one of the payload itself without a name
  uint64_t value = 0;
};

struct PayloadRange {
  uint64_t offset = 0, size = 0; // from the image's start, in bytes
};

// A payload that has been read and checked, not yet placed. Safe for any bytes: CorruptPayload.
class PayloadImage {
public:
  // UnsupportedPayload, WrongMachine, UnsupportedMachine, PayloadThreadLocal, CorruptPayload, FileTooLarge, NotElf;
  // `name` for messages.
  static Result<PayloadImage> read(BytesView file, const std::string &name, Machine machine);

  uint64_t size = 0;                    // of the address range it needs, page aligned; at most 1 GiB
  uint64_t alignment = 0;               // of its base; a power of two, at least a page
  std::vector<PayloadSegment> segments; // in order; what lies between them is no memory of the payload
  std::vector<PayloadSymbol> exported;  // defined global and weak symbols, and locals of .symtab
  std::vector<UndefinedSymbol>
      undefined;                   // those that relocations refer to, each once, in the order of the symbol table
  std::vector<std::string> needed; // sonames of the libraries that it was linked with
  std::optional<PayloadRange> unwindTable{}; // .eh_frame_hdr

  // What must be called before its code runs, in order, and when it has run for the last time: functions at an offset
  // of the image, or pointers to functions that stand there once it has a place.
  struct StartFunction {
    uint64_t offset = 0;
    bool isPointer = false;
    std::string name; // for messages: the symbol, else its link address, "?" where that depends on the process
  };
  std::vector<StartFunction> constructors, destructors;
  // Functions that it defines as indirect ones. What stands for each is a stub in the image; before any other code of
  // the payload runs, its slot must get what the resolver returns.
  struct IndirectFunction {
    uint64_t resolver = 0, slot = 0; // from the image's start
    std::string name;                // "?" where no symbol tells
  };
  std::vector<IndirectFunction> indirect;
  std::optional<uint64_t> exitHandle; // __dso_handle, where it registers functions for its end under it
  bool isCxx = false;                 // has names of C++, or refers to functions of its ABI
  bool throws = false;                // exceptions begin in it

  [[nodiscard]] Machine machine() const { return machine_; }
  // Whether the word at this offset is an entry of the linkage table, which gets the address of a symbol.
  [[nodiscard]] bool isImport(uint64_t offset) const;
  // The symbol of this name: the exported one, else the local one where it is the only one of its name.
  [[nodiscard]] const PayloadSymbol *find(const std::string &symbol) const;

  // Gives the bytes of the image at `base` (a multiple of `alignment`), relocated. They may be fewer than `size`: the
  // rest is zero. `resolve` gives addresses of undefined symbols (0 for a weak one that nobody defines), and is asked
  // once for each, in order; `resolveThreadLocal` for those that are thread-local. RelocationOverflow,
  // ThreadLocalSymbol; what `resolve` fails with. Reads no process, writes nothing.
  using Resolve = std::function<Result<RemoteAddress>(const UndefinedSymbol &)>;
  using ResolveThreadLocal = std::function<Result<ThreadLocalPlace>(const UndefinedSymbol &)>;
  // `applied`, if it is given, gets all relocations, by offset.
  [[nodiscard]] Result<Bytes> place(RemoteAddress base, const Resolve &resolve,
                                    const ResolveThreadLocal &resolveThreadLocal = noThreadLocals,
                                    std::vector<AppliedRelocation> *applied = nullptr) const;

private:
  friend class PayloadReader;
  friend class PayloadPlacer;
  static Result<ThreadLocalPlace> noThreadLocals(const UndefinedSymbol &symbol);
  struct Part { // of the content, as the file has it
    uint64_t offset = 0;
    Bytes bytes;
  };
  struct Relocation {
    uint64_t offset = 0; // from the image's start; proved to lie in a segment with its whole width
    uint32_t type = 0;   // proved to be one that `place` can apply
    uint32_t symbol = 0; // index into symbols_; 0: none
    int64_t addend = 0;  // where there is no symbol and the type takes the base: from the image's start
  };
  struct SymbolEntry {
    enum class Kind : uint8_t { Own, Absolute, Undefined } kind = Kind::Absolute;
    uint64_t value = 0; // Own: from the image's start; Absolute: the value; Undefined: index into `undefined`
  };
  std::string name_;
  Machine machine_ = Machine::X86_64;
  std::vector<Part> parts_;
  uint64_t contentSize_ = 0;                       // behind it everything is zero
  std::vector<Relocation> relocations_;            // by offset
  std::vector<SymbolEntry> symbols_;               // [0]: the null symbol
  uint64_t descriptorFunction_ = 0;                // Arch's, from the image's start; 0: not needed
  std::unordered_map<std::string, size_t> byName_; // index into `exported`; kAmbiguous
};

} // namespace lpc::backend
