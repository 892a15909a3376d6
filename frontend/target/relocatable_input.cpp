// Reading a relocatable object. <elf.h> instead of libObject: what a linker needs is section headers, symbols and
// relocations, and every number of them is checked here once, so that the linker can rely on them.
#include "frontend/target/relocatable_input.h"

#include <algorithm>
#include <bit>
#include <map>
#include <utility>

#include "frontend/target/elf_image.h"
#include "ir/support/cat.h"

namespace lpc::target {
namespace {

constexpr uint64_t kMaximumFile = uint64_t{1} << 30;
constexpr uint64_t kMaximumAlignment = uint64_t{2} << 20; // as of segments
constexpr uint16_t kLargeCommon = 0xff02;                 // SHN_X86_64_LCOMMON
constexpr uint32_t kUnwindType = 0x70000001;              // SHT_X86_64_UNWIND

template <class T> std::optional<T> at(BytesView bytes, uint64_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

class Reader {
public:
  Reader(BytesView file, const std::string &name) : file_(file) { input_.name = name; }

  Result<RelocatableInput> read() {
    using Step = Result<void> (Reader::*)();
    for (Step step : {&Reader::readHeaders, &Reader::readSections, &Reader::readSymbols, &Reader::refuseThreadLocal,
                      &Reader::readRelocations})
      if (auto done = (this->*step)(); !done) return std::unexpected(std::move(done.error()));
    return std::move(input_);
  }

private:
  Result<void> readHeaders() {
    if (file_.size() > kMaximumFile)
      return fail(DiagnosticId::FileTooLarge, cat("`", input_.name, "` has more than 1 GiB"));
    auto header = at<Elf64_Ehdr>(file_, 0);
    if (!header || header->e_shentsize != sizeof(Elf64_Shdr))
      return input_.corrupt("its section headers have an unknown form");
    auto first = at<Elf64_Shdr>(file_, header->e_shoff);
    auto outside = [&] { return input_.corrupt("its section headers lie outside of the file"); };
    if (header->e_shoff == 0 || !first) return outside();
    // More than 0xff00 sections: number and index of the names are in the first header (gABI).
    uint64_t count = header->e_shnum != 0 ? header->e_shnum : first->sh_size;
    if (count > (file_.size() - header->e_shoff) / sizeof(Elf64_Shdr)) return outside();
    for (uint64_t i = 0; i < count; i++)
      if (auto section = at<Elf64_Shdr>(file_, header->e_shoff + i * sizeof(Elf64_Shdr))) headers_.push_back(*section);
    uint32_t names = header->e_shstrndx == SHN_XINDEX ? first->sh_link : header->e_shstrndx;
    auto bytes = names < count ? contentOf(headers_[names]) : std::nullopt;
    if (!bytes) return input_.corrupt("the names of its sections lie outside of the file");
    sectionNames_ = {reinterpret_cast<const char *>(bytes->data()), bytes->size()};
    return {};
  }

  [[nodiscard]] std::optional<BytesView> contentOf(const Elf64_Shdr &header) const {
    return header.sh_type == SHT_NOBITS ? std::nullopt : slice(file_, header.sh_offset, header.sh_size);
  }

  // --- sections

  Result<void> readSections() {
    input_.sections.reserve(headers_.size());
    uint64_t total = 0;
    for (const Elf64_Shdr &header : headers_) {
      auto name = stringAt(sectionNames_, header.sh_name, kLongestName);
      InputSection section{.name = name.value_or("")};
      if (auto read = readSection(header, section); !read) return read;
      // As no compiler writes them: sections that share their bytes would make a large image of a small file.
      total += section.bytes.size();
      if (total > file_.size()) return input_.corrupt("its sections are larger than the file");
      input_.sections.push_back(section);
    }
    return {};
  }

  Result<void> readSection(const Elf64_Shdr &header, InputSection &section) {
    if (section.name == ".note.GNU-stack" && (header.sh_flags & SHF_EXECINSTR) != 0)
      return input_.unsupported(
          "wants executable stacks",
          "compile it without nested functions whose address is taken, assemble with --noexecstack");
    if ((header.sh_flags & SHF_ALLOC) == 0 || (header.sh_flags & SHF_EXCLUDE) != 0 || header.sh_size == 0) return {};
    if ((header.sh_flags & SHF_TLS) != 0) {
      threadLocal_ = true;
      return {};
    }
    if ((header.sh_flags & SHF_WRITE) != 0 && (header.sh_flags & SHF_EXECINSTR) != 0)
      return input_.unsupported(cat("has a section `", section.name, "` that is writable and executable at once"));
    section.alignment = std::max<uint64_t>(header.sh_addralign, 1);
    section.size = header.sh_size;
    if (!std::has_single_bit(section.alignment))
      return input_.corrupt(cat("section `", section.name, "` has an alignment that is no power of two"));
    if (section.alignment > kMaximumAlignment)
      return input_.unsupported(cat("has a section aligned to ", section.alignment, " bytes, more than 2 MiB"));
    section.part = partOf(header, section.name);
    if (section.part == Part::None)
      return input_.unsupported(cat("has a section `", section.name, "`, pieces of functions that run at the start"),
                                "use __attribute__((constructor))");
    if (section.part == Part::Zeroed) {
      if (section.size > kMaximumFile) return input_.unsupported("needs more than 1 GiB of address space");
      return {};
    }
    auto bytes = contentOf(header);
    if (!bytes) return input_.corrupt(cat("section `", section.name, "` lies outside of the file"));
    section.bytes = *bytes;
    return {};
  }

  static bool isOf(std::string_view name, std::string_view prefix) {
    return name.starts_with(prefix) && (name.size() == prefix.size() || name[prefix.size()] == '.');
  }

  // None: cannot be linked.
  static Part partOf(const Elf64_Shdr &header, std::string_view name) {
    if (name == ".init" || name == ".fini" || isOf(name, ".ctors") || isOf(name, ".dtors")) return Part::None;
    if (header.sh_type == SHT_NOBITS) return Part::Zeroed;
    if ((header.sh_flags & SHF_EXECINSTR) != 0) return Part::Code;
    if (header.sh_type == kUnwindType || name == ".eh_frame") return Part::Unwind;
    if (header.sh_type == SHT_PREINIT_ARRAY || isOf(name, ".preinit_array")) return Part::PreinitArray;
    if (header.sh_type == SHT_INIT_ARRAY || isOf(name, ".init_array")) return Part::InitArray;
    if (header.sh_type == SHT_FINI_ARRAY || isOf(name, ".fini_array")) return Part::FiniArray;
    if ((header.sh_flags & SHF_WRITE) == 0) return Part::ReadOnly;
    return isOf(name, ".data.rel.ro") || isOf(name, ".ldata.rel.ro") ? Part::Relro : Part::Data;
  }

  // --- symbols

  Result<void> readSymbols() {
    auto table = std::ranges::find(headers_, uint32_t{SHT_SYMTAB}, &Elf64_Shdr::sh_type);
    if (table == headers_.end()) return input_.corrupt("it has no symbols");
    symbolTable_ = static_cast<uint32_t>(table - headers_.begin());
    auto entries = contentOf(*table);
    auto strings = table->sh_link < headers_.size() ? contentOf(headers_[table->sh_link]) : std::nullopt;
    if (!entries || !strings || table->sh_entsize != sizeof(Elf64_Sym) || strings->empty() || strings->back() != 0)
      return input_.corrupt("its table of symbols has an unknown form");
    input_.strings = *strings;
    if (auto read = readLongIndexes(); !read) return read;
    std::string_view names(reinterpret_cast<const char *>(strings->data()), strings->size());
    input_.symbols.reserve(entries->size() / sizeof(Elf64_Sym));
    for (uint64_t i = 0; auto raw = at<Elf64_Sym>(*entries, i * sizeof(Elf64_Sym)); i++) {
      auto name = stringAt(names, raw->st_name, kLongestSymbolName);
      if (!name) return input_.corrupt(cat("the name of symbol ", i, " lies outside of its strings"));
      InputSymbol symbol{.raw = *raw, .name = *name};
      if (i > 0)
        if (auto placed = findHome(i, symbol); !placed) return placed;
      if (i == 0) symbol.home = InputSymbol::Home::Absolute; // symbol 0 is the number 0
      input_.symbols.push_back(symbol);
    }
    if (input_.symbols.empty()) return input_.corrupt("it has no symbols");
    if (std::ranges::any_of(input_.symbols, [](const auto &s) { return s.name == "__gnu_lto_slim"; }))
      return input_.unsupported("has the compiler's intermediate code instead of machine code (-flto)",
                                "compile it with -fno-lto or -ffat-lto-objects");
    return {};
  }

  // SHT_SYMTAB_SHNDX: section indexes that do not fit st_shndx (gABI).
  Result<void> readLongIndexes() {
    for (const Elf64_Shdr &header : headers_)
      if (header.sh_type == SHT_SYMTAB_SHNDX && header.sh_link == symbolTable_) {
        auto bytes = contentOf(header);
        if (!bytes) return input_.corrupt("its table of section indexes lies outside of the file");
        longIndexes_ = *bytes;
      }
    return {};
  }

  Result<void> findHome(uint64_t index, InputSymbol &symbol) {
    using Home = InputSymbol::Home;
    uint32_t section = symbol.raw.st_shndx;
    if (section == SHN_XINDEX) {
      auto longIndex = at<uint32_t>(longIndexes_, index * sizeof(uint32_t));
      if (!longIndex) return input_.corrupt("its table of section indexes is too short");
      section = *longIndex;
    } else if (section == SHN_ABS) {
      symbol.home = Home::Absolute;
      return {};
    } else if (section == SHN_COMMON || section == kLargeCommon) {
      symbol.home = Home::Common;
      if (symbol.raw.st_size > kMaximumFile || !std::has_single_bit(std::max<uint64_t>(symbol.raw.st_value, 1)) ||
          symbol.raw.st_value > kMaximumAlignment)
        return input_.corrupt(cat("its common variable `", symbol.name, "` has an impossible size or alignment"));
      return {};
    }
    if (section == SHN_UNDEF) return {};
    if (section >= input_.sections.size())
      return input_.corrupt(cat("its symbol `", symbol.name, "` stands in a section that it does not have"));
    const InputSection &home = input_.sections[section];
    symbol.home = home.part == Part::None ? Home::Nowhere : Home::Section;
    symbol.section = section;
    if (symbol.home == Home::Section && symbol.raw.st_value > home.size)
      return input_.corrupt(cat("its symbol `", symbol.name, "` lies outside of its section"));
    return {};
  }

  Result<void> refuseThreadLocal() {
    if (!threadLocal_) return {};
    std::string list;
    unsigned count = 0;
    constexpr unsigned kEnough = 8;
    for (const InputSymbol &symbol : input_.symbols)
      if (symbol.type() == STT_TLS && symbol.raw.st_shndx != SHN_UNDEF && ++count <= kEnough)
        list += cat(list.empty() ? " (`" : ", `", symbol.name, "`");
    if (count > kEnough) list += ", …";
    return fail(DiagnosticId::PayloadThreadLocal,
                cat("`", input_.name, "` defines thread-local variables", list, list.empty() ? "" : ")",
                    ", which only the process's own dynamic linker can make"),
                "keep them in the program, or use a key of pthread_key_create(3)");
  }

  // --- relocations

  Result<void> readRelocations() {
    std::vector<bool> relocated(headers_.size());
    for (const Elf64_Shdr &header : headers_) {
      if (header.sh_type != SHT_RELA && header.sh_type != SHT_REL) continue;
      if (header.sh_info >= input_.sections.size() || header.sh_link != symbolTable_)
        return input_.corrupt("its relocations are of a section or symbols that it does not have");
      const InputSection &section = input_.sections[header.sh_info];
      if (section.part == Part::None || header.sh_size == 0) continue; // of debugging information
      if (header.sh_type == SHT_REL)
        return input_.unsupported("has relocations without addends, which its machine does not use");
      auto entries = contentOf(header);
      if (!entries || header.sh_entsize != sizeof(Elf64_Rela) || entries->size() % sizeof(Elf64_Rela) != 0)
        return input_.corrupt(cat("its relocations of `", section.name, "` have an unknown form"));
      if (section.part == Part::Zeroed || relocated[header.sh_info])
        return input_.corrupt(cat("section `", section.name, "` cannot have these relocations"));
      relocated[header.sh_info] = true;
      input_.relocations.push_back({header.sh_info, *entries});
    }
    return {};
  }

  BytesView file_;
  std::vector<Elf64_Shdr> headers_;
  std::string_view sectionNames_;
  BytesView longIndexes_;
  uint32_t symbolTable_ = 0;
  bool threadLocal_ = false;
  RelocatableInput input_;
};

} // namespace

std::unexpected<Error> RelocatableInput::corrupt(const std::string &what) const {
  return fail(DiagnosticId::CorruptPayload, cat("`", name, "` is corrupt: ", what));
}

std::unexpected<Error> RelocatableInput::unsupported(const std::string &what, const std::string &help) const {
  return fail(DiagnosticId::UnsupportedPayload, cat("`", name, "` ", what), help);
}

Result<RelocatableInput> readRelocatable(BytesView file, const std::string &name) { return Reader(file, name).read(); }

} // namespace lpc::target
