# Functions with parts and copies; `of.cold` has `f.cold` as its tail, which linkers merge.
    .text
    .macro function name
    .type \name, @function
\name:
    ret
    .size \name, .-\name
    .endm
    .globl _start
    function _start
    function f
    function f.cold
    function of
    function of.cold
    function f.part.0
    function f.isra.0.constprop.1
    function f.lto_priv.3
    function f.parts
    function f.part.x
    function f.colder
    function longer_name.cold.2
    .section .note.GNU-stack, "", @progbits
