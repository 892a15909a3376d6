# A payload that refers to what nobody defines.
    .file "needy.c"
    .text
    .globl func1
    .type func1, @function
func1:
    mov nowhere@GOTPCREL(%rip), %rax
    ret
    .size func1, .-func1
    .section .note.GNU-stack, "", @progbits
