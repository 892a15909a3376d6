// The program that most tests patch. Addresses are in assembled()'s comment; labels say what is at them.
#pragma once

namespace lpc::test {

inline constexpr const char *kServer = R"(
.text
.globl handle_request
.type handle_request,@function
handle_request:                 # 0x401000
  push rbp
  mov rbp, rsp
  sub rsp, 16
  mov eax, 1
  leave
  ret
.size handle_request,.-handle_request

.balign 16
.globl tracked
.type tracked,@function
tracked:                        # 0x401010
  endbr64
  mov eax, 2
  ret
.size tracked,.-tracked

.balign 16
.globl tracked_short
.type tracked_short,@function
tracked_short:                  # 0x401020
  endbr64
  ret
  ud2
.size tracked_short,.-tracked_short
  .byte 0

.balign 16, 0xcc
.globl padded
.type padded,@function
padded:                         # 0x401030
  xor eax, eax
  ret
.size padded,.-padded

.balign 16, 0xcc
.globl tiny
.type tiny,@function
tiny:                           # 0x401040
  xor eax, eax
  ret
.size tiny,.-tiny
.globl neighbour
.type neighbour,@function
neighbour:                      # 0x401043
  mov eax, 3
  ret
.size neighbour,.-neighbour

.balign 16, 0xcc
.globl looping
.type looping,@function
looping:                        # 0x401050
  xor eax, eax
1: inc eax
  cmp eax, edi
  jl 1b
  ret
.size looping,.-looping

.balign 16, 0xcc
.globl with_data
.type with_data,@function
with_data:                      # 0x401060
  jmp 1f
  .byte 0x06                    # no instruction in 64-bit code
1: mov eax, 4
  ret
.size with_data,.-with_data

.section .rodata
.globl greeting
.type greeting,@object
greeting: .asciz "hello, world"  # 0x402000, 13 bytes
.size greeting,.-greeting

.data
.globl counter, wide, table, flag, function_pointer
.type counter,@object
counter: .long 7                # 0x403000
.size counter,4
.type flag,@object
flag: .byte 1                   # 0x403004
.size flag,1
.balign 8
.type wide,@object
wide: .quad 9                   # 0x403008
.size wide,8
.type table,@object
table: .quad 1, 2, 3, 4         # 0x403010
.size table,32
.type function_pointer,@object
function_pointer: .quad tiny    # 0x403030
.size function_pointer,8
.globl unsized
unsized: .quad 0                # 0x403038, the last of .data

.bss
.globl zeros
.type zeros,@object
zeros: .zero 16                 # 0x404000
.size zeros,16
)";

} // namespace lpc::test
