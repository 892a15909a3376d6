// What docs/bounds.md says of ELF and DWARF: files that claim more than there can be, and DWARF that leads in circles
// or multiplies. Each has an answer, or none, and that soon.
#include <dwarf.h>
#include <elf.h>

#include <cstring>

#include "files.h"
#include "frontend/target/debug_info.h"

namespace lpc::target {
namespace {

using namespace lpc::test;

// --- ELF

template <class T> T get(const Bytes &bytes, uint64_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}
template <class T> void put(Bytes &bytes, uint64_t offset, const T &value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
}

std::string refusal(const Bytes &bytes) {
  auto file = ElfFile::fromBytes(bytes, "f");
  return file ? "(read)" : file.error().message;
}

TEST(Bounds, SectionsBeyondTheFile) {
  Bytes bytes = readAll(madeFile("small"));
  auto header = get<Elf64_Ehdr>(bytes, 0);
  header.e_shnum = 0; // then the first section says how many (gABI, "Section header")
  put(bytes, 0, header);
  for (uint64_t count : {uint64_t{1} << 32, uint64_t{1} << 58, UINT64_MAX}) {
    auto first = get<Elf64_Shdr>(bytes, header.e_shoff);
    first.sh_size = count;
    put(bytes, header.e_shoff, first);
    EXPECT_NE(refusal(bytes), "(read)") << count;
    EXPECT_EQ(DebugInfo::of(bytes, "f"), nullptr);
  }
}

TEST(Bounds, SymbolsBeyondTheFile) {
  const Bytes whole = readAll(madeFile("small"));
  auto header = get<Elf64_Ehdr>(whole, 0);
  for (uint16_t i = 0; i < header.e_shnum; i++) {
    uint64_t at = header.e_shoff + i * sizeof(Elf64_Shdr);
    auto section = get<Elf64_Shdr>(whole, at);
    if (section.sh_type != SHT_SYMTAB) continue;
    for (uint64_t count : {uint64_t{1} << 32, (UINT64_MAX / sizeof(Elf64_Sym)) - 1}) {
      Bytes bytes = whole;
      section.sh_size = count * sizeof(Elf64_Sym);
      put(bytes, at, section);
      EXPECT_NE(refusal(bytes), "(read)") << count;
    }
    return;
  }
  FAIL() << "no symbol table";
}

TEST(Bounds, CompressedSectionsThatClaimTerabytes) {
  for (const char *name : {"typed_zlib", "typed_zlib_gnu"}) {
    Bytes bytes = readAll(madeFile(name));
    auto file = openElf(madeFile(name));
    const Symbol symbol = only(*file, "handle");
    ASSERT_TRUE(DebugInfo::of(bytes, "f")->signature(symbol)) << name;
    auto header = get<Elf64_Ehdr>(bytes, 0);
    int changed = 0;
    for (uint16_t i = 0; i < header.e_shnum; i++) {
      auto section = get<Elf64_Shdr>(bytes, header.e_shoff + i * sizeof(Elf64_Shdr));
      if ((section.sh_flags & SHF_COMPRESSED) != 0) {
        auto compressed = get<Elf64_Chdr>(bytes, section.sh_offset);
        compressed.ch_size = uint64_t{1} << 40;
        put(bytes, section.sh_offset, compressed);
        changed++;
      } else if (section.sh_type == SHT_PROGBITS && std::memcmp(&bytes[section.sh_offset], "ZLIB", 4) == 0) {
        bytes[section.sh_offset + 6] = 1; // of a big-endian size: 2^40
        changed++;
      }
    }
    ASSERT_GT(changed, 1) << name;
    EXPECT_FALSE(DebugInfo::of(bytes, "f")->signature(symbol)) << name;
  }
}

// --- DWARF, made by hand

void add(Bytes &out, uint64_t number, unsigned size) { appendLittle(out, number, size); }
void add(Bytes &out, std::initializer_list<uint8_t> bytes) { out.insert(out.end(), bytes); }

// A file with these two sections and nothing else.
Bytes withDwarf(const Bytes &info, const Bytes &abbreviations) {
  const std::string names("\0.debug_info\0.debug_abbrev\0.names\0", 34);
  Bytes out(sizeof(Elf64_Ehdr));
  Elf64_Shdr sections[4]{};
  auto section = [&](Elf64_Shdr &header, uint32_t name, uint32_t type, const auto &content) {
    header.sh_name = name, header.sh_type = type, header.sh_offset = out.size(), header.sh_size = content.size();
    out.insert(out.end(), content.begin(), content.end());
  };
  section(sections[1], 1, SHT_PROGBITS, info);
  section(sections[2], 13, SHT_PROGBITS, abbreviations);
  section(sections[3], 27, SHT_STRTAB, names);
  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64, header.e_ident[EI_DATA] = ELFDATA2LSB, header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_EXEC, header.e_machine = EM_X86_64, header.e_version = EV_CURRENT;
  header.e_shoff = out.size(), header.e_shentsize = sizeof(Elf64_Shdr), header.e_shnum = 4, header.e_shstrndx = 3;
  out.resize(out.size() + sizeof sections);
  std::memcpy(out.data() + header.e_shoff, sections, sizeof sections);
  put(out, 0, header);
  return out;
}

// One unit of version 4 that covers 0x1000 to 0x2000; `entries` are its children, whose references count from the
// unit's start.
constexpr uint64_t kEntries = 11 + 1 + 16; // of the header, and of the unit's own entry
Bytes unit(const Bytes &entries, uint32_t abbreviationsAt = 0) {
  Bytes out;
  add(out, 7 + 1 + 16 + entries.size() + 1, 4), add(out, 4, 2), add(out, abbreviationsAt, 4), add(out, 8, 1);
  add(out, 1, 1), add(out, 0x1000, 8), add(out, 0x1000, 8);
  out.insert(out.end(), entries.begin(), entries.end());
  add(out, 0, 1);
  return out;
}
Bytes abbreviations() {
  Bytes out;
  auto entry = [&](uint8_t code, uint8_t tag, bool children, std::initializer_list<uint8_t> forms) {
    add(out, {code, tag, children}), add(out, forms), add(out, {0, 0});
  };
  entry(1, DW_TAG_compile_unit, true, {DW_AT_low_pc, DW_FORM_addr, DW_AT_high_pc, DW_FORM_data8});
  entry(2, DW_TAG_subprogram, false,
        {DW_AT_low_pc, DW_FORM_addr, DW_AT_high_pc, DW_FORM_data8, DW_AT_specification, DW_FORM_ref4});
  entry(3, DW_TAG_variable, false, {DW_AT_location, DW_FORM_exprloc, DW_AT_type, DW_FORM_ref4});
  entry(4, DW_TAG_typedef, false, {DW_AT_type, DW_FORM_ref4});
  entry(5, DW_TAG_structure_type, true, {DW_AT_byte_size, DW_FORM_data1});
  entry(6, DW_TAG_member, false, {DW_AT_type, DW_FORM_ref4, DW_AT_data_member_location, DW_FORM_data1});
  entry(7, DW_TAG_lexical_block, true, {});
  entry(8, DW_TAG_subprogram, true, {DW_AT_low_pc, DW_FORM_addr, DW_AT_high_pc, DW_FORM_data8});
  add(out, 0, 1);
  return out;
}
Symbol symbolAt(uint64_t address) {
  return {.name = "it", .version = {}, .sourceFile = {}, .address = LinkAddress{address}, .size = 16};
}
constexpr uint64_t kVariable = 0x4000;
void addVariable(Bytes &entries, uint64_t type) { // of 1 + 1 + 9 + 4 bytes
  add(entries, {3, 9, DW_OP_addr}), add(entries, kVariable, 8), add(entries, type, 4);
}

TEST(Bounds, SpecificationsInARing) {
  Bytes entries;
  for (uint64_t i = 0; i < 2; i++) {
    add(entries, 2, 1), add(entries, 0x1000 + 16 * i, 8), add(entries, 16, 8);
    add(entries, kEntries + 21 * (1 - i), 4); // the other one
  }
  Bytes file = withDwarf(unit(entries), abbreviations());
  auto debug = DebugInfo::of(file, "f");
  ASSERT_NE(debug, nullptr);
  for (uint64_t address : {uint64_t{0x1000}, uint64_t{0x1010}}) {
    auto signature = debug->signature(symbolAt(address));
    ASSERT_TRUE(signature); // it was found, and there is nothing to say of it
    EXPECT_EQ(signature->parameters.size(), 0U);
    EXPECT_TRUE(debug->inlinedCopies(symbolAt(address)).functions.empty());
  }
}

TEST(Bounds, TypesInARing) {
  Bytes entries;
  addVariable(entries, kEntries + 15);
  add(entries, 4, 1), add(entries, kEntries + 20, 4); // two typedefs of each other
  add(entries, 4, 1), add(entries, kEntries + 15, 4);
  Bytes file = withDwarf(unit(entries), abbreviations());
  EXPECT_TRUE(DebugInfo::of(file, "f")->partsAt(symbolAt(kVariable), 0).empty());
}

// Each member is the structure itself: 200 to the power of the depth, if nothing stopped it.
TEST(Bounds, StructuresThatContainThemselves) {
  Bytes entries;
  addVariable(entries, kEntries + 15);
  add(entries, {5, 8});
  for (int i = 0; i < 200; i++)
    add(entries, 6, 1), add(entries, kEntries + 15, 4), add(entries, 0, 1);
  add(entries, 0, 1);
  Bytes file = withDwarf(unit(entries), abbreviations());
  EXPECT_TRUE(DebugInfo::of(file, "f")->partsAt(symbolAt(kVariable), 0).empty());
}

// 2^33 rows of 2^33: the product has 66 bits, and no size is better than 4.
TEST(Bounds, ArraysThatAreLargerThanTheAddressSpace) {
  Bytes table = abbreviations();
  table.pop_back();
  auto entry = [&](std::initializer_list<uint8_t> bytes) { add(table, bytes), add(table, {0, 0}); };
  entry({9, DW_TAG_pointer_type, false, DW_AT_type, DW_FORM_ref4});
  entry({10, DW_TAG_array_type, true, DW_AT_type, DW_FORM_ref4});
  entry({11, DW_TAG_subrange_type, false, DW_AT_count, DW_FORM_data8});
  entry({12, DW_TAG_base_type, false, DW_AT_byte_size, DW_FORM_data1, DW_AT_encoding, DW_FORM_data1});
  add(table, 0, 1);
  for (uint64_t rows : {uint64_t{3}, uint64_t{1} << 33}) {
    Bytes entries;
    addVariable(entries, kEntries + 15);
    add(entries, 9, 1), add(entries, kEntries + 20, 4);
    add(entries, 10, 1), add(entries, kEntries + 44, 4);
    add(entries, 11, 1), add(entries, rows, 8), add(entries, 11, 1), add(entries, rows, 8), add(entries, 0, 1);
    add(entries, {12, 1, DW_ATE_signed});
    Bytes file = withDwarf(unit(entries), table);
    auto parts = DebugInfo::of(file, "f")->partsAt(symbolAt(kVariable), 0);
    ASSERT_EQ(parts.size(), 1U);
    EXPECT_EQ(parts[0].type.kind, DebugType::Kind::Pointer);
    EXPECT_EQ(parts[0].type.pointeeSize, rows == 3 ? 9U : 0U);
  }
}

TEST(Bounds, EntriesInsideEachOther) {
  Bytes entries;
  add(entries, 8, 1), add(entries, 0x1000, 8), add(entries, 16, 8);
  entries.resize(entries.size() + 1'000'000, 7); // blocks
  Bytes file = withDwarf(unit(entries), abbreviations());
  EXPECT_TRUE(DebugInfo::of(file, "f")->signature(symbolAt(0x1000)));
  EXPECT_TRUE(DebugInfo::of(file, "f")->inlinedCopies(symbolAt(0x1000)).functions.empty());
}

// Every unit has a table of its own of what is one table but for its start: 20,000 times a megabyte.
TEST(Bounds, TablesOfAbbreviationsThatOverlap) {
  Bytes table;
  for (unsigned i = 0; i < 200'000; i++) // codes of three bytes that nobody uses
    add(table,
        {static_cast<uint8_t>(0x80 | (i & 0x7f)), static_cast<uint8_t>(0x80 | ((i >> 7) & 0x7f)), 0x7f, 1, 0, 0, 0});
  const Bytes used = abbreviations();
  Bytes info;
  for (uint32_t i = 0; i < 20'000; i++) {
    Bytes one = unit({}, 7 * i);
    info.insert(info.end(), one.begin(), one.end());
  }
  table.insert(table.end(), used.begin(), used.end());
  Bytes file = withDwarf(info, table);
  auto debug = DebugInfo::of(file, "f");
  ASSERT_NE(debug, nullptr);
  EXPECT_FALSE(debug->signature(symbolAt(0x1000)));
  EXPECT_TRUE(debug->partsAt(symbolAt(kVariable), 0).empty());
}

TEST(Bounds, EntriesWithTooManyAttributes) {
  Bytes table = abbreviations();
  table.pop_back();
  add(table, {9, DW_TAG_subprogram, 0, DW_AT_low_pc, DW_FORM_addr});
  for (int i = 0; i < 300; i++)
    add(table, {DW_AT_artificial, DW_FORM_flag_present});
  add(table, {0, 0, 0});
  Bytes entries;
  add(entries, 9, 1), add(entries, 0x1000, 8);
  add(entries, 2, 1), add(entries, 0x1010, 8), add(entries, 16, 8), add(entries, 0, 4);
  Bytes file = withDwarf(unit(entries), table);
  EXPECT_FALSE(DebugInfo::of(file, "f")->signature(symbolAt(0x1000)));
}

} // namespace
} // namespace lpc::target
