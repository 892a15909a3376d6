# A payload with a thread-local variable of its own.
    .file "perthread.c"
    .text
    .globl func1
    .type func1, @function
func1:
    ret
    .size func1, .-func1
    .section .tbss, "awT", @nobits
    .globl mine
    .type mine, @object
mine:
    .space 4
    .size mine, 4
    .section .note.GNU-stack, "", @progbits
