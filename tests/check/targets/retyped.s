# A payload whose functions mean to replace `handle` of typed.s, and differ from it in one thing each.
    .file "retyped.c"
    .include "dwarf.inc"
    .text
.Lcode:
    code same
    code fewer
    code other_kind
    code other_layout
    code other_result
    code undescribed_function
.Lcode_end:
    .data
    data own_limit, 8

    unit "retyped.c"
    base .Lint, "int", 4, DW_ATE_signed
    base .Lsize, "unsigned int", 4, 7
    base .Ldouble, "double", 8, DW_ATE_float
    entry .Lflags, 14, "flags_t"
    ref .Lsize
    entry .Lrequest, 4, "request"
    .byte 16
    end
    pointer .Lrequests, .Lrequest
    entry .Lnewer, 4, "request"
    .byte 24
    end
    pointer .Lnewers, .Lnewer
    variable own_limit, .Ldouble
    function same, .Lint
    parameter "request", .Lrequests
    parameter "flags", .Lflags
    end
    function fewer, .Lint
    parameter "request", .Lrequests
    end
    function other_kind, .Lint
    parameter "request", .Lrequests
    parameter "flags", .Ldouble
    end
    function other_layout, .Lint
    parameter "request", .Lnewers
    parameter "flags", .Lint
    end
    function other_result, .Lrequests
    parameter "request", .Lrequests
    parameter "flags", .Lint
    end
    end
.Lend:
    .section .note.GNU-stack, "", @progbits
