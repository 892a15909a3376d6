// Both ELF classes by one template. Written by hand: LLVM's ELF writers make objects from assembly or copy files, and
// neither makes one from nothing with a few sections.
#include "ir/bundle/elf_container.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "ir/machine/elf_header.h"
#include "ir/support/cat.h"

namespace lpc::ir {
namespace {

struct Class64 {
  using Header = Elf64_Ehdr;
  using SectionHeader = Elf64_Shdr;
  static constexpr uint8_t kClass = ELFCLASS64;
};
struct Class32 {
  using Header = Elf32_Ehdr;
  using SectionHeader = Elf32_Shdr;
  static constexpr uint8_t kClass = ELFCLASS32;
};

constexpr std::string_view kNames = ".shstrtab";
constexpr uint64_t kAlignment = 8; // of every section, the headers' own included

void align(Bytes &out) { out.resize((out.size() + kAlignment - 1) / kAlignment * kAlignment); }

template <class T> void append(Bytes &out, const T &value) {
  const auto *bytes = reinterpret_cast<const uint8_t *>(&value);
  out.insert(out.end(), bytes, bytes + sizeof value);
}

template <class Class> Bytes write(Machine machine, std::span<const Section> sections) {
  using SectionHeader = typename Class::SectionHeader;
  Bytes out(sizeof(typename Class::Header));
  std::vector<SectionHeader> headers(1);
  Bytes names(1);
  auto add = [&](std::string_view name, uint32_t type, BytesView contents, uint64_t alignment) {
    SectionHeader header{};
    header.sh_name = static_cast<uint32_t>(names.size());
    header.sh_type = type;
    header.sh_offset = static_cast<decltype(header.sh_offset)>(out.size());
    header.sh_size = static_cast<decltype(header.sh_size)>(contents.size());
    header.sh_addralign = static_cast<decltype(header.sh_addralign)>(alignment);
    headers.push_back(header);
    names.insert(names.end(), name.begin(), name.end());
    names.push_back(0);
    out.insert(out.end(), contents.begin(), contents.end());
    align(out);
  };
  for (const Section &section : sections)
    add(section.name, section.note ? SHT_NOTE : SHT_PROGBITS, section.contents, section.note ? 4 : kAlignment);
  Bytes allNames = names;
  allNames.insert(allNames.end(), kNames.begin(), kNames.end());
  allNames.push_back(0);
  add(kNames, SHT_STRTAB, allNames, 1);

  auto header = elfHeader<typename Class::Header>(ET_REL, machine);
  header.e_shoff = static_cast<decltype(header.e_shoff)>(out.size());
  header.e_shentsize = sizeof(SectionHeader);
  header.e_shnum = static_cast<uint16_t>(headers.size());
  header.e_shstrndx = static_cast<uint16_t>(headers.size() - 1);
  std::memcpy(out.data(), &header, sizeof header);
  for (const SectionHeader &each : headers)
    append(out, each);
  return out;
}

std::unexpected<Error> damaged(const std::string &what) {
  return fail(DiagnosticId::BadIr, "the bundle is damaged: " + what);
}

std::optional<BytesView> range(BytesView file, uint64_t offset, uint64_t size) {
  if (offset > file.size() || file.size() - offset < size) return std::nullopt;
  return file.subspan(offset, size);
}
template <class T> std::optional<T> at(BytesView file, uint64_t offset) {
  auto bytes = range(file, offset, sizeof(T));
  if (!bytes) return std::nullopt;
  T value;
  std::memcpy(&value, bytes->data(), sizeof value);
  return value;
}

std::optional<std::string_view> nameAt(BytesView table, uint64_t offset) {
  if (offset >= table.size()) return std::nullopt;
  BytesView rest = table.subspan(offset, std::min(table.size() - offset, kLongestSectionName + 1));
  const void *end = std::memchr(rest.data(), 0, rest.size());
  if (end == nullptr) return std::nullopt;
  return std::string_view(reinterpret_cast<const char *>(rest.data()), static_cast<const char *>(end));
}

bool isOurs(std::string_view section) { return section == ".note.lp" || section.starts_with(".lp."); }

template <class Class> Result<Container> read(BytesView file) {
  using SectionHeader = typename Class::SectionHeader;
  auto header = at<typename Class::Header>(file, 0);
  if (!header) return damaged("its ELF header is cut off");
  auto machine = machineOfElf(header->e_machine, Class::kClass == ELFCLASS64);
  if (!machine) return damaged(cat("it is for machine ", header->e_machine, ", which this lpc does not know"));
  if (header->e_shentsize != sizeof(SectionHeader) || header->e_shnum == 0) return Container{*machine, {}};
  uint64_t table = header->e_shoff;
  if (!range(file, table, uint64_t{header->e_shnum} * sizeof(SectionHeader)))
    return damaged("its section headers lie outside of the file");
  auto sectionHeader = [&](uint64_t i) { return *at<SectionHeader>(file, table + i * sizeof(SectionHeader)); };
  if (header->e_shstrndx == 0 || header->e_shstrndx >= header->e_shnum) return damaged("its sections have no names");
  SectionHeader namesHeader = sectionHeader(header->e_shstrndx);
  auto names = range(file, namesHeader.sh_offset, namesHeader.sh_size);
  if (!names) return damaged("the names of its sections lie outside of the file");

  Container out{.machine = *machine, .sections = {}};
  for (uint64_t i = 1; i < header->e_shnum; i++) {
    SectionHeader section = sectionHeader(i);
    auto name = nameAt(*names, section.sh_name);
    if (!name || !isOurs(*name) || (section.sh_type != SHT_PROGBITS && section.sh_type != SHT_NOTE)) continue;
    auto contents = range(file, section.sh_offset, section.sh_size);
    if (!contents) return damaged(cat("section `", *name, "` lies outside of the file"));
    if (!out.sections.emplace(*name, *contents).second) return damaged(cat("it has two sections `", *name, "`"));
  }
  return out;
}

} // namespace

Bytes writeContainer(Machine machine, std::span<const Section> sections) {
  LPC_CHECK(sections.size() <= kMostSections);
  return pointerSize(machine) == 8 ? write<Class64>(machine, sections) : write<Class32>(machine, sections);
}

Result<Container> readContainer(BytesView file) {
  if (file.size() < EI_NIDENT || std::memcmp(file.data(), ELFMAG, SELFMAG) != 0) return damaged("it is no ELF file");
  if (file[EI_DATA] != ELFDATA2LSB) return damaged("its bytes are in an order that no machine of lpc has");
  if (file[EI_CLASS] == ELFCLASS64) return read<Class64>(file);
  if (file[EI_CLASS] == ELFCLASS32) return read<Class32>(file);
  return damaged("its ELF class is neither 32 nor 64 bits");
}

} // namespace lpc::ir
