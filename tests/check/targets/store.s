# A library that the program needs.
    .file "store.c"
    .text
    .globl store_get, shared_name
    .type store_get, @function
store_get:
    mov $4, %eax
    ret
    .size store_get, .-store_get
    .balign 16
    .type shared_name, @function
shared_name:
    mov $5, %eax
    ret
    .size shared_name, .-shared_name
    .section .note.GNU-stack, "", @progbits
