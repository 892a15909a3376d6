// Headers and notes of objects in memory: bytes of a process that may be hostile.
#include "runtime/elf_memory.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>

namespace lpc::runtime {
namespace {

template <class Raw> Bytes bytesOf(const Raw &raw) {
  Bytes bytes(sizeof raw);
  memcpy(bytes.data(), &raw, sizeof raw);
  return bytes;
}

Elf64_Ehdr goodHeader() {
  Elf64_Ehdr header{};
  memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64, header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_phoff = 64, header.e_phnum = 3, header.e_phentsize = sizeof(Elf64_Phdr);
  return header;
}

TEST(ElfMemory, Header) {
  EXPECT_EQ(parseElfHeader(bytesOf(goodHeader()), true), (SegmentTable{64, 3, sizeof(Elf64_Phdr)}));
  EXPECT_EQ(parseElfHeader(bytesOf(goodHeader()), false), std::nullopt);
  Bytes cut = bytesOf(goodHeader());
  cut.pop_back();
  EXPECT_EQ(parseElfHeader(cut, true), std::nullopt);
  EXPECT_EQ(parseElfHeader({}, true), std::nullopt);
  auto many = goodHeader();
  many.e_phnum = 0xffff;
  EXPECT_EQ(parseElfHeader(bytesOf(many), true), std::nullopt);
  auto big = goodHeader();
  big.e_ident[EI_DATA] = ELFDATA2MSB;
  EXPECT_EQ(parseElfHeader(bytesOf(big), true), std::nullopt);
}

TEST(ElfMemory, Segments) {
  Elf64_Phdr raw{};
  raw.p_type = PT_LOAD, raw.p_offset = 1, raw.p_vaddr = 2, raw.p_filesz = 3, raw.p_memsz = 4;
  Bytes table = bytesOf(raw);
  ASSERT_EQ(parseSegments(table, sizeof raw, true), (std::vector<Segment>{{PT_LOAD, 1, 2, 3, 4}}));
  table.resize(2 * sizeof raw + 16); // entries may be larger than we know them
  EXPECT_EQ(parseSegments(table, sizeof raw + 8, true).size(), 2U);
  EXPECT_TRUE(parseSegments(table, sizeof raw, true).empty()); // no whole number of entries
  EXPECT_TRUE(parseSegments(table, 0, true).empty());
  EXPECT_TRUE(parseSegments(table, 8, true).empty());
  EXPECT_TRUE(parseSegments({}, sizeof raw, true).empty());
  Elf32_Phdr small{};
  small.p_type = PT_NOTE, small.p_vaddr = 5;
  EXPECT_EQ(parseSegments(bytesOf(small), sizeof small, false), (std::vector<Segment>{{PT_NOTE, 0, 5, 0, 0}}));
}

void note(Bytes &out, std::string_view name, uint32_t type, const Bytes &content) {
  appendLittle(out, name.size(), 4), appendLittle(out, content.size(), 4), appendLittle(out, type, 4);
  out.insert(out.end(), name.begin(), name.end());
  while (out.size() % 4)
    out.push_back(0);
  out.insert(out.end(), content.begin(), content.end());
  while (out.size() % 4)
    out.push_back(0);
}

TEST(ElfMemory, BuildId) {
  using namespace std::literals;
  Bytes notes;
  note(notes, "GNU\0"sv, NT_GNU_ABI_TAG, {1, 2, 3});
  note(notes, "LP\0"sv, NT_GNU_BUILD_ID, {9, 9});
  note(notes, "GNU\0"sv, NT_GNU_BUILD_ID, {0xde, 0xad, 0xbe});
  EXPECT_EQ(buildIdOf(notes), (Bytes{0xde, 0xad, 0xbe}));
  EXPECT_TRUE(buildIdOf(BytesView(notes).first(notes.size() - 4)).empty()); // cut off inside the note
  EXPECT_TRUE(buildIdOf({}).empty());
  Bytes endless;
  note(endless, "GNU\0"sv, NT_GNU_BUILD_ID, {1});
  storeLittle(std::span(endless).subspan(4, 4), 0xfffffffe);
  EXPECT_TRUE(buildIdOf(endless).empty());
  storeLittle(std::span(endless).first(4), 0xffffffff);
  EXPECT_TRUE(buildIdOf(endless).empty());
}

} // namespace
} // namespace lpc::runtime
