// Symbols of a payload: those of the dynamic table, their versions, and the locals of .symtab.
#pragma once

#include <unordered_map>

#include "backend/link_dynamic.h"

namespace lpc::backend {

struct SymbolVersion {
  std::string_view name;    // "GLIBC_2.34"
  std::string_view library; // "libc.so.6"
};

// Views into the payload's bytes.
struct ElfSymbol {
  Elf64_Sym raw{};
  std::string_view name;
  SymbolVersion version{};    // of an undefined one
  bool hiddenVersion = false; // defined, but not the default one of its name

  [[nodiscard]] unsigned type() const { return ELF64_ST_TYPE(raw.st_info); }
  [[nodiscard]] unsigned binding() const { return ELF64_ST_BIND(raw.st_info); }
  [[nodiscard]] bool isDefined() const { return raw.st_shndx != SHN_UNDEF; }
  [[nodiscard]] bool isAbsolute() const { return raw.st_shndx == SHN_ABS; }
};

// The dynamic symbols, in the order of the table; `atLeast` of them, because relocations may use more than the hash
// table covers. CorruptPayload.
Result<std::vector<ElfSymbol>> dynamicSymbols(const PayloadFile &file, const SegmentMap &segments,
                                              const DynamicSection &dynamic, uint64_t atLeast);

// The symbols of .symtab; none where the file is stripped. CorruptPayload.
Result<std::vector<ElfSymbol>> sectionSymbols(const PayloadFile &file);

} // namespace lpc::backend
