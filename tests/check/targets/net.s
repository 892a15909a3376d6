# One of two source files that have a static function of the same name.
    .file "net.c"
    .text
    .balign 16
    .type helper, @function
helper:
    mov $2, %eax
    ret
    .size helper, .-helper
    .section .note.GNU-stack, "", @progbits
