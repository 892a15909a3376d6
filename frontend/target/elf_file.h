// One ELF file, read through LLVM's libObject and made safe: every offset and count from the file is checked, and
// nothing of LLVM shows here. Holds a read-only private mapping of the file; names it returns are copies.
//
// Symbols are not indexed: a lookup is one filtered scan of the tables for all wanted names at once, because a patch
// wants twenty names of a million. What is usually asked next (clones of those names, what stands around them) is
// answered from the same pass and one more.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ir/machine/machine.h"
#include "ir/support/address.h"
#include "ir/support/bytes.h"
#include "ir/support/result.h"

namespace lpc::target {

class DebugInfo;

enum class SymbolKind : uint8_t { NoType, Function, Object, ThreadLocal, Ifunc };
enum class Binding : uint8_t { Local, Global, Weak };

// A defined symbol (undefined, section and file symbols are never returned).
struct Symbol {
  std::string name;           // without version
  std::string version;        // "" where it has none
  bool defaultVersion = true; // `@@`, or no version at all
  std::string sourceFile;     // of the STT_FILE symbol before a local symbol; "" where unknown
  LinkAddress address;
  uint64_t size = 0; // 0: unknown
  SymbolKind kind = SymbolKind::NoType;
  Binding binding = Binding::Local;
  bool exported = false; // it stands in .dynsym, so other objects can bind to it
  bool absolute = false; // SHN_ABS: not moved by the load bias
  bool operator==(const Symbol &) const = default;
};

struct Section {
  std::string name;
  LinkAddress address; // 0 for sections that are not loaded
  uint64_t size = 0;
  bool loaded = false, writable = false, executable = false, zeroFilled = false;
};

struct Segment { // PT_LOAD
  LinkAddress address;
  uint64_t memorySize = 0;
  FileOffset offset;
  uint64_t fileSize = 0;
  bool readable = false, writable = false, executable = false;
};

// How names are compared: with those of .dynsym, which are hashed; with those of all symbol tables; or, where these
// have none, as C++ writes them too (which takes a pass over the whole table); or in that way alone.
enum class Spelling : uint8_t { Exported, AsInTable, AlsoCxx, Cxx };

class ElfFile {
public:
  // `path` is opened; `name` is how messages call the file. Errors: CannotOpen, NotElf, UnsupportedMachine.
  static Result<std::shared_ptr<const ElfFile>> open(const std::string &path, std::string name);
  static Result<std::shared_ptr<const ElfFile>> fromBytes(Bytes bytes, std::string name);
  ~ElfFile();

  [[nodiscard]] const std::string &name() const;
  [[nodiscard]] Machine machine() const;
  [[nodiscard]] uint16_t elfType() const; // ET_EXEC 2, ET_DYN 3, ET_REL 1
  [[nodiscard]] BytesView contents() const;
  [[nodiscard]] const Bytes &buildId() const;
  [[nodiscard]] const std::string &soname() const;
  [[nodiscard]] const std::string &interpreter() const;         // PT_INTERP
  [[nodiscard]] const std::vector<std::string> &needed() const; // DT_NEEDED in order
  [[nodiscard]] const std::string &runpath() const;             // DT_RUNPATH, unexpanded
  [[nodiscard]] const std::string &rpath() const;               // DT_RPATH, only where there is no DT_RUNPATH
  [[nodiscard]] bool noDefaultLibraries() const;                // DF_1_NODEFLIB (ld -z nodefaultlib)
  [[nodiscard]] bool isDebugFile() const;                       // a separate debug file: nothing loaded has bytes in it
  [[nodiscard]] const std::vector<Segment> &segments() const;
  [[nodiscard]] const std::vector<Section> &sections() const; // empty where the headers were stripped
  [[nodiscard]] bool hasSymbolTable() const;                  // .symtab, here or in the debug file

  // Bytes [address, address+size) as they are when just loaded, before relocation: zeros in .bss. Nothing where they
  // are not all inside one segment.
  [[nodiscard]] std::optional<Bytes> bytesAt(LinkAddress address, uint64_t size) const;
  // Is any byte of the range changed by a dynamic relocation (RELA, REL, RELR, JMPREL)?
  [[nodiscard]] bool isRelocated(LinkAddress address, uint64_t size) const;
  // The segment or section that holds the address (sections first with their finer bounds).
  [[nodiscard]] const Segment *segmentAt(LinkAddress address) const;
  [[nodiscard]] const Section *sectionAt(LinkAddress address) const;

  // All symbols whose name (without version) is in `names`; from .symtab and .dynsym and the debug file's .symtab;
  // the same symbol is returned once. Names match the mangled form first; those that match no mangled name are matched
  // against demangled C++ names with and without parameter list. Result i belongs to names[i].
  [[nodiscard]] std::vector<std::vector<Symbol>> find(const std::vector<std::string> &names,
                                                      Spelling spelling = Spelling::AlsoCxx) const;
  // Names that the object leaves to others to define (payloads), without duplicates; `weak` ones may stay undefined.
  struct Undefined {
    std::string name;
    bool weak = false;
    bool threadLocal = false;
  };
  [[nodiscard]] std::vector<Undefined> undefinedSymbols() const;
  // The slots through which the object reaches a symbol that the dynamic linker binds (R_*_JUMP_SLOT, R_*_GLOB_DAT).
  struct ImportSlot {
    LinkAddress address;
    bool function = false; // calls go through it
    std::string version{}; // that the object asks for; "" where it does not say
  };
  [[nodiscard]] std::vector<ImportSlot> importSlots(std::string_view symbol) const;
  // The slots that this very object fills with what an IFUNC's resolver returns (R_*_IRELATIVE); static programs, too.
  [[nodiscard]] std::vector<LinkAddress> resolvedSlots(LinkAddress resolver) const;
  // Parts and copies that a compiler made of a function and named after it: `f.cold`, `f.part.0`,
  // `f.isra.0.constprop.1`. Result i belongs to names[i], which are names of symbol tables.
  [[nodiscard]] std::vector<std::vector<Symbol>> clonesOf(const std::vector<std::string> &names) const;
  // Every name, for suggestions; only called on the way to an error. At most `limit`.
  [[nodiscard]] std::vector<std::string> symbolNames(size_t limit) const;
  // The function (or object) whose range holds the address, smallest first; `end` of a function without size is the
  // next symbol or the section's end, and then size is set to that span. For code sites and listings.
  [[nodiscard]] std::optional<Symbol> symbolAt(LinkAddress address) const;
  // Start of the next symbol of any kind after `address` in its section; the section's end where there is none.
  [[nodiscard]] LinkAddress nextSymbol(LinkAddress address) const;

  // What compilers wrote of its functions and variables, here or in the debug file; null where there is nothing. It is
  // the file's, and no part of what it says: it is read as it is asked.
  [[nodiscard]] DebugInfo *debugInfo() const;

  // Attaches the .symtab and the DWARF of a separate debug file; symbols come from both from now on.
  // DebugFileMismatch where the build-ids differ.
  Result<void> attachDebugFile(std::shared_ptr<const ElfFile> debug) const;
  // What .gnu_debuglink names: file name and CRC32.
  [[nodiscard]] std::optional<std::pair<std::string, uint32_t>> debugLink() const;

private:
  [[nodiscard]] LinkAddress endOfBlock(LinkAddress address) const;
  struct Impl;
  explicit ElfFile(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

} // namespace lpc::target
