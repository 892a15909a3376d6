// A slot is the place of a relocation that stores the plain address of a symbol for code to use: JUMP_SLOT for calls
// through the PLT, GLOB_DAT for the rest (`-fno-plt`, addresses that are taken, variables). Other relocations that
// store such an address (R_*_64 in data) make a pointer variable of the program, which is no import.
#include "frontend/target/import_slots.h"

#include <elf.h>

#include <algorithm>

#include "frontend/target/symbol_table.h"

namespace lpc::target {
namespace {

struct SlotTypes {
  uint32_t globDat = 0, jumpSlot = 0;
};
SlotTypes slotTypes(Machine machine) {
  static_assert(R_X86_64_GLOB_DAT == R_386_GLOB_DAT && R_X86_64_JUMP_SLOT == R_386_JMP_SLOT);
  if (machine == Machine::AArch64) return {R_AARCH64_GLOB_DAT, R_AARCH64_JUMP_SLOT};
  return {R_X86_64_GLOB_DAT, R_X86_64_JUMP_SLOT};
}

// Without looking at more of the table's strings than the name is long: they may be anything.
bool hasName(const SymbolTable &table, const SymbolEntry &entry, std::string_view name) {
  if (entry.name == 0 || entry.name >= table.strings.size()) return false;
  std::string_view text = table.strings.substr(entry.name, name.size() + 1);
  return text.size() == name.size() + 1 && text.starts_with(name) && text.back() == '\0';
}

} // namespace

std::vector<ElfFile::ImportSlot> importSlots(const ElfImage &image, std::string_view symbol) {
  std::vector<ElfFile::ImportSlot> slots;
  if (!image.dynsym) return slots;
  const SlotTypes types = slotTypes(image.machine);
  const size_t width = image.is64 ? 8 : 4;
  for (const RelocationTable &table : image.relocations) {
    if (table.form == RelocationTable::Form::Relr) continue;
    const size_t size = width * (table.form == RelocationTable::Form::Rela ? 3 : 2);
    for (size_t at = 0; at + size <= table.entries.size(); at += size) {
      uint64_t info = loadLittle(table.entries.subspan(at + width, width));
      uint64_t type = image.is64 ? ELF64_R_TYPE(info) : ELF32_R_TYPE(info);
      uint64_t index = image.is64 ? ELF64_R_SYM(info) : ELF32_R_SYM(info);
      if ((type != types.globDat && type != types.jumpSlot) || index >= image.dynsym->count()) continue;
      SymbolEntry entry = entryAt(*image.dynsym, index);
      if (!hasName(*image.dynsym, entry, symbol)) continue;
      slots.push_back({.address = {loadLittle(table.entries.subspan(at, width))},
                       .function = type == types.jumpSlot || entry.type() == STT_FUNC,
                       .version = std::string(versionAt(image, index).name)});
    }
  }
  std::ranges::sort(slots, {}, &ElfFile::ImportSlot::address);
  auto again = std::ranges::unique(slots, {}, &ElfFile::ImportSlot::address);
  slots.erase(again.begin(), again.end());
  return slots;
}

std::vector<LinkAddress> resolvedSlots(const ElfImage &image, LinkAddress resolver) {
  std::vector<LinkAddress> slots;
  if (!image.is64) return slots; // 32-bit tables have the resolver in the slot itself, which it has left
  const uint64_t irelative = image.machine == Machine::AArch64 ? R_AARCH64_IRELATIVE : R_X86_64_IRELATIVE;
  constexpr size_t kWidth = 8, kSize = 3 * kWidth;
  for (const RelocationTable &table : image.relocations) {
    if (table.form != RelocationTable::Form::Rela) continue;
    for (size_t at = 0; at + kSize <= table.entries.size(); at += kSize) {
      BytesView entry = table.entries.subspan(at, kSize);
      if (ELF64_R_TYPE(loadLittle(entry.subspan(kWidth, kWidth))) == irelative &&
          loadLittle(entry.subspan(2 * kWidth, kWidth)) == resolver.value)
        slots.push_back({loadLittle(entry.first(kWidth))});
    }
  }
  return slots;
}

} // namespace lpc::target
