// Reading an ELF file's headers, through libObject: the only file that sees it.
//
// libObject checks the header tables and section contents against the file's size; its errors become ours here, at
// once. What it does not check is checked here: segments (it adds offsets without a look at overflow), notes, sizes
// that would make us allocate. PT_DYNAMIC is read in dynamic_section.cpp without it, as the dynamic linker reads it: by
// addresses, for a file may have no section headers.
#include "frontend/target/elf_image.h"

#include <llvm/BinaryFormat/ELF.h>
#include <llvm/Object/ELF.h>
#include <llvm/Object/ELFTypes.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "ir/support/cat.h"

static_assert(std::endian::native == std::endian::little, "tables are read in place");

namespace lpc::target {

std::optional<BytesView> slice(BytesView bytes, uint64_t offset, uint64_t size) {
  if (offset > bytes.size() || size > bytes.size() - offset) return std::nullopt;
  return bytes.subspan(offset, size);
}

std::optional<std::string_view> stringAt(std::string_view strings, uint64_t offset, size_t longest) {
  if (offset >= strings.size()) return std::nullopt;
  std::string_view rest = strings.substr(offset);
  size_t end = rest.substr(0, longest + 1).find('\0');
  if (end == std::string_view::npos) return std::nullopt;
  return rest.substr(0, end);
}

std::optional<BytesView> loadedBytesFrom(const ElfImage &image, uint64_t address) {
  for (const Segment &segment : image.segments) {
    uint64_t start = segment.address.value;
    if (address >= start && address - start < segment.fileSize)
      return slice(image.contents, segment.offset.value + (address - start), segment.fileSize - (address - start));
  }
  return std::nullopt;
}

std::optional<BytesView> loadedBytes(const ElfImage &image, uint64_t address, uint64_t size) {
  auto rest = loadedBytesFrom(image, address);
  return rest ? slice(*rest, 0, size) : std::nullopt;
}

namespace {

namespace elf = llvm::ELF;

// All names of sections of one file together; a limit for files that were made to make us allocate.
constexpr size_t kSectionNames = size_t{64} << 20;

// Indexes of symbols have 30 bits here (address_index.h).
constexpr size_t kMostSymbols = size_t{1} << 30;

struct Damaged {
  std::string why;
};
using Check = std::expected<void, Damaged>;

std::unexpected<Damaged> damaged(std::string why) { return std::unexpected(Damaged{std::move(why)}); }

// The border: an llvm::Expected becomes a std::expected, its error a text. None is ever left unlooked at.
template <class T> std::expected<T, Damaged> take(llvm::Expected<T> result) {
  if (!result) return damaged(llvm::toString(result.takeError()));
  return *result;
}

std::string text(llvm::StringRef string) { return string.str(); }
BytesView view(llvm::ArrayRef<uint8_t> bytes) { return {bytes.data(), bytes.size()}; }
std::string_view characters(BytesView bytes) { return {reinterpret_cast<const char *>(bytes.data()), bytes.size()}; }

template <class ELFT> class Reader {
public:
  Reader(const llvm::object::ELFFile<ELFT> &file, ElfImage &image) : file_(file), image_(image) {}

  Check read() {
    auto headers = take(file_.program_headers());
    if (!headers) return std::unexpected(headers.error());
    auto sections = take(file_.sections());
    if (!sections) return std::unexpected(sections.error());
    sections_ = *sections, headers_ = *headers;

    image_.debugOnly = isDebugOnly();
    for (auto step :
         {&Reader::readSections, &Reader::readSegments, &Reader::readSymbolTable, &Reader::readDebugLink,
          &Reader::readNotes, &Reader::readInterpreter, &Reader::readDynamic, &Reader::readStaticRelocations})
      if (Check done = (this->*step)(); !done) return done;
    return {};
  }

private:
  using Shdr = typename ELFT::Shdr;
  using Phdr = typename ELFT::Phdr;

  // objcopy --only-keep-debug and eu-strip -f turn what is loaded into SHT_NOBITS, so the code itself gives it away.
  bool isDebugOnly() const {
    bool code = false;
    for (const Shdr &section : sections_) {
      if (!(section.sh_flags & elf::SHF_ALLOC) || !(section.sh_flags & elf::SHF_EXECINSTR)) continue;
      if (section.sh_type != elf::SHT_NOBITS) return false;
      code = true;
    }
    return code;
  }

  Check readSections() {
    auto names = take(file_.getSectionStringTable(sections_));
    if (!names) return std::unexpected(names.error());
    size_t total = 0;
    image_.sections.reserve(sections_.size());
    names_.reserve(sections_.size());
    for (const Shdr &section : sections_) {
      auto name = take(file_.getSectionName(section, *names));
      if (!name) return std::unexpected(name.error());
      total += name->size();
      if (name->size() > kLongestName || total > kSectionNames)
        return damaged("the names of its sections are too long");
      names_.push_back(*name);
      if (&section == sections_.begin()) continue; // the null section
      bool loaded = (section.sh_flags & elf::SHF_ALLOC) != 0;
      if (loaded && section.sh_addr + section.sh_size < section.sh_addr)
        return damaged(cat("section `", text(*name), "` runs past the end of the address space"));
      // The threads' zeros (.tbss) take no addresses: what has them in the header belongs to the sections behind.
      bool takesNone = section.sh_type == elf::SHT_NOBITS && (section.sh_flags & elf::SHF_TLS);
      image_.sections.push_back({.name = text(*name),
                                 .address = {loaded ? uint64_t{section.sh_addr} : 0},
                                 .size = section.sh_size,
                                 .loaded = loaded && !takesNone,
                                 .writable = (section.sh_flags & elf::SHF_WRITE) != 0,
                                 .executable = (section.sh_flags & elf::SHF_EXECINSTR) != 0,
                                 .zeroFilled = section.sh_type == elf::SHT_NOBITS});
    }
    return {};
  }

  Check readSegments() {
    for (const Phdr &header : headers_) {
      if (header.p_type != elf::PT_LOAD) continue;
      uint64_t address = header.p_vaddr, memory = header.p_memsz, offset = header.p_offset, size = header.p_filesz;
      if (address + memory < address) return damaged("a segment runs past the end of the address space");
      // The headers of a debug file are those of the file that it was taken from.
      if (image_.debugOnly) size = 0;
      if (size > memory) return damaged("a segment is longer in the file than in memory");
      if (!slice(image_.contents, offset, size)) return damaged("a segment lies outside of the file");
      image_.segments.push_back({.address = {address},
                                 .memorySize = memory,
                                 .offset = {offset},
                                 .fileSize = size,
                                 .readable = (header.p_flags & elf::PF_R) != 0,
                                 .writable = (header.p_flags & elf::PF_W) != 0,
                                 .executable = (header.p_flags & elf::PF_X) != 0});
    }
    return {};
  }

  Check readSymbolTable() {
    for (const Shdr &section : sections_) {
      if (section.sh_type != elf::SHT_SYMTAB) continue;
      auto entries = take(file_.symbols(&section));
      if (!entries) return std::unexpected(entries.error());
      auto strings = take(file_.getStringTableForSymtab(section, sections_));
      if (!strings) return std::unexpected(strings.error());
      if (entries->size() > kMostSymbols) return damaged("it has too many symbols");
      if (section.sh_info > entries->size()) return damaged("its symbol table has fewer symbols than local ones");
      image_.symtab = SymbolTable{
          .entries = {reinterpret_cast<const uint8_t *>(entries->data()), entries->size() * sizeof(typename ELFT::Sym)},
          .strings = {strings->data(), strings->size()},
          .firstGlobal = section.sh_info,
          .is64 = ELFT::Is64Bits,
          .versions = {}};
      return {}; // the gABI allows one
    }
    return {};
  }

  // .gnu_debuglink: a file name, padding to 4 bytes, a CRC32.
  Check readDebugLink() {
    for (size_t i = 0; i < sections_.size(); i++) {
      if (names_[i] != ".gnu_debuglink" || sections_[i].sh_type == elf::SHT_NOBITS) continue;
      auto contents = take(file_.getSectionContents(sections_[i]));
      if (!contents) return std::unexpected(contents.error());
      auto name = stringAt(characters(view(*contents)), 0, kLongestName);
      if (!name || name->empty()) return damaged("section `.gnu_debuglink` names no file");
      auto crc = slice(view(*contents), (name->size() + 4) & ~size_t{3}, 4);
      if (!crc) return damaged("section `.gnu_debuglink` is too short");
      image_.debugLink = {std::string(*name), static_cast<uint32_t>(loadLittle(*crc))};
    }
    return {};
  }

  // Notes by section first: those of a debug file are where its section headers say.
  Check readNotes() {
    for (const Shdr &section : sections_) {
      if (section.sh_type != elf::SHT_NOTE || !image_.buildId.empty()) continue;
      auto contents = take(file_.getSectionContents(section));
      if (!contents) return std::unexpected(contents.error());
      findBuildId(view(*contents), section.sh_addralign);
    }
    for (const Phdr &header : headers_) {
      if (header.p_type != elf::PT_NOTE || image_.debugOnly || !image_.buildId.empty()) continue;
      auto contents = slice(image_.contents, header.p_offset, header.p_filesz);
      if (!contents) return damaged("a note segment lies outside of the file");
      findBuildId(*contents, header.p_align);
    }
    return {};
  }

  // A note: sizes of name and description, type, name, description, each padded to `alignment`. A malformed one ends
  // the search, as it does in readelf: notes are remarks, and not worth refusing a file that runs.
  void findBuildId(BytesView notes, uint64_t alignment) {
    constexpr size_t kHeader = 12, kLongestBuildId = 64;
    uint64_t mask = alignment == 8 ? 7 : 3;
    uint64_t at = 0;
    while (auto header = slice(notes, at, kHeader)) {
      uint64_t nameSize = loadLittle(header->first(4)), size = loadLittle(header->subspan(4, 4));
      uint64_t type = loadLittle(header->subspan(8, 4));
      uint64_t start = at + ((kHeader + nameSize + mask) & ~mask); // none of these can wrap: 32-bit numbers in 64
      auto name = slice(notes, at + kHeader, nameSize);
      auto description = slice(notes, start, size);
      if (!name || !description) return;
      if (type == elf::NT_GNU_BUILD_ID && characters(*name) == std::string_view("GNU\0", 4) && size > 0 &&
          size <= kLongestBuildId) {
        image_.buildId.assign(description->begin(), description->end());
        return;
      }
      at = start + ((size + mask) & ~mask);
    }
  }

  Check readInterpreter() {
    for (const Phdr &header : headers_) {
      if (header.p_type != elf::PT_INTERP || image_.debugOnly) continue;
      auto contents = slice(image_.contents, header.p_offset, header.p_filesz);
      auto path = contents ? stringAt(characters(*contents), 0, kLongestName) : std::nullopt;
      if (!path) return damaged("its interpreter's name lies outside of the file");
      image_.interpreter = *path;
    }
    return {};
  }

  Check readDynamic() {
    if (image_.debugOnly) return {};
    for (const Phdr &header : headers_) {
      if (header.p_type != elf::PT_DYNAMIC) continue;
      auto dynamic = slice(image_.contents, header.p_offset, header.p_filesz);
      if (!dynamic) return damaged("its dynamic section lies outside of the file");
      std::optional<std::pair<uint64_t, uint64_t>> dynsym;
      for (const Shdr &section : sections_)
        if (section.sh_type == elf::SHT_DYNSYM)
          dynsym = std::pair{uint64_t{section.sh_addr}, section.sh_size / sizeof(typename ELFT::Sym)};
      if (auto done = readDynamicSection(image_, *dynamic, dynsym); !done) return damaged(done.error());
      return {};
    }
    return {};
  }

  // Static programs apply their IRELATIVE relocations themselves; no DT_ entry tells of them, but a section does. Where
  // PT_DYNAMIC names the same table again, that does no harm.
  Check readStaticRelocations() {
    if (image_.debugOnly || image_.type == elf::ET_REL) return {};
    for (const Shdr &section : sections_) {
      if (!(section.sh_flags & elf::SHF_ALLOC)) continue;
      RelocationTable::Form form{};
      switch (section.sh_type) {
      case elf::SHT_RELA: form = RelocationTable::Form::Rela; break;
      case elf::SHT_REL: form = RelocationTable::Form::Rel; break;
      case elf::SHT_RELR: form = RelocationTable::Form::Relr; break;
      default: continue;
      }
      auto contents = take(file_.getSectionContents(section));
      if (!contents) return std::unexpected(contents.error());
      image_.relocations.push_back({form, view(*contents)});
    }
    return {};
  }

  const llvm::object::ELFFile<ELFT> &file_;
  ElfImage &image_;
  llvm::ArrayRef<Shdr> sections_;
  llvm::ArrayRef<Phdr> headers_;
  std::vector<llvm::StringRef> names_;
};

template <class ELFT> Check readAs(ElfImage &image) {
  llvm::StringRef contents(reinterpret_cast<const char *>(image.contents.data()), image.contents.size());
  auto file = take(llvm::object::ELFFile<ELFT>::create(contents));
  if (!file) return std::unexpected(file.error());
  return Reader<ELFT>(*file, image).read();
}

} // namespace

Result<ElfImage> readElfImage(BytesView contents, const std::string &name) {
  constexpr size_t kSmallest = 52; // an Elf32_Ehdr
  if (contents.size() < kSmallest || std::memcmp(contents.data(), elf::ElfMagic, 4) != 0)
    return fail(DiagnosticId::NotElf, cat("`", name, "` is not an ELF file"));
  uint8_t elfClass = contents[elf::EI_CLASS], encoding = contents[elf::EI_DATA];
  if (elfClass != elf::ELFCLASS32 && elfClass != elf::ELFCLASS64)
    return fail(DiagnosticId::NotElf, cat("`", name, "` is damaged: it is neither a 32-bit nor a 64-bit ELF file"));
  auto half = [&](size_t offset) { // in the file's own byte order, for the message
    auto value = static_cast<uint16_t>(loadLittle(contents.subspan(offset, 2)));
    return encoding == elf::ELFDATA2MSB ? static_cast<uint16_t>(value << 8 | value >> 8) : value;
  };
  uint16_t type = half(16), number = half(18);
  std::optional<Machine> machine;
  if (encoding == elf::ELFDATA2LSB) machine = machineOfElf(number, elfClass == elf::ELFCLASS64);
  if (!machine)
    return fail(DiagnosticId::UnsupportedMachine,
                cat("`", name, "` is for a machine that is not supported (", elfClass == elf::ELFCLASS64 ? "64" : "32",
                    "-bit ELF machine ", number, ")"));
  if (type != elf::ET_EXEC && type != elf::ET_DYN && type != elf::ET_REL)
    return fail(DiagnosticId::NotElf, cat("`", name, "` is neither a program nor a library nor an object file"));

  ElfImage image{.contents = contents, .machine = *machine, .is64 = elfClass == elf::ELFCLASS64, .type = type};
  Check done = image.is64 ? readAs<llvm::object::ELF64LE>(image) : readAs<llvm::object::ELF32LE>(image);
  if (!done) return fail(DiagnosticId::NotElf, cat("`", name, "` is damaged: ", done.error().why));
  return image;
}

} // namespace lpc::target
