# A program with the parts and copies that GCC makes of functions.
    .file "clones.c"
    .text
    .globl _start, parse, other, format, lonely
    .macro function name
    .balign 16
    .type "\name", @function
"\name":
    push %rbp
    mov %rsp, %rbp
    mov $1, %eax
    pop %rbp
    ret
    .size "\name", .-"\name"
    .endm
    function _start
    function parse
    function parse.constprop.0
    function parse.isra.0.constprop.1
    function parse.cold
    function parser.constprop.0     # of another function
    function other
    function format
    function format.isra.0
    function lonely
    function lonely.cold
    function "lonely.partly.0"      # no name that a compiler makes

    .section .note.GNU-stack, "", @progbits
