# One of two source files that have a static function of the same name.
    .file "util.c"
    .text
    .balign 16
    .type helper, @function
helper:
    mov $1, %eax
    ret
    .size helper, .-helper
    .section .note.GNU-stack, "", @progbits
