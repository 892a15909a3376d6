// A relocatable object as its linker needs it: read once and checked. Internal to frontend/target.
#pragma once

#include <elf.h>

#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ir/support/bytes.h"
#include "ir/support/result.h"

namespace lpc::target {

// Kinds of memory, in the order in which they stand in the image.
enum class Part : uint8_t { ReadOnly, Unwind, Code, PreinitArray, InitArray, FiniArray, Relro, Data, Zeroed, None };

struct InputSection {
  std::string_view name;
  Part part = Part::None; // None: not loaded
  BytesView bytes;        // none where Zeroed
  uint64_t size = 0, alignment = 1;
  uint64_t address = 0; // in the image; the layout sets it
};

struct InputSymbol {
  enum class Home : uint8_t { Undefined, Absolute, Section, Common, Made, Stub, Nowhere };
  Elf64_Sym raw{};
  std::string_view name;
  Home home = Home::Undefined; // Made: by the linker; Stub: an indirect function, which has one; Nowhere: in a
                               // section that is not loaded
  uint32_t section = 0;        // index, of Home::Section
  uint64_t address = 0;        // in the image, or absolute; the layout sets it
  bool yields = false;         // a definition that the process's own would take the place of: referred to by name

  [[nodiscard]] unsigned type() const { return ELF64_ST_TYPE(raw.st_info); }
  [[nodiscard]] unsigned binding() const { return ELF64_ST_BIND(raw.st_info); }
  [[nodiscard]] bool isLocal() const { return binding() == STB_LOCAL; }
};

struct InputRelocations {
  uint32_t section = 0; // that they change; it is loaded, and has bytes
  BytesView entries;    // Elf64_Rela
};

struct RelocatableInput {
  std::string name;
  std::vector<InputSection> sections; // by their index in the file
  std::vector<InputSymbol> symbols;   // by their index; locals first
  BytesView strings;                  // of the symbols; ends with 0
  std::vector<InputRelocations> relocations;

  // "`patch.o` is corrupt: WHAT", "`patch.o` WHAT".
  [[nodiscard]] std::unexpected<Error> corrupt(const std::string &what) const;
  [[nodiscard]] std::unexpected<Error> unsupported(const std::string &what, const std::string &help = {}) const;
};

// Views into `file`. CorruptPayload, UnsupportedPayload, PayloadThreadLocal, FileTooLarge.
Result<RelocatableInput> readRelocatable(BytesView file, const std::string &name);

} // namespace lpc::target
