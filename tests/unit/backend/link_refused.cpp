// What the linker refuses, with its message, each beside the nearest payload that it accepts.
#include <elf.h>
#include <gtest/gtest.h>

#include "link_support.h"

namespace lpc::backend {
namespace {

using test::compile;

void expectError(const Result<PayloadImage> &image, DiagnosticId id, const std::string &message) {
  ASSERT_FALSE(image.has_value()) << message;
  EXPECT_EQ(image.error().id, id) << image.error().message;
  EXPECT_EQ(image.error().message, message);
}

constexpr auto kUnsupported = DiagnosticId::UnsupportedPayload;
constexpr auto kThreadLocal = DiagnosticId::PayloadThreadLocal;
constexpr auto kCorrupt = DiagnosticId::CorruptPayload;

void expectAccepted(const Result<PayloadImage> &image) { EXPECT_TRUE(image.has_value()) << image.error().message; }

// --- other kinds of files -----------------------------------------------------------------------------------

TEST(LinkRefused, OtherFiles) {
  auto readName = [](BytesView bytes) { return PayloadImage::read(bytes, "x", Machine::X86_64); };
  expectError(readName({}), DiagnosticId::NotElf, "`x` is not an ELF file");
  expectError(readName(asBytes("#!/bin/sh\nexit 0\n")), DiagnosticId::NotElf, "`x` is not an ELF file");
  expectError(readName(asBytes(std::string_view("\x7f"
                                                "ELF\x09\x01\x01\0\0\0\0\0\0\0\0\0\0",
                                                17))),
              DiagnosticId::NotElf, "`x` is not an ELF file of a known class and version");
}

TEST(LinkRefused, OtherMachines) {
  Bytes file = compile("int f(void) { return 1; }");
  expectAccepted(test::read(file));
  test::setMachine(file, EM_AARCH64);
  expectError(test::read(file), DiagnosticId::WrongMachine, "`patch.so` is for aarch64, the target for x86_64");
  expectError(PayloadImage::read(file, "patch.so", Machine::AArch64), DiagnosticId::UnsupportedMachine,
              "payloads for aarch64 cannot be linked yet");
  test::setMachine(file, EM_RISCV);
  expectError(test::read(file), DiagnosticId::WrongMachine, "`patch.so` is for another machine, the target for x86_64");
  test::setMachine(file, EM_X86_64);
  file[EI_CLASS] = ELFCLASS32; // x32
  expectError(test::read(file), DiagnosticId::WrongMachine, "`patch.so` is for another machine, the target for x86_64");
}

TEST(LinkRefused, ProgramsAndObjects) {
  const char *source = "int main(void) { return 1; }";
  expectAccepted(test::read(compile(source)));
  expectError(test::read(compile(source, {"-pie", "-fPIE"})), kUnsupported,
              "`patch.so` is a program, and `dl` links shared and relocatable objects");
  expectError(test::read(compile(source, {"-no-pie", "-fno-pie", "-static"})), kUnsupported,
              "`patch.so` is a program, and `dl` links shared and relocatable objects");
  expectAccepted(test::read(compile(source, {"-c"})));
}

// --- thread-local variables ---------------------------------------------------------------------------------

TEST(LinkRefused, OwnThreadLocals) {
  expectError(
      test::read(compile(
          "__thread int per_thread = 1; static __thread int other; int f(void) { return per_thread + other++; }")),
      kThreadLocal,
      "`patch.so` defines thread-local variables (`other`, `per_thread`), which needs the process's own dynamic "
      "linker");
  expectError(test::read(compile("static __thread int other; int f(void) { return other++; }", {"-s"})), kThreadLocal,
              "`patch.so` defines thread-local variables, which needs the process's own dynamic linker");
}

// --- other features -----------------------------------------------------------------------------------------

TEST(LinkRefused, ResolversThatAreNoCode) {
  Bytes file = compile("static int data = 1; int *pointer = &data;");
  constexpr uint32_t kRelative = 8, kResolved = 37;
  expectAccepted(test::read(file));
  ASSERT_TRUE(test::changeRelocation(file, kRelative, kResolved));
  while (test::changeRelocation(file, kRelative, kResolved)) {
  } // some lead to code of the start files
  expectError(test::read(file), kCorrupt,
              "`patch.so` is corrupt: the resolver of an indirect function lies outside of its code");
}

TEST(LinkRefused, WritableCode) {
  auto image = test::read(compile("int f(void) { return 1; }", {"-Wl,-z,execstack"}));
  expectError(image, kUnsupported, "`patch.so` wants executable stacks");
  EXPECT_EQ(image.error().help, "link it with `-z noexecstack` if it has no nested functions whose address is taken");
  Bytes file = compile("int f(void) { return 1; }");
  ASSERT_TRUE(
      test::changeSegment(file, PT_LOAD, [](test::SegmentFields &fields) { fields.flags = PF_R | PF_W | PF_X; }));
  expectError(test::read(file), kUnsupported, "`patch.so` has a segment that is writable and executable at once");
}

TEST(LinkRefused, Relocations) {
  constexpr uint32_t k64 = 1, kCopy = 5, kUnknown = 200;
  Bytes file = compile("extern char data[]; char *pointer = data;");
  Bytes copy = file, unknown = file;
  ASSERT_TRUE(test::changeRelocation(copy, k64, kCopy));
  expectError(test::read(copy), kUnsupported, "`patch.so` has a copy relocation of `data`: it is linked as a program");
  ASSERT_TRUE(test::changeRelocation(unknown, k64, kUnknown));
  expectError(test::read(unknown), kUnsupported, "`patch.so` has a relocation of type 200, which `dl` cannot apply");
  ASSERT_TRUE(test::changeTag(file, DT_RELASZ, DT_RELSZ, 24));
  expectError(test::read(file), kUnsupported,
              "`patch.so` has relocations without addends, which its machine does not use");
}

TEST(LinkRefused, TooLarge) {
  expectAccepted(test::read(compile("char big[1000u << 20];")));
  expectError(test::read(compile("char big[1030u << 20];")), kUnsupported,
              "`patch.so` needs more than 1 GiB of address space");
}

TEST(LinkRefused, SegmentsThatContradict) {
  Bytes file = compile("int f(void) { return 1; }");
  auto changed = [&](uint32_t type, auto change) {
    Bytes copy = file;
    EXPECT_TRUE(test::changeSegment(copy, type, change));
    return test::read(copy);
  };
  using Fields = test::SegmentFields;
  expectError(changed(PT_LOAD, [](Fields &f) { f.memorySize = f.fileSize - 1; }), kCorrupt,
              "`patch.so` is corrupt: the segment at 0x0 is longer in the file than in memory");
  expectError(changed(PT_LOAD, [](Fields &f) { f.address = ~uint64_t{0xfff}; }), kCorrupt,
              "`patch.so` is corrupt: the segment at 0xfffffffffffff000 reaches over the end of the address space");
  expectError(changed(PT_LOAD, [](Fields &f) { f.alignment = 0x3000; }), kCorrupt,
              "`patch.so` is corrupt: the segment at 0x0 has an alignment that is no power of two");
  expectError(changed(PT_LOAD, [](Fields &f) { f.offset = 8; }), kCorrupt,
              "`patch.so` is corrupt: the segment at 0x0 is not aligned as it says");
  expectError(changed(PT_LOAD, [](Fields &f) { f.alignment = 0x400000; }), kUnsupported,
              "`patch.so` has a segment aligned to 4194304 bytes, more than 2 MiB");
  expectError(changed(PT_LOAD, [](Fields &f) { f.fileSize = f.memorySize = 0x1001; }), kUnsupported,
              "`patch.so` has segments that share a page, or are out of order");
  expectError(changed(PT_LOAD, [](Fields &f) { f.fileSize = f.memorySize = 1 << 20; }), kCorrupt,
              "`patch.so` is corrupt: its segments are larger than the file");
  expectError(changed(PT_DYNAMIC, [](Fields &f) { f.address = 0x100000; }), kCorrupt,
              "`patch.so` is corrupt: its dynamic section lies outside of its segments");
  expectError(changed(PT_GNU_RELRO, [](Fields &f) { f.memorySize = 1 << 20; }), kCorrupt,
              "`patch.so` is corrupt: its read-only-after-relocation part lies outside of its segments");
  expectError(changed(PT_GNU_EH_FRAME, [](Fields &f) { f.memorySize = 1 << 20; }), kCorrupt,
              "`patch.so` is corrupt: its unwinding table lies outside of its segments");
}

TEST(LinkRefused, TablesThatContradict) {
  Bytes file = compile("#include <string.h>\nunsigned long f(const char *s) { return strlen(s); }");
  auto changed = [&](int64_t tag, uint64_t value) {
    Bytes copy = file;
    EXPECT_TRUE(test::changeTag(copy, tag, tag, value));
    return test::read(copy);
  };
  constexpr uint64_t kOutside = 0x100000;
  expectError(changed(DT_STRTAB, kOutside), kCorrupt,
              "`patch.so` is corrupt: its dynamic strings lie outside of its segments");
  expectError(changed(DT_RELA, kOutside), kCorrupt,
              "`patch.so` is corrupt: its relocations lie outside of its segments");
  expectError(changed(DT_RELASZ, 25), kCorrupt,
              "`patch.so` is corrupt: the size of its relocations is no multiple of an entry");
  expectError(changed(DT_JMPREL, UINT64_MAX), kCorrupt,
              "`patch.so` is corrupt: its relocations of the PLT lie outside of its segments");
  expectError(changed(DT_GNU_HASH, kOutside), kCorrupt,
              "`patch.so` is corrupt: its symbol hash table lies outside of its segments");
  expectError(changed(DT_SYMTAB, kOutside), kCorrupt,
              "`patch.so` is corrupt: its dynamic symbols lie outside of its segments");
  expectError(changed(DT_SYMENT, 16), kCorrupt,
              "`patch.so` is corrupt: its dynamic tables have entries of an unknown size");
  expectError(changed(DT_INIT, kOutside), kCorrupt,
              "`patch.so` is corrupt: its initialiser or terminator lies outside of its segments");
  expectError(changed(DT_INIT_ARRAY, kOutside), kCorrupt,
              "`patch.so` is corrupt: its table of initialisers or terminators lies outside of its segments");
  expectError(changed(DT_VERSYM, kOutside), kCorrupt,
              "`patch.so` is corrupt: its table of symbol versions lies outside of its segments");
}

} // namespace
} // namespace lpc::backend
