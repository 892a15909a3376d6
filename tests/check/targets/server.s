# The program of most golden tests. Addresses are set by the linker's options and the order of this file, so that expectations
# hold with every compiler.
    .file "server.c"
    .text
    .globl _start, greet, pair, tiny, looped, broken, pick, table_end, after
    .type _start, @function
_start:
    mov $60, %eax
    xor %edi, %edi
    syscall
    .size _start, .-_start
    .balign 16
    .type greet, @function
greet:                          # with an endbr64 as -fcf-protection writes it
    endbr64
    push %rbp
    mov %rsp, %rbp
    mov $1, %eax
    pop %rbp
    ret
    .size greet, .-greet
    .balign 16
    .type pair, @function
pair:
    push %rbp
    mov %rsp, %rbp
    lea (%rdi,%rsi), %eax
    pop %rbp
    ret
    .size pair, .-pair
    .balign 16
    .type tiny, @function
tiny:                           # no padding behind it
    xor %eax, %eax
    ret
    .size tiny, .-tiny
    .type after, @function
after:
    mov $2, %eax
    ret
    .size after, .-after
    .balign 16
    .type looped, @function
looped:                         # its loop starts inside the bytes of a jump
    xor %eax, %eax
1:  add %edi, %eax
    dec %edi
    jnz 1b
    ret
    .size looped, .-looped
    .balign 16
    .type broken, @function
broken:                         # 0x06 is no instruction in 64-bit mode
    nop
    .byte 0x06, 0x06, 0x06, 0x06, 0x06, 0x06, 0x06
    .size broken, .-broken
    .balign 16
    .type pick, @gnu_indirect_function
pick:
    lea greet(%rip), %rax
    ret
    .size pick, .-pick

    .section .rodata, "a"
    .globl release
    .type release, @object
release:
    .long 3
    .size release, 4
    .type words, @object
words:
    .asciz "hello"
    .size words, 6

    .data
    .globl counter, narrow, str_P, limits, room, last
    .type counter, @object
counter:
    .long 7
    .size counter, 4
    .type narrow, @object
narrow:
    .byte 1
    .size narrow, 1
    .balign 8
    .type str_P, @object
str_P:
    .quad words
    .size str_P, 8
    .type limits, @object
limits:
    .quad 10, 20
    .size limits, 16
    .type room, @object
room:
    .space 32, 0x2e
    .size room, 32
last:                           # a label without a size at the end of the section
    .long 9

    .section .tdata, "awT", @progbits
    .globl own
    .type own, @object
own:
    .long 5
    .size own, 4

    .section .note.GNU-stack, "", @progbits
