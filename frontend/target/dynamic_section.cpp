// PT_DYNAMIC, read as the dynamic linker reads it (gABI chapter 5; glibc elf/dl-load.c): tables are found by address
// through the segments, so that a file without section headers has its symbols, too. What the dynamic linker would
// follow blindly is checked here: every table lies in the file part of a segment, every chain goes forward and ends.
#include "frontend/target/elf_image.h"

#include <elf.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "ir/support/cat.h"

// Newer than some <elf.h> (gABI of 2022).
#ifndef DT_RELRSZ
#define DT_RELRSZ 35
#define DT_RELR 36
#endif

namespace lpc::target {
namespace {

using Check = std::expected<void, std::string>;

constexpr size_t kMostNeeded = 4096;
constexpr size_t kMostVersions = 32768; // an index has 15 bits
// Tags below this are kept by number; those that matter and are larger have places of their own.
constexpr uint64_t kSmallTags = 64;

std::unexpected<std::string> damaged(std::string why) { return std::unexpected(std::move(why)); }

uint32_t word(BytesView bytes, size_t index) {
  uint32_t value;
  std::memcpy(&value, bytes.data() + index * 4, 4);
  return value;
}

class DynamicSection {
public:
  DynamicSection(ElfImage &image, std::optional<std::pair<uint64_t, uint64_t>> dynsymCount)
      : image_(image), dynsymCount_(dynsymCount) {}

  Check read(BytesView dynamic) {
    readTags(dynamic);
    for (auto step : {&DynamicSection::readStrings, &DynamicSection::readHashes, &DynamicSection::readSymbols,
                      &DynamicSection::readVersions, &DynamicSection::readRelocations})
      if (Check done = (this->*step)(); !done) return done;
    return {};
  }

private:
  using Tag = std::optional<uint64_t>;

  void readTags(BytesView dynamic) {
    size_t width = image_.is64 ? 8 : 4;
    for (size_t at = 0; at + 2 * width <= dynamic.size(); at += 2 * width) {
      uint64_t tag = loadLittle(dynamic.subspan(at, width)), value = loadLittle(dynamic.subspan(at + width, width));
      if (tag == DT_NULL) return;
      if (tag == DT_NEEDED)
        needed_.push_back(value);
      else if (tag < kSmallTags)
        small_[tag] = value;
      else if (tag == DT_GNU_HASH)
        gnuHash_ = value;
      else if (tag == DT_VERSYM)
        versym_ = value;
      else if (tag == DT_VERDEF)
        verdef_ = value;
      else if (tag == DT_VERDEFNUM)
        verdefCount_ = value;
      else if (tag == DT_VERNEED)
        verneed_ = value;
      else if (tag == DT_VERNEEDNUM)
        verneedCount_ = value;
      else if (tag == DT_FLAGS_1)
        image_.noDefaultLibraries = (value & DF_1_NODEFLIB) != 0;
    }
  }

  // --- strings ----------------------------------------------------------------------------------------------------

  Check readStrings() {
    const Tag &table = small_[DT_STRTAB], &size = small_[DT_STRSZ];
    if (table && size) {
      auto bytes = loadedBytes(image_, *table, *size);
      if (!bytes) return damaged("its dynamic string table lies outside of the file");
      strings_ = {reinterpret_cast<const char *>(bytes->data()), bytes->size()};
      // What follows the last NUL is no string.
      strings_ = strings_.substr(0, strings_.rfind('\0') + 1);
    }
    if (needed_.size() > kMostNeeded) return damaged(cat("it needs more than ", kMostNeeded, " libraries"));
    for (uint64_t offset : needed_) {
      auto name = stringAt(strings_, offset, kLongestName);
      if (!name) return damaged("the name of a library that it needs lies outside of the file");
      image_.needed.emplace_back(*name);
    }
    auto text = [&](const Tag &offset, std::string &into) {
      if (!offset) return true;
      auto string = stringAt(strings_, *offset, size_t{1} << 20);
      if (string) into = *string;
      return string.has_value();
    };
    if (!text(small_[DT_SONAME], image_.soname)) return damaged("its DT_SONAME lies outside of the file");
    if (!text(small_[DT_RUNPATH], image_.runpath)) return damaged("its DT_RUNPATH lies outside of the file");
    // ld.so(8): DT_RPATH counts only where there is no DT_RUNPATH.
    if (!small_[DT_RUNPATH] && !text(small_[DT_RPATH], image_.rpath))
      return damaged("its DT_RPATH lies outside of the file");
    return {};
  }

  // --- hash tables ------------------------------------------------------------------------------------------------

  Check readHashes() {
    if (gnuHash_)
      if (Check done = readGnuHash(*gnuHash_); !done) return done;
    if (!small_[DT_HASH]) return {};
    auto table = loadedBytesFrom(image_, *small_[DT_HASH]);
    auto header = table ? slice(*table, 0, 8) : std::nullopt;
    auto buckets = header ? slice(*table, 8, uint64_t{word(*header, 0)} * 4) : std::nullopt;
    auto chain = buckets ? slice(*table, 8 + buckets->size(), uint64_t{word(*header, 1)} * 4) : std::nullopt;
    if (!chain) return damaged("its symbol hash table lies outside of the file");
    image_.sysvHash = SysvHash{*buckets, *chain};
    return {};
  }

  Check readGnuHash(uint64_t address) {
    auto table = loadedBytesFrom(image_, address);
    auto header = table ? slice(*table, 0, 16) : std::nullopt;
    if (!header) return damaged("its GNU hash table lies outside of the file");
    uint64_t bucketCount = word(*header, 0), bloomWords = word(*header, 2);
    GnuHash hash{.firstHashed = word(*header, 1), .bloomShift = word(*header, 3)};
    auto bloom = slice(*table, 16, bloomWords * (image_.is64 ? 8 : 4));
    auto buckets = bloom ? slice(*table, 16 + bloom->size(), bucketCount * 4) : std::nullopt;
    if (!buckets || bucketCount == 0 || !std::has_single_bit(bloomWords) || hash.bloomShift >= 32)
      return damaged("its GNU hash table contradicts itself");
    hash.bloom = *bloom, hash.buckets = *buckets;
    hash.chain = table->subspan(16 + bloom->size() + buckets->size()); // cut to the symbols' number in readSymbols
    image_.gnuHash = hash;
    return {};
  }

  // The table does not say how many symbols it has. The last one that is hashed ends its chain with an odd word.
  std::optional<uint64_t> countByGnuHash() const {
    const GnuHash &hash = *image_.gnuHash;
    uint64_t last = 0;
    for (size_t i = 0; i < hash.buckets.size() / 4; i++)
      last = std::max<uint64_t>(last, word(hash.buckets, i));
    if (last < hash.firstHashed) return hash.firstHashed; // nothing is exported
    for (uint64_t i = last - hash.firstHashed; i < hash.chain.size() / 4; i++)
      if (word(hash.chain, i) & 1) return hash.firstHashed + i + 1;
    return std::nullopt;
  }

  // --- symbols ----------------------------------------------------------------------------------------------------

  Check readSymbols() {
    const Tag &address = small_[DT_SYMTAB];
    if (!address) return {};
    SymbolTable table{.entries = {}, .strings = strings_, .firstGlobal = 0, .is64 = image_.is64, .versions = {}};
    if (small_[DT_SYMENT] && *small_[DT_SYMENT] != table.entrySize())
      return damaged("its dynamic symbols have a wrong size");
    std::optional<uint64_t> count;
    if (dynsymCount_ && dynsymCount_->first == *address)
      count = dynsymCount_->second;
    else if (image_.sysvHash)
      count = image_.sysvHash->chain.size() / 4;
    else if (image_.gnuHash && !(count = countByGnuHash()))
      return damaged("a chain of its GNU hash table has no end");
    if (!count || *count == 0) return {}; // neither section headers nor a hash table: nothing can be looked up
    if (*count > (uint64_t{1} << 30)) return damaged("it has too many dynamic symbols");
    auto entries = loadedBytes(image_, *address, *count * table.entrySize());
    if (!entries) return damaged("its dynamic symbol table lies outside of the file");
    table.entries = *entries;
    if (versym_) {
      auto versions = loadedBytes(image_, *versym_, *count * 2);
      if (!versions) return damaged("its symbol version table lies outside of the file");
      table.versions = *versions;
    }
    if (GnuHash *hash = image_.gnuHash ? &*image_.gnuHash : nullptr) {
      uint64_t hashed = *count > hash->firstHashed ? *count - hash->firstHashed : 0;
      hash->chain = hash->chain.first(std::min<uint64_t>(hash->chain.size() / 4, hashed) * 4);
    }
    image_.dynsym = table;
    return {};
  }

  // --- versions ---------------------------------------------------------------------------------------------------

  Check nameVersion(uint64_t index, uint64_t nameOffset) {
    index &= 0x7fff; // the top bit says hidden
    auto name = stringAt(strings_, nameOffset, kLongestName);
    if (!name) return damaged("the name of a symbol version lies outside of the file");
    if (index >= image_.versionNames.size()) image_.versionNames.resize(index + 1);
    image_.versionNames[index] = *name;
    return {};
  }

  // Both chains hold relative offsets to the next entry, 0 at the end. With a limit on the entries, none can go in
  // circles for long.
  Check readVersions() {
    if (verdef_)
      if (Check done = readVersionDefinitions(*verdef_, std::min<uint64_t>(verdefCount_.value_or(0), kMostVersions));
          !done)
        return done;
    if (verneed_) return readVersionNeeds(*verneed_, std::min<uint64_t>(verneedCount_.value_or(0), kMostVersions));
    return {};
  }

  Check readVersionDefinitions(uint64_t address, uint64_t count) {
    auto table = loadedBytesFrom(image_, address);
    uint64_t at = 0;
    for (uint64_t i = 0; i < count; i++) {
      auto bytes = table ? slice(*table, at, sizeof(Elf64_Verdef)) : std::nullopt;
      Elf64_Verdef entry; // the same in 32-bit files
      if (!bytes) return damaged("its version definitions lie outside of the file");
      std::memcpy(&entry, bytes->data(), sizeof entry);
      auto first = slice(*table, at + entry.vd_aux, sizeof(Elf64_Verdaux));
      if (!first) return damaged("its version definitions lie outside of the file");
      // The base definition is the file's own name, and no version of anything.
      if (!(entry.vd_flags & VER_FLG_BASE))
        if (Check done = nameVersion(entry.vd_ndx, loadLittle(first->first(4))); !done) return done;
      if (entry.vd_next == 0) break;
      at += entry.vd_next;
    }
    return {};
  }

  Check readVersionNeeds(uint64_t address, uint64_t count) {
    auto table = loadedBytesFrom(image_, address);
    uint64_t at = 0;
    size_t total = 0;
    for (uint64_t i = 0; i < count; i++) {
      auto bytes = table ? slice(*table, at, sizeof(Elf64_Verneed)) : std::nullopt;
      Elf64_Verneed entry;
      if (!bytes) return damaged("its version requirements lie outside of the file");
      std::memcpy(&entry, bytes->data(), sizeof entry);
      uint64_t auxAt = at + entry.vn_aux;
      for (unsigned j = 0; j < entry.vn_cnt; j++) {
        auto auxBytes = slice(*table, auxAt, sizeof(Elf64_Vernaux));
        Elf64_Vernaux aux;
        if (!auxBytes || ++total > kMostVersions) return damaged("its version requirements contradict each other");
        std::memcpy(&aux, auxBytes->data(), sizeof aux);
        if (Check done = nameVersion(aux.vna_other, aux.vna_name); !done) return done;
        if (aux.vna_next == 0) break;
        auxAt += aux.vna_next;
      }
      if (entry.vn_next == 0) break;
      at += entry.vn_next;
    }
    return {};
  }

  // --- relocations ------------------------------------------------------------------------------------------------

  Check readRelocations() {
    using Form = RelocationTable::Form;
    auto add = [&](const Tag &address, const Tag &size, Form form) {
      if (!address || !size || *size == 0) return true;
      auto entries = loadedBytes(image_, *address, *size);
      if (entries) image_.relocations.push_back({form, *entries});
      return entries.has_value();
    };
    Form pltForm = small_[DT_PLTREL] == uint64_t{DT_REL} ? Form::Rel : Form::Rela;
    if (!add(small_[DT_RELA], small_[DT_RELASZ], Form::Rela) || !add(small_[DT_REL], small_[DT_RELSZ], Form::Rel) ||
        !add(small_[DT_RELR], small_[DT_RELRSZ], Form::Relr) || !add(small_[DT_JMPREL], small_[DT_PLTRELSZ], pltForm))
      return damaged("its dynamic relocations lie outside of the file");
    return {};
  }

  ElfImage &image_;
  std::optional<std::pair<uint64_t, uint64_t>> dynsymCount_;
  std::array<Tag, kSmallTags> small_{};
  Tag gnuHash_, versym_, verdef_, verdefCount_, verneed_, verneedCount_;
  std::vector<uint64_t> needed_;
  std::string_view strings_;
};

} // namespace

std::expected<void, std::string> readDynamicSection(ElfImage &image, BytesView dynamic,
                                                    std::optional<std::pair<uint64_t, uint64_t>> dynsymCount) {
  return DynamicSection(image, dynsymCount).read(dynamic);
}

} // namespace lpc::target
