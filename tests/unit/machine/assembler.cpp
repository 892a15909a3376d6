// Blocks of assembly: what they become, and what is not let in.
#include "ir/machine/assembler.h"

#include <gtest/gtest.h>

#include "ir/support/address.h"
#include "ir/support/cat.h"

namespace lpc {
namespace {

// "bytes; offset kind name addend; …; label=offset", or "offset-end id: message" of each fault.
std::string assembled(const std::string &block, AssemblySyntax syntax = AssemblySyntax::Intel) {
  constexpr std::string_view kKinds[] = {"relative32", "branch32", "signed32", "unsigned32", "whole64"};
  auto shown = [](const std::vector<AssemblyFault> &faults) {
    std::string out;
    for (const AssemblyFault &fault : faults)
      out += cat(out.empty() ? "" : "; ", fault.offset, "-", fault.offset + fault.length, " ", info(fault.id).text,
                 ": ", fault.message);
    return out;
  };
  auto text = AssemblyText::prepare(block, syntax, [](std::string_view name) { return name == "fix"; });
  if (!text) return shown(text.error());
  auto code = assemble(Machine::X86_64, *text, syntax);
  if (!code) return shown(code.error());
  std::string out = toHex(code->bytes);
  for (const AssembledReference &reference : code->references) {
    AssemblyName name = text->nameOf(reference.identifier);
    out += cat("; ", reference.offset, " ", kKinds[static_cast<size_t>(reference.kind)], " ");
    if (!name.memory.empty()) out += cat("$", name.memory, name.symbol.empty() ? "" : ":");
    if (!name.object.empty()) out += name.object + "!";
    if (!name.sourceFile.empty()) out += name.sourceFile + ":";
    out += cat(name.symbol, " ", reference.addend);
  }
  for (const AssembledLabel &label : code->labels)
    out += cat("; ", label.name, "=", label.offset);
  return out;
}

TEST(Assembler, Instructions) {
  EXPECT_EQ(assembled("nop"), "90");
  EXPECT_EQ(assembled(" xor eax, eax ; ret # done"), "31c0c3");
  EXPECT_EQ(assembled("xorl %eax, %eax\n ret", AssemblySyntax::Att), "31c0c3");
  EXPECT_EQ(assembled("MOV EAX, 'a' // a letter"), "b861000000");
  EXPECT_EQ(assembled("lock inc qword ptr [rdi]"), "f048ff07");
  EXPECT_EQ(assembled("mov rax, fs:[0x28]"), "64488b042528000000");
  EXPECT_EQ(assembled("vaddps zmm1{k1}{z}, zmm2, zmm3"), "62f16cc958cb");
  EXPECT_EQ(assembled(""), "");
}

TEST(Assembler, LabelsAndData) {
  EXPECT_EQ(assembled("a: jmp b\n nop\nb: jmp a"), "eb0190ebfb; a=0; b=3");
  EXPECT_EQ(assembled("1: jmp 1b\n.Lx: jmp .Lx"), "ebfeebfe");
  EXPECT_EQ(assembled("a: .byte 1, 'b'; .short 2\n.long 3; .quad 4, 5"), "0162020003000000"
                                                                         "0400000000000000"
                                                                         "0500000000000000; a=0");
  EXPECT_EQ(assembled(".ascii \"a#;{\"; .asciz \"b\\n\""), "61233b7b620a00");
  EXPECT_EQ(assembled("nop; .balign 4; nop"), "900f1f0090");
  EXPECT_EQ(assembled("x: nop; .quad x, x + 8"), "9000000000000000000000000000000000; 1 whole64  0; 9 whole64  8; x=0");
}

TEST(Assembler, NamesOfTheLanguage) {
  EXPECT_EQ(assembled("call puts"), "e800000000; 1 branch32 puts -4");
  EXPECT_EQ(assembled("jne puts"), "0f8500000000; 2 branch32 puts -4");
  EXPECT_EQ(assembled("mov rax, [rip + counter + 8]"), "488b0500000000; 3 relative32 counter 4");
  EXPECT_EQ(assembled("cmp byte ptr [rip + counter], 1"), "803d0000000001; 2 relative32 counter -5");
  EXPECT_EQ(assembled("movabs rax, offset counter"), "48b80000000000000000; 2 whole64 counter 0");
  EXPECT_EQ(assembled("mov edi, offset counter"), "bf00000000; 1 unsigned32 counter 0");
  EXPECT_EQ(assembled("call $fix; call $fix:entry.cold; call $fix"),
            "e800000000e800000000e800000000; 1 branch32 $fix -4; 6 branch32 $fix:entry.cold -4; 11 branch32 $fix -4");
  EXPECT_EQ(assembled("call libc.so.6!puts; call util.c:helper; call a.so!u.c:f"),
            "e800000000e800000000e800000000; 1 branch32 libc.so.6!puts -4; 6 branch32 util.c:helper -4; 11 branch32 "
            "a.so!u.c:f -4");
  EXPECT_EQ(assembled("call \"http::Server::accept(int)\""), "e800000000; 1 branch32 http::Server::accept(int) -4");
  EXPECT_EQ(assembled("movabs $$fix, %rax; mov $5, %eax; call $fix", AssemblySyntax::Att),
            "48b80000000000000000b805000000e800000000; 2 whole64 $fix 0; 16 branch32 $fix -4");
  EXPECT_EQ(assembled("mov $other, %eax", AssemblySyntax::Att), "b800000000; 1 unsigned32 other 0");
  EXPECT_EQ(assembled("call\"puts\""), "e800000000; 1 branch32 puts -4");
  EXPECT_NE(assembled("call \"a\"b").find("assembly-error"), std::string::npos); // not one name
  EXPECT_EQ(assembled("call lpc_0; call $fix"), "e800000000e800000000; 1 branch32 lpc_0 -4; 6 branch32 $fix -4");
}

TEST(Assembler, PlacesOfErrors) {
  EXPECT_EQ(assembled("nop\n  mvo eax, 1").substr(0, 21), "6-9 assembly-error: i");
  EXPECT_EQ(assembled("call $fix; mvo eax").substr(0, 23), "11-14 assembly-error: i");
  EXPECT_EQ(assembled("mov eax, 0x1ffffffffffffffffffff"), "9-32 assembly-error: unknown token in expression");
  EXPECT_EQ(assembled("a: nop\na: nop"), "7-9 assembly-error: symbol `a` is already defined");
  EXPECT_EQ(assembled("call puts@GOTPCREL"), "9-10 assembly-error: this character has no meaning here");
}

TEST(Assembler, WhatIsNotLetIn) {
  for (const char *directive : {".incbin \"/etc/passwd\"",
                                ".include \"/etc/passwd\"",
                                ".fill 1000000000",
                                ".skip 1000000000",
                                ".zero 1000000000",
                                ".space 9",
                                ".org 0x10000000",
                                ".rept 1000000\nnop\n.endr",
                                ".irp x, 1, 2",
                                ".irpc x, 12",
                                ".macro m",
                                ".section .data",
                                ".data",
                                ".text",
                                ".bss",
                                ".pushsection .x",
                                ".if 1",
                                ".set a, 5",
                                ".equ a, 5",
                                ".globl a",
                                ".file \"x\"",
                                ".loc 1 1",
                                ".cfi_startproc",
                                ".p2align 30",
                                ".align 5",
                                ".nops 100",
                                ".dc.b 1",
                                ".dcb.b 100000000, 1",
                                ".ds.b 100000000",
                                ".intel_syntax noprefix",
                                ".att_syntax",
                                ".code32",
                                ".comm a, 100",
                                ".lcomm a, 100",
                                ".end",
                                ".print \"x\"",
                                ".err",
                                ".altmacro",
                                ".symver a, b@c",
                                ".uleb128 5",
                                ".INCBIN \"x\"",
                                ".reloc 0, R_X86_64_NONE",
                                ".string16 \"x\"",
                                ".addrsig"}) {
    for (const char *before : {"", "nop; ", "nop\n", "a: ", "1: ", "/* */ ", "# x\n"})
      EXPECT_NE(assembled(std::string(before) + directive).find("assembly-directive"), std::string::npos)
          << before << directive << " " << assembled(std::string(before) + directive);
  }
  auto refused = [](const std::string &block) { return assembled(block).find(" assembly-") != std::string::npos; };
  EXPECT_TRUE(refused(". = . + 0x10000000"));
  EXPECT_TRUE(refused("a = 5"));
  for (const char *complement : {"mov eax, ~~1", "mov eax, - Not 1", "mov eax, not not 1"}) // LLVM would not come back
    EXPECT_NE(assembled(complement).find("has no complement"), std::string::npos) << complement;
  for (const char *division :
       {"mov eax, 1/0", "mov eax, 1 / (2 - 2)", "mov eax, 5 mod 0", "mov eax, 5 Mod 1", "mov eax, 5 % 0",
        "mov eax, [1/0]", ".quad 0x8000000000000000 / -1", ".quad 5 % 0", "mov eax, %ebx"}) // LLVM would divide
    EXPECT_NE(assembled(division).find("has no division"), std::string::npos) << division;
  for (const char *division : {"mov $5/0, %eax", ".quad 0x8000000000000000 % -1", "mov $5 % (1 - 1), %eax"})
    EXPECT_NE(assembled(division, AssemblySyntax::Att).find("has no division"), std::string::npos) << division;
  EXPECT_EQ(assembled("not eax; lock not dword ptr [rdi]"), "f7d0f0f717");
  EXPECT_EQ(assembled("movl $~~1, %eax", AssemblySyntax::Att), "b801000000");
  EXPECT_EQ(assembled("call $fix\nmvo").substr(0, 12), "10-13 assemb");
  EXPECT_TRUE(refused(".balign 128"));
  EXPECT_TRUE(refused(".balign 3"));
  EXPECT_TRUE(refused(".balign 99999999999999999999"));
  EXPECT_TRUE(refused(".balign 0x40000000"));
  EXPECT_TRUE(refused(".balign 8 + 1"));
  EXPECT_TRUE(refused(".balign 8, 0x90"));
  EXPECT_TRUE(refused("mov eax, " + std::string(40, '(') + "1" + std::string(40, ')')));
  EXPECT_TRUE(refused("mov eax, " + std::string(2000, '-') + "1"));
  EXPECT_TRUE(refused(std::string(100000, '\n')));
  std::string row = ".byte 1";
  for (int i = 0; i < 400; i++)
    row += ", 1";
  EXPECT_NE(assembled(row).find("a line of more than 1000 bytes"), std::string::npos);
  EXPECT_FALSE(refused(row.substr(0, 997))); // that many of them fit
  EXPECT_TRUE(refused("mov eax, \\1"));
  EXPECT_TRUE(refused("nop /* no end"));
  EXPECT_TRUE(refused(".ascii \"no end"));
  EXPECT_TRUE(refused("nop\x01"));
  EXPECT_TRUE(refused("mov eax, '\\''"));
}

} // namespace
} // namespace lpc
