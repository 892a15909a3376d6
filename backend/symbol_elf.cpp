// Sections alone, without program headers: perf takes a symbol's address less its section's for the place in the file
// (tools/perf/util/symbol-elf.c, where no segment covers it), gdb the sections' addresses as they stand.
#include "backend/symbol_elf.h"

#include <elf.h>

#include <cstring>

#include "ir/machine/elf_header.h"

namespace lpc::backend {
namespace {

template <class T> void append(Bytes &out, const T &value) {
  const auto *bytes = reinterpret_cast<const uint8_t *>(&value);
  out.insert(out.end(), bytes, bytes + sizeof value);
}

class Writer {
public:
  Writer(Machine machine, const std::vector<SymbolSection> &sections, const std::vector<SymbolName> &names)
      : machine_(machine), input_(sections), names_(names) {}

  Bytes write() {
    file_.resize(sizeof(Elf64_Ehdr));
    addSection("", SHT_NULL, {});
    for (const SymbolSection &section : input_)
      addContent(section);
    addSymbols();
    addNamesOfSections();
    writeHeader();
    return std::move(file_);
  }

private:
  uint32_t addSection(const std::string &name, uint32_t type, BytesView content, uint64_t alignment = 1) {
    file_.resize((file_.size() + alignment - 1) / alignment * alignment);
    Elf64_Shdr header{};
    header.sh_name = static_cast<uint32_t>(sectionNames_.size());
    header.sh_type = type;
    header.sh_offset = file_.size();
    header.sh_size = content.size();
    header.sh_addralign = alignment;
    sectionNames_ += name;
    sectionNames_ += '\0';
    file_.insert(file_.end(), content.begin(), content.end());
    headers_.push_back(header);
    return static_cast<uint32_t>(headers_.size() - 1);
  }

  void addContent(const SymbolSection &section) {
    if (section.offset && *section.offset > file_.size()) file_.resize(*section.offset);
    uint32_t index = addSection(section.name, SHT_PROGBITS, section.content);
    headers_[index].sh_addr = section.address.value;
    headers_[index].sh_flags = SHF_ALLOC | (section.executable ? SHF_EXECINSTR : 0);
  }

  void addSymbols() {
    constexpr uint64_t kAlignment = 8;
    std::string strings(1, '\0');
    Bytes table;
    append(table, Elf64_Sym{});
    for (const SymbolName &name : names_) {
      Elf64_Sym symbol{};
      symbol.st_name = static_cast<uint32_t>(strings.size());
      symbol.st_info = static_cast<uint8_t>(ELF64_ST_INFO(STB_GLOBAL, STT_FUNC));
      symbol.st_shndx = static_cast<uint16_t>(name.section + 1);
      symbol.st_value = name.range.begin.value;
      symbol.st_size = name.range.size();
      append(table, symbol);
      strings += name.name;
      strings += '\0';
    }
    uint32_t index = addSection(".symtab", SHT_SYMTAB, table, kAlignment);
    headers_[index].sh_entsize = sizeof(Elf64_Sym);
    headers_[index].sh_info = 1; // the first that is not local
    headers_[index].sh_link = addSection(".strtab", SHT_STRTAB, asBytes(strings));
  }

  void addNamesOfSections() {
    std::string names = sectionNames_ + ".shstrtab" + '\0';
    uint32_t index = addSection(".shstrtab", SHT_STRTAB, asBytes(names));
    namesIndex_ = static_cast<uint16_t>(index);
  }

  void writeHeader() {
    constexpr uint64_t kAlignment = 8;
    file_.resize((file_.size() + kAlignment - 1) / kAlignment * kAlignment);
    auto header = elfHeader<Elf64_Ehdr>(ET_EXEC, machine_);
    header.e_shoff = file_.size();
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shnum = static_cast<uint16_t>(headers_.size());
    header.e_shstrndx = namesIndex_;
    for (const Elf64_Shdr &section : headers_)
      append(file_, section);
    std::memcpy(file_.data(), &header, sizeof header);
  }

  Machine machine_;
  const std::vector<SymbolSection> &input_;
  const std::vector<SymbolName> &names_;
  Bytes file_;
  std::vector<Elf64_Shdr> headers_;
  std::string sectionNames_;
  uint16_t namesIndex_ = 0;
};

} // namespace

Bytes symbolElf(Machine machine, const std::vector<SymbolSection> &sections, const std::vector<SymbolName> &names) {
  static_assert(kFirstSymbolOffset == sizeof(Elf64_Ehdr));
  return Writer(machine, sections, names).write();
}

} // namespace lpc::backend
