# Functions whose first instructions `hook` has to move, or can't.
    .file "prologues.c"
    .text
    .globl _start, plain, callback, caller, again, variable
    .type _start, @function
_start:
    ud2
    .size _start, .-_start
    .balign 16
    .type plain, @function
plain:                          # all that has to be said anew
    endbr64
    mov variable(%rip), %rax
    ret
    .size plain, .-plain
    .balign 16
    .type callback, @function
callback:                       # returns into the bytes of a jump
    call *%rax
    push %rbp
    mov %rsp, %rbp
    pop %rbp
    ret
    .size callback, .-callback
    .balign 16
    .type caller, @function
caller:                         # returns behind them
    sub $8, %rsp
    call plain
    add $8, %rsp
    ret
    .size caller, .-caller
    .balign 16
    .type again, @function
again:                          # a loop to its own entry
    add %edi, %eax
    shl $1, %rax
    dec %edi
    jnz again
    ret
    .size again, .-again

    .data
    .type variable, @object
variable:
    .quad 0
    .size variable, 8
    .section .note.GNU-stack, "", @progbits
