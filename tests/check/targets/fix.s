# A payload that refers to the program.
    .file "fix.c"
    .text
    .globl func1
    .type func1, @function
func1:
    mov counter@GOTPCREL(%rip), %rax
    mov (%rax), %eax
    ret
    .size func1, .-func1
    .section .rodata, "a"
    .globl patch_message
    .type patch_message, @object
patch_message:
    .asciz "patched"
    .size patch_message, 8
    .section .note.GNU-stack, "", @progbits
