// Relocatable objects for `dl`: whatever sections, symbols and relocations they claim to have, linking them stays in
// bounds and in bounded memory, and makes a shared object whose own form is right.
#include <elf.h>

#include <cstring>

#include "frontend/target/elf_file.h"
#include "frontend/target/relocatable.h"
#include "tests/fuzz/fake_process.h"

namespace {

// Inputs are made objects for x86-64, so that few are lost to the first checks.
void makeObject(lpc::Bytes &file) {
  if (file.size() < sizeof(Elf64_Ehdr)) return;
  Elf64_Ehdr header;
  std::memcpy(&header, file.data(), sizeof header);
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_REL;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_shentsize = sizeof(Elf64_Shdr);
  std::memcpy(file.data(), &header, sizeof header);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace lpc;
  Bytes file(data, data + size);
  makeObject(file);
  auto linked = target::linkRelocatable(file, "payload");
  if (!linked) return 0;
  LPC_CHECK(linked->size() <= 8 * file.size() + (80 << 20)); // alignments, and tables
  LPC_CHECK(target::ElfFile::fromBytes(*linked, "payload").has_value());
  auto image = backend::PayloadImage::read(file, "payload", Machine::X86_64);
  if (image) test::checkImage(*image);
  return 0;
}
