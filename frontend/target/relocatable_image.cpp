// Writing the shared object of a relocatable one: headers, the tables of dynamic linking in a read-only segment behind
// everything else (so that their sizes move nothing), and the symbols for names of static functions.
//
// Strings are taken over whole: every name keeps its offset, and names that share their ends cost nothing.
#include "frontend/target/relocatable_image.h"

#include <algorithm>
#include <map>
#include <optional>

#include "ir/machine/elf_header.h"

namespace lpc::target {
namespace {

constexpr uint64_t kPage = 4096, kHeaders = 8; // program headers at most

uint64_t up(uint64_t value, uint64_t alignment) { return (value + alignment - 1) & ~(alignment - 1); }

template <class T> void append(Bytes &out, const T &value) {
  const auto *bytes = reinterpret_cast<const uint8_t *>(&value);
  out.insert(out.end(), bytes, bytes + sizeof value);
}

// The hash function of DT_HASH (gABI).
uint32_t hashOf(std::string_view name) {
  uint32_t hash = 0;
  for (char c : name) {
    hash = (hash << 4) + static_cast<uint8_t>(c);
    uint32_t high = hash & 0xf000'0000;
    hash = (hash ^ (high >> 24)) & ~high;
  }
  return hash;
}

class Writer {
public:
  Writer(const RelocatableInput &input, const ImageLayout &layout, Bytes content,
         const std::vector<DynamicRelocation> &relocations)
      : input_(input), layout_(layout), file_(std::move(content)), relocations_(relocations) {}

  Bytes write() {
    addSection("", SHT_NULL, 0, {}, 0);
    nameContent();
    file_.resize(up(file_.size(), kPage));
    tablesAt_ = file_.size();
    writeDynamicSymbols();
    writeHashTable();
    writeRelocations();
    writeDynamic();
    tablesEnd_ = file_.size();
    writeSymbols();
    writeSectionHeaders();
    writeHeaders();
    return std::move(file_);
  }

private:
  // --- sections

  uint16_t addSection(std::string_view name, uint32_t type, uint64_t flags, ImageRange range, uint64_t offset) {
    Elf64_Shdr header{};
    header.sh_name = static_cast<uint32_t>(sectionNames_.size());
    sectionNames_ += name;
    sectionNames_ += '\0';
    header.sh_type = type;
    header.sh_flags = flags;
    header.sh_addr = range.begin;
    header.sh_offset = offset;
    header.sh_size = range.size();
    header.sh_addralign = 1;
    sections_.push_back(header);
    return static_cast<uint16_t>(sections_.size() - 1);
  }

  void nameContent() {
    struct Row {
      Part part;
      std::string_view name;
      uint32_t type;
      uint64_t flags;
    };
    constexpr uint64_t kData = SHF_ALLOC | SHF_WRITE, kCode = SHF_ALLOC | SHF_EXECINSTR;
    for (const Row &row :
         {Row{Part::ReadOnly, ".rodata", SHT_PROGBITS, SHF_ALLOC},
          Row{Part::Unwind, ".eh_frame", SHT_PROGBITS, SHF_ALLOC}, Row{Part::Code, ".text", SHT_PROGBITS, kCode},
          Row{Part::PreinitArray, ".preinit_array", SHT_PREINIT_ARRAY, kData},
          Row{Part::InitArray, ".init_array", SHT_INIT_ARRAY, kData},
          Row{Part::FiniArray, ".fini_array", SHT_FINI_ARRAY, kData},
          Row{Part::Relro, ".data.rel.ro", SHT_PROGBITS, kData}, Row{Part::Data, ".data", SHT_PROGBITS, kData},
          Row{Part::Zeroed, ".bss", SHT_NOBITS, kData}}) {
      const ImageRange &range = layout_.of(row.part);
      if (range.size() != 0)
        sectionOf_[static_cast<size_t>(row.part)] = addSection(row.name, row.type, row.flags, range, range.begin);
    }
    stubSection_ = nameMade(layout_.stubs, ".plt", kCode);
    nameMade(layout_.table, ".got", kData);
    nameMade(layout_.unwindIndex, ".eh_frame_hdr", SHF_ALLOC);
  }

  uint16_t nameMade(const ImageRange &range, std::string_view name, uint64_t flags) {
    return range.size() != 0 ? addSection(name, SHT_PROGBITS, flags, range, range.begin) : uint16_t{0};
  }

  // A table of the last segment, from here on. Its address is as far behind the image's end as its offset behind the
  // segment's.
  uint64_t beginTable() {
    file_.resize(up(file_.size(), sizeof(uint64_t)));
    return file_.size();
  }
  uint16_t endTable(uint64_t begin, std::string_view name, uint32_t type, uint64_t entrySize, uint32_t link) {
    uint16_t index = addSection(name, type, SHF_ALLOC, {addressOf(begin), addressOf(file_.size())}, begin);
    sections_[index].sh_entsize = entrySize;
    sections_[index].sh_link = link;
    return index;
  }
  [[nodiscard]] uint64_t addressOf(uint64_t offset) const { return layout_.end + (offset - tablesAt_); }

  // --- symbols

  // The section that a symbol's place is in; that of the image for what the linker made.
  [[nodiscard]] uint16_t homeOf(const InputSymbol &symbol) const {
    using Home = InputSymbol::Home;
    if (symbol.home == Home::Undefined) return SHN_UNDEF;
    if (symbol.home == Home::Absolute) return SHN_ABS;
    if (symbol.home == Home::Stub) return stubSection_;
    Part part = symbol.home == Home::Common ? Part::Zeroed : Part::ReadOnly;
    if (symbol.home == Home::Section) part = input_.sections[symbol.section].part;
    // Any section will do where there is none: a common variable without size.
    return std::max<uint16_t>(sectionOf_[static_cast<size_t>(part)], 1);
  }

  [[nodiscard]] Elf64_Sym outputOf(const InputSymbol &symbol) const {
    Elf64_Sym raw = symbol.raw;
    raw.st_value = symbol.address;
    raw.st_shndx = homeOf(symbol);
    raw.st_other = STV_DEFAULT;
    if (symbol.home == InputSymbol::Home::Common)
      raw.st_info = static_cast<uint8_t>(ELF64_ST_INFO(symbol.binding(), STT_OBJECT));
    return raw;
  }

  [[nodiscard]] static bool isExported(const InputSymbol &symbol) {
    using Home = InputSymbol::Home;
    bool handle = symbol.home == Home::Made && symbol.name == "__dso_handle"; // backend/link_reader looks for it
    bool defined = handle || symbol.home == Home::Section || symbol.home == Home::Common || symbol.home == Home::Stub ||
                   symbol.home == Home::Absolute;
    return defined && !symbol.isLocal() && !symbol.name.empty();
  }

  // NAME@@VERSION (.symver) is what the plain name means to other objects. There are no versions here.
  [[nodiscard]] static std::optional<std::string_view> plainName(const InputSymbol &symbol) {
    size_t end = isExported(symbol) ? symbol.name.find("@@", 1) : std::string_view::npos;
    return end == std::string_view::npos ? std::nullopt : std::optional(symbol.name.substr(0, end));
  }

  void writeDynamicSymbols() {
    strings_ = {beginTable(), 0};
    file_.insert(file_.end(), input_.strings.begin(), input_.strings.end());
    for (size_t i = 1; i < input_.symbols.size(); i++)
      if (auto plain = plainName(input_.symbols[i])) {
        plainNames_[i] = file_.size() - strings_.begin;
        file_.insert(file_.end(), plain->begin(), plain->end());
        file_.push_back(0);
      }
    strings_.end = file_.size();
    uint16_t stringSection = endTable(strings_.begin, ".dynstr", SHT_STRTAB, 0, 0);

    std::vector<bool> wanted(input_.symbols.size());
    for (size_t i = 1; i < wanted.size(); i++)
      wanted[i] = isExported(input_.symbols[i]);
    for (const DynamicRelocation &relocation : relocations_)
      if (relocation.symbol != DynamicRelocation::kImage && relocation.symbol != 0) wanted[relocation.symbol] = true;

    uint64_t begin = beginTable();
    append(file_, Elf64_Sym{});
    Elf64_Sym image{};           // for relocations that are relative to the image's start
    image.st_info = STT_SECTION; // STB_LOCAL is 0
    image.st_shndx = 1;
    append(file_, image);
    names_ = {"", ""};
    dynamicIndex_.assign(wanted.size(), 0);
    // Locals come first: a relocation may be of a local absolute symbol.
    for (bool locals : {true, false}) {
      for (size_t i = 1; i < wanted.size(); i++) {
        if (!wanted[i] || input_.symbols[i].isLocal() != locals) continue;
        dynamicIndex_[i] = static_cast<uint32_t>(names_.size());
        Elf64_Sym symbol = outputOf(input_.symbols[i]);
        auto plain = plainNames_.find(i);
        if (plain != plainNames_.end()) symbol.st_name = static_cast<uint32_t>(plain->second);
        names_.push_back(plainName(input_.symbols[i]).value_or(input_.symbols[i].name));
        append(file_, symbol);
      }
      if (locals) firstGlobal_ = static_cast<uint32_t>(names_.size());
    }
    symbolsAt_ = addressOf(begin);
    symbolSection_ = endTable(begin, ".dynsym", SHT_DYNSYM, sizeof(Elf64_Sym), stringSection);
    sections_[symbolSection_].sh_info = firstGlobal_;
  }

  void writeHashTable() {
    auto count = static_cast<uint32_t>(names_.size());
    std::vector<uint32_t> buckets(count / 2 + 1), chain(count);
    for (uint32_t i = firstGlobal_; i < count; i++) {
      uint32_t &bucket = buckets[hashOf(names_[i]) % buckets.size()];
      chain[i] = bucket;
      bucket = i;
    }
    uint64_t begin = beginTable();
    append(file_, static_cast<uint32_t>(buckets.size()));
    append(file_, count);
    for (const auto *words : {&buckets, &chain})
      for (uint32_t word : *words)
        append(file_, word);
    hashAt_ = addressOf(begin);
    endTable(begin, ".hash", SHT_HASH, sizeof(uint32_t), symbolSection_);
  }

  void writeRelocations() {
    constexpr uint32_t kImageSymbol = 1;
    uint64_t begin = beginTable();
    for (const DynamicRelocation &relocation : relocations_) {
      uint32_t symbol =
          relocation.symbol == DynamicRelocation::kImage ? kImageSymbol : dynamicIndex_[relocation.symbol];
      append(file_, Elf64_Rela{relocation.place, ELF64_R_INFO(uint64_t{symbol}, relocation.type), relocation.addend});
    }
    relocationsAt_ = {addressOf(begin), addressOf(file_.size())};
    endTable(begin, ".rela.dyn", SHT_RELA, sizeof(Elf64_Rela), symbolSection_);
  }

  void writeDynamic() {
    uint64_t begin = beginTable();
    auto tag = [&](int64_t name, uint64_t value) { append(file_, Elf64_Dyn{name, {value}}); };
    auto array = [&](Part part, int64_t address, int64_t size) {
      if (const ImageRange &range = layout_.of(part); range.size() != 0)
        tag(address, range.begin), tag(size, range.size());
    };
    tag(DT_STRTAB, addressOf(strings_.begin));
    tag(DT_STRSZ, strings_.size());
    tag(DT_SYMTAB, symbolsAt_);
    tag(DT_SYMENT, sizeof(Elf64_Sym));
    tag(DT_HASH, hashAt_);
    if (relocationsAt_.size() != 0) {
      tag(DT_RELA, relocationsAt_.begin);
      tag(DT_RELASZ, relocationsAt_.size());
      tag(DT_RELAENT, sizeof(Elf64_Rela));
    }
    array(Part::PreinitArray, DT_PREINIT_ARRAY, DT_PREINIT_ARRAYSZ);
    array(Part::InitArray, DT_INIT_ARRAY, DT_INIT_ARRAYSZ);
    array(Part::FiniArray, DT_FINI_ARRAY, DT_FINI_ARRAYSZ);
    tag(DT_NULL, 0);
    dynamic_ = {begin, file_.size()};
    endTable(begin, ".dynamic", SHT_DYNAMIC, sizeof(Elf64_Dyn), 0);
  }

  // .symtab: static functions and variables, with the source files that they are of.
  void writeSymbols() {
    file_.resize(up(file_.size(), sizeof(uint64_t)));
    uint64_t begin = file_.size();
    uint32_t locals = 1;
    append(file_, Elf64_Sym{});
    for (bool local : {true, false})
      for (const InputSymbol &symbol : input_.symbols) {
        bool file = symbol.type() == STT_FILE;
        bool place = symbol.home == InputSymbol::Home::Section || symbol.home == InputSymbol::Home::Common ||
                     symbol.home == InputSymbol::Home::Stub;
        if (symbol.isLocal() != local || symbol.name.empty() || symbol.type() == STT_SECTION || (!file && !place))
          continue;
        append(file_, outputOf(symbol));
        if (local) locals++;
      }
    uint16_t strings = addSection(".strtab", SHT_STRTAB, 0, {}, strings_.begin);
    sections_[strings].sh_size = strings_.size();
    uint16_t symbols = addSection(".symtab", SHT_SYMTAB, 0, {}, begin);
    sections_[symbols].sh_size = file_.size() - begin;
    sections_[symbols].sh_entsize = sizeof(Elf64_Sym);
    sections_[symbols].sh_link = strings;
    sections_[symbols].sh_info = locals;
  }

  void writeSectionHeaders() {
    uint16_t names = addSection(".shstrtab", SHT_STRTAB, 0, {}, file_.size());
    sections_[names].sh_size = sectionNames_.size();
    file_.insert(file_.end(), sectionNames_.begin(), sectionNames_.end());
    file_.resize(up(file_.size(), sizeof(uint64_t)));
    sectionsAt_ = file_.size();
    for (const Elf64_Shdr &section : sections_)
      append(file_, section);
  }

  // --- headers

  void addSegment(uint32_t type, uint32_t flags, ImageRange range, uint64_t offset, uint64_t inFile,
                  uint64_t alignment) {
    segments_.push_back({type, flags, offset, range.begin, range.begin, inFile, range.size(), alignment});
  }

  void writeHeaders() {
    const ImageRange tables{layout_.end, addressOf(tablesEnd_)};
    const ImageRange writable{layout_.data.begin, std::max(layout_.of(Part::Zeroed).end, layout_.relro.end)};
    addSegment(PT_LOAD, PF_R, layout_.readOnly, 0, layout_.readOnly.size(), layout_.alignment);
    if (layout_.code.size() != 0)
      addSegment(PT_LOAD, PF_R | PF_X, layout_.code, layout_.code.begin, layout_.code.size(), layout_.alignment);
    if (writable.size() != 0)
      addSegment(PT_LOAD, PF_R | PF_W, writable, writable.begin, layout_.data.size(), layout_.alignment);
    addSegment(PT_LOAD, PF_R, tables, tablesAt_, tables.size(), kPage);
    addSegment(PT_DYNAMIC, PF_R, {addressOf(dynamic_.begin), addressOf(dynamic_.end)}, dynamic_.begin, dynamic_.size(),
               sizeof(uint64_t));
    if (layout_.relro.size() != 0)
      addSegment(PT_GNU_RELRO, PF_R, layout_.relro, layout_.relro.begin, layout_.relro.size(), 1);
    if (layout_.unwindIndex.size() != 0)
      addSegment(PT_GNU_EH_FRAME, PF_R, layout_.unwindIndex, layout_.unwindIndex.begin, layout_.unwindIndex.size(), 4);

    auto header = elfHeader<Elf64_Ehdr>(ET_DYN, Machine::X86_64);
    header.e_phoff = sizeof header;
    header.e_shoff = sectionsAt_;
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = static_cast<uint16_t>(segments_.size());
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shnum = static_cast<uint16_t>(sections_.size());
    header.e_shstrndx = static_cast<uint16_t>(sections_.size() - 1);
    Bytes start;
    append(start, header);
    for (const Elf64_Phdr &segment : segments_)
      append(start, segment);
    LPC_CHECK(start.size() <= headersSize() && start.size() <= file_.size());
    std::ranges::copy(start, file_.begin());
  }

  const RelocatableInput &input_;
  const ImageLayout &layout_;
  Bytes file_;
  const std::vector<DynamicRelocation> &relocations_;
  std::vector<Elf64_Shdr> sections_;
  std::vector<Elf64_Phdr> segments_;
  std::string sectionNames_;
  std::array<uint16_t, static_cast<size_t>(Part::None)> sectionOf_{};
  std::vector<std::string_view> names_;   // of the dynamic symbols
  std::vector<uint32_t> dynamicIndex_;    // by index in input_.symbols
  std::map<size_t, uint64_t> plainNames_; // by the same: where the name stands among the strings
  uint32_t firstGlobal_ = 0;
  uint16_t symbolSection_ = 0, stubSection_ = 0;
  ImageRange strings_, dynamic_; // in the file
  ImageRange relocationsAt_;
  uint64_t tablesAt_ = 0, tablesEnd_ = 0, sectionsAt_ = 0; // in the file
  uint64_t symbolsAt_ = 0, hashAt_ = 0;                    // addresses
};

} // namespace

uint64_t headersSize() { return sizeof(Elf64_Ehdr) + kHeaders * sizeof(Elf64_Phdr); }

Bytes writeSharedObject(const RelocatableInput &input, const ImageLayout &layout, Bytes content,
                        const std::vector<DynamicRelocation> &relocations) {
  return Writer(input, layout, std::move(content), relocations).write();
}

} // namespace lpc::target
