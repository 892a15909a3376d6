// The header of an ELF file that lpc writes.
#pragma once

#include <elf.h>

#include <algorithm>

#include "ir/machine/machine.h"

namespace lpc {

// For Elf64_Ehdr or Elf32_Ehdr: identification, type (ET_*), machine, version and its own size; the rest is 0.
// Little-endian, as all of our machines are.
template <class Header> Header elfHeader(uint16_t type, Machine machine) {
  constexpr bool kIs64 = sizeof(Header) == sizeof(Elf64_Ehdr);
  Header header{};
  std::copy_n(ELFMAG, SELFMAG, header.e_ident);
  header.e_ident[EI_CLASS] = kIs64 ? ELFCLASS64 : ELFCLASS32;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = type;
  header.e_machine = elfMachine(machine);
  header.e_version = EV_CURRENT;
  header.e_ehsize = sizeof header;
  return header;
}

} // namespace lpc
