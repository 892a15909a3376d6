# A program that calls a library through a slot, and a function of its own without one.
    .file "dynamic.c"
    .text
    .globl _start, own_call
    .type _start, @function
_start:
    call own_call
    call store_get@PLT
    call *shared_name@GOTPCREL(%rip)
    ret
    .size _start, .-_start
    .balign 16
    .type own_call, @function
own_call:
    push %rbp
    mov %rsp, %rbp
    mov $1, %eax
    pop %rbp
    ret
    .size own_call, .-own_call

    .section .note.GNU-stack, "", @progbits
