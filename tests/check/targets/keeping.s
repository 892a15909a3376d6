# What gcc -O2 makes of small functions and their callers in one file: values stay in registers that the small ones leave
# alone.
    .file "keeping.c"
    .text
    .globl _start, weight, pass, total, report, careless, other, wide, frugal, saving, outside
    .type _start, @function
_start:
    ud2
    .size _start, .-_start
    .balign 16
    .type weight, @function
weight:                         # changes eax alone
    mov seed(%rip), %eax
    imul %edi, %eax
    ret
    .size weight, .-weight
    .balign 16
    .type pass, @function
pass:                           # so does this, by weight
    call weight
    add $1, %eax
    ret
    .size pass, .-pass
    .balign 16
    .type total, @function
total:                          # rsi and rdx are used behind the call, rcx is set anew
    mov seed(%rip), %esi
    mov seed(%rip), %edx
    mov seed(%rip), %ecx
    call weight
    xor %ecx, %ecx
    add %esi, %eax
    add %edx, %eax
    add %ecx, %eax
    ret
    .size total, .-total
    .balign 16
    .type report, @function
report:                         # r8 is a parameter of what is called next, and none of pass, for rcx is not set
    call *callback(%rip)
    mov $1, %edi
    mov $2, %esi
    mov $3, %edx
    mov $5, %r8d
    call pass
    call *callback(%rip)
    ret
    .size report, .-report
    .balign 16
    .type careless, @function
careless:                       # relies on nothing but the result
    mov $1, %edi
    mov $2, %esi
    call weight
    mov %eax, %esi
    mov %eax, %ecx
    call *callback(%rip)
    ret
    .size careless, .-careless
    .balign 16
    .type logged, @function
logged:                         # relies on nothing either: variadic functions store what may be no parameter
    mov $1, %edi
    call weight
    mov %eax, %edi
    call variadic
    ret
    .size logged, .-logged
    .balign 16
    .type variadic, @function
variadic:
    mov %rsi, -0x30(%rsp)
    mov %r8, -0x28(%rsp)
    movaps %xmm1, -0x20(%rsp)
    mov %edi, %eax
    ret
    .size variadic, .-variadic
    .balign 16
    .type other, @function
other:                          # changes everything, as far as one can know
    jmp *callback(%rip)
    .size other, .-other
    .balign 16
    .type wide, @function
wide:                           # changes rsi
    mov %edi, %esi
    lea (%rsi,%rsi), %eax
    ret
    .size wide, .-wide
    .balign 16
    .type frugal, @function
frugal:                         # changes eax, as weight does
    mov %edi, %eax
    imul %edi, %eax
    ret
    .size frugal, .-frugal
    .balign 16
    .type saving, @function
saving:                         # as gcc's no_caller_saved_registers does it
    push %r11
    push %r10
    push %r9
    push %r8
    push %rdi
    push %rsi
    push %rcx
    push %rdx
    call *callback(%rip)
    pop %rdx
    pop %rcx
    pop %rsi
    pop %rdi
    pop %r8
    pop %r9
    pop %r10
    pop %r11
    ret
    .size saving, .-saving
    .balign 16
    .type outside, @function
outside:                        # a caller of other, where rsi cannot be kept
    mov $2, %esi
    call other
    mov %esi, %eax
    ret
    .size outside, .-outside

    .data
    .type seed, @object
seed:
    .long 7
    .size seed, 4
    .type callback, @object
    .balign 8
callback:
    .quad other
    .size callback, 8
    .section .note.GNU-stack, "", @progbits
