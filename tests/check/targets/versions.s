# A library that has one function in two versions.
    .file "versions.c"
    .text
    .globl answer_1, answer_2
    .symver answer_1, answer@OLD
    .symver answer_2, answer@@NEW
    .type answer_1, @function
answer_1:
    mov $1, %eax
    ret
    .size answer_1, .-answer_1
    .balign 16
    .type answer_2, @function
answer_2:
    mov $2, %eax
    ret
    .size answer_2, .-answer_2
    .section .note.GNU-stack, "", @progbits
