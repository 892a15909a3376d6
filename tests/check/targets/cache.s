# Another library that the program needs; it has a function of the same name as the first.
    .file "cache.c"
    .text
    .globl cache_get, shared_name
    .type cache_get, @function
cache_get:
    mov $6, %eax
    ret
    .size cache_get, .-cache_get
    .balign 16
    .type shared_name, @function
shared_name:
    mov $7, %eax
    ret
    .size shared_name, .-shared_name
    .section .note.GNU-stack, "", @progbits
