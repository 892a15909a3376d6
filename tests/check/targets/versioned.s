# A program that calls both versions of a function.
    .file "versioned.c"
    .text
    .globl _start, own_call
    .type _start, @function
_start:
    call answer@PLT
    call answer_1@PLT
    call own_call
    ret
    .symver answer_1, answer@OLD
    .size _start, .-_start
    .balign 16
    .type own_call, @function
own_call:
    mov $3, %eax
    ret
    .size own_call, .-own_call
    .section .note.GNU-stack, "", @progbits
