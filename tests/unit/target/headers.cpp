// What a file says of itself.
#include <filesystem>
#include <sys/stat.h>

#include "files.h"

namespace lpc::target {
namespace {

using namespace lpc::test;
using testing::HasSubstr;

TEST(Headers, SmallProgram) {
  auto file = openMade("small");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->machine(), Machine::X86_64);
  EXPECT_EQ(file->elfType(), 2);
  EXPECT_EQ(toHex(file->buildId()), "0123456789abcdef");
  EXPECT_EQ(file->interpreter(), "");
  EXPECT_TRUE(file->hasSymbolTable());
  EXPECT_FALSE(file->isDebugFile());
  ASSERT_EQ(file->segments().size(), 3U);
  const Segment &code = file->segments()[1], &data = file->segments()[2];
  EXPECT_EQ(code.address.value, 0x401000U);
  EXPECT_TRUE(code.executable && code.readable && !code.writable);
  EXPECT_EQ(data.fileSize, 8U);
  EXPECT_EQ(data.memorySize, 0x28U);
  EXPECT_TRUE(data.writable && !data.executable);
}

TEST(Headers, SectionAndSegmentOfAnAddress) {
  auto file = openMade("small");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->sectionAt({0x401010})->name, ".text");
  EXPECT_EQ(file->sectionAt({0x402008})->name, ".bss");
  EXPECT_TRUE(file->sectionAt({0x402008})->zeroFilled);
  EXPECT_EQ(file->sectionAt({0x402028}), nullptr);
  EXPECT_EQ(file->sectionAt({0}), nullptr); // .comment is not loaded
  EXPECT_EQ(file->segmentAt({0x402027})->address.value, 0x402000U);
  EXPECT_EQ(file->segmentAt({0x402028}), nullptr);
  EXPECT_EQ(file->segmentAt({0x4000ff}), nullptr);
}

TEST(Headers, BytesAsLoaded) {
  auto file = openMade("small");
  ASSERT_TRUE(file);
  EXPECT_EQ(toHex(file->bytesAt({0x400118}, 6).value()), "68656c6c6f00");
  EXPECT_EQ(toHex(file->bytesAt({0x402006}, 4).value()), "07080000"); // data, then zeros
  EXPECT_EQ(file->bytesAt({0x402020}, 8), Bytes(8));
  EXPECT_EQ(file->bytesAt({0x402020}, 9), std::nullopt);
  EXPECT_EQ(file->bytesAt({0x402000}, UINT64_MAX), std::nullopt);
  EXPECT_EQ(file->bytesAt({0x401000}, 0), Bytes{});
  EXPECT_EQ(file->bytesAt({0x500000}, 1), std::nullopt);
}

TEST(Headers, DynamicSection) {
  auto file = openMade("tree_rpath");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->elfType(), 3);
  EXPECT_EQ(file->rpath(), "${ORIGIN}/sub:$ORIGIN/sub/deep");
  EXPECT_EQ(file->runpath(), "");
  EXPECT_THAT(file->needed(), testing::ElementsAre("libbare.so", "libc.so.6"));
  EXPECT_THAT(file->interpreter(), HasSubstr("ld-linux"));
  auto library = openMade("libversions.so");
  ASSERT_TRUE(library);
  EXPECT_EQ(library->soname(), "libversions.so.2");
  EXPECT_EQ(openMade("tree_runpath")->runpath(), "$ORIGIN/sub");
}

TEST(Headers, RelocatableObject) {
  auto file = openMade("object");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->elfType(), 1);
  EXPECT_TRUE(file->segments().empty());
  EXPECT_EQ(file->sectionAt({0}), nullptr);
  EXPECT_EQ(only(*file, "defined").size, 6U);
  EXPECT_EQ(only(*file, "common").address.value, 0U);
  auto undefined = file->undefinedSymbols();
  ASSERT_EQ(undefined.size(), 3U);
  EXPECT_EQ(undefined[0].name, "needed");
  EXPECT_FALSE(undefined[0].weak);
  EXPECT_TRUE(undefined[1].weak);
  EXPECT_TRUE(undefined[2].threadLocal);
}

TEST(Headers, OtherClass) {
  auto file = openMade("i386");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->machine(), Machine::I386);
  EXPECT_EQ(only(*file, "start").address.value, 0x8048001U);
  EXPECT_EQ(file->symbolAt({0x8048002}).value().name, "start");
}

void expectError(const std::string &path, DiagnosticId id, const std::string &message) {
  auto file = ElfFile::open(path, "shown");
  ASSERT_FALSE(file) << path;
  EXPECT_EQ(file.error().id, id);
  EXPECT_THAT(file.error().message, HasSubstr(message));
  EXPECT_THAT(file.error().message, HasSubstr("`shown`"));
}

TEST(Headers, WhatIsNoElfFile) {
  std::string folder = madeFile("odd");
  std::filesystem::create_directories(folder);
  std::filesystem::remove(folder + "/pipe");
  ASSERT_EQ(mkfifo((folder + "/pipe").c_str(), 0600), 0);
  writeAll(folder + "/empty", {});
  writeAll(folder + "/text", asBytes("not a program, but long enough to be the header of one, or so it would seem"));
  expectError(folder + "/missing", DiagnosticId::CannotOpen, "No such file");
  expectError(folder, DiagnosticId::CannotOpen, "not a regular file");
  expectError(folder + "/pipe", DiagnosticId::CannotOpen, "not a regular file");
  expectError("/dev/zero", DiagnosticId::CannotOpen, "not a regular file");
  expectError(folder + "/empty", DiagnosticId::NotElf, "empty");
  expectError(folder + "/text", DiagnosticId::NotElf, "not an ELF file");
  expectError(madeFile("big_endian"), DiagnosticId::UnsupportedMachine, "64-bit ELF machine 21");
}

TEST(Headers, Contradictions) {
  Bytes good = readAll(madeFile("small"));
  auto expectDamaged = [&](size_t offset, std::initializer_list<uint8_t> bytes, const std::string &why) {
    Bytes bad = good;
    std::ranges::copy(bytes, bad.begin() + static_cast<std::ptrdiff_t>(offset));
    auto file = ElfFile::fromBytes(std::move(bad), "shown");
    ASSERT_FALSE(file) << why;
    EXPECT_EQ(file.error().id, DiagnosticId::NotElf);
    EXPECT_THAT(file.error().message, HasSubstr(why));
  };
  constexpr size_t kFirstSegment = 64;
  expectDamaged(4, {3}, "neither a 32-bit nor a 64-bit");
  expectDamaged(16, {4}, "neither a program nor a library"); // a core dump
  expectDamaged(54, {1}, "e_phentsize");
  expectDamaged(0x2f, {0xff}, "section header table");
  expectDamaged(kFirstSegment + 8 + 7, {0xff}, "a segment lies outside of the file"); // p_offset
  expectDamaged(kFirstSegment + 16 + 7,
                {0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff},
                "past the end of the address space");                          // p_vaddr + p_memsz
  expectDamaged(kFirstSegment + 40, {1}, "longer in the file than in memory"); // p_memsz
}

} // namespace
} // namespace lpc::target
