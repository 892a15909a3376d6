// The files of `lpc status --symbols` are ELF files that our own reader understands, with everything where it was asked
// for.
#include "backend/symbol_elf.h"

#include <gtest/gtest.h>

#include "frontend/target/elf_file.h"

namespace lpc::backend {
namespace {

TEST(SymbolElf, SectionsAndNames) {
  const Bytes code{0x90, 0xc3}, frames{1, 2, 3};
  Bytes file =
      symbolElf(Machine::X86_64,
                {{".text", {0x7000'1000}, code, true, 0x2000},
                 {".text", {0x7000'5000}, code, true, 0x9000},
                 {".eh_frame", {0x7000'2000}, frames}},
                {{"first", {{0x7000'1000}, {0x7000'1002}}, 0}, {"_Z6secondi", {{0x7000'5001}, {0x7000'5002}}, 1}});
  EXPECT_TRUE(std::ranges::equal(BytesView(file).subspan(0x2000, 2), code));
  EXPECT_TRUE(std::ranges::equal(BytesView(file).subspan(0x9000, 2), code));
  auto elf = target::ElfFile::fromBytes(file, "symbols");
  ASSERT_TRUE(elf.has_value()) << elf.error().message;
  EXPECT_EQ((*elf)->machine(), Machine::X86_64);
  auto found = (*elf)->find({"first", "_Z6secondi"});
  ASSERT_EQ(found[0].size(), 1U);
  ASSERT_EQ(found[1].size(), 1U);
  EXPECT_EQ(found[0][0].address, LinkAddress{0x7000'1000});
  EXPECT_EQ(found[0][0].size, 2U);
  EXPECT_EQ(found[1][0].address, LinkAddress{0x7000'5001});
  EXPECT_EQ(found[1][0].kind, target::SymbolKind::Function);
  bool frame = false;
  for (const target::Section &section : (*elf)->sections())
    frame |= section.name == ".eh_frame" && section.address == LinkAddress{0x7000'2000} && section.size == 3;
  EXPECT_TRUE(frame);
}

} // namespace
} // namespace lpc::backend
