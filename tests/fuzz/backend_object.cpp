// Relocatable objects for `dl`: whatever sections, symbols and relocations they claim to have, linking them stays in
// bounds and in bounded memory, and makes a shared object whose own form is right.
#include <elf.h>

#include <cstring>

#include "backend/link.h"
#include "frontend/target/elf_file.h"
#include "frontend/target/relocatable.h"

namespace {

constexpr uint64_t kBase = 0x5555'0000'0000; // a multiple of every alignment that is accepted
constexpr uint64_t kContentLimit = 64 << 20; // more than that is slow, not wrong

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
  if (!image || image->size > kContentLimit) return 0;
  auto content = image->place(
      {kBase},
      [](const backend::UndefinedSymbol &symbol) -> Result<RemoteAddress> {
        return RemoteAddress{symbol.weak ? 0 : kBase + 0x1000'0000};
      },
      [](const backend::UndefinedSymbol &) -> Result<backend::ThreadLocalPlace> {
        return backend::ThreadLocalPlace{1, 8, -8};
      });
  LPC_CHECK(!content || content->size() <= image->size);
  return 0;
}
