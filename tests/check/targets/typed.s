# A program that has DWARF: what its variables are, and where `parse` was inlined.
    .file "typed.c"
    .include "dwarf.inc"
    .text
.Lcode:
    code _start
    code handle
    code accept
    code refuse
    code answer
    code parse
    code tick
    code report
    code lonely
    code skim
.Lcode_end:
    .data
    data banner, 8
    data saved, 8
    data limit, 8
    data ratio, 8
    data share, 4
    data counts, 16
    data config, 24
    data either, 8
    data undescribed, 8

    unit "typed.c"
    base .Lint, "int", 4, DW_ATE_signed
    base .Llong, "long", 8, DW_ATE_signed
    base .Lchar, "char", 1, DW_ATE_signed_char
    base .Lfloat, "float", 4, DW_ATE_float
    base .Ldouble, "double", 8, DW_ATE_float
    pointer .Lchars, .Lchar
    entry .Lmoney, 14, "money"
    ref .Llong
    entry .Lrequest, 4, "request"
    .byte 16
    member "id", .Lint, 0
    member "next", .Lrequests, 8
    end
    pointer .Lrequests, .Lrequest
    entry .Lconfig, 4, "config"
    .byte 24
    member "level", .Lint, 0
    member "share", .Lfloat, 4
    member "name", .Lchars, 8
    member "total", .Lmoney, 16
    end
    entry .Leither, 16, "either"
    .byte 8
    entry , 5, "number"
    ref .Llong
    .byte 0
    entry , 5, "text"
    ref .Lchars
    .byte 0
    end
    entry .Lcounts, 6
    ref .Lint
    entry , 7
    .byte 3
    end
    variable banner, .Lchars
    variable saved, .Lchars
    variable limit, .Lmoney
    variable ratio, .Ldouble
    variable share, .Lfloat
    variable counts, .Lcounts
    variable config, .Lconfig
    variable either, .Leither
    .irp name, handle, accept, refuse, answer
    function \name, .Lint
    parameter "request", .Lrequests
    parameter "flags", .Lint
    end
    .endr
    entry .Lparse, 11, "parse"
    .byte 1
    parameter "text", .Lchars
    end
    entry , 12
    ref .Lparse
    .quad parse
    procedure tick
    entry , 13
    ref .Lparse
    .quad tick + 4
    entry , 13
    ref .Lparse
    .quad tick + 9
    end
    procedure report
    entry , 13
    ref .Lparse
    .quad report + 4
    end
    procedure lonely
    end
    procedure skim
    parameter "text", .Lchars
    end
    end
.Lend:
    .section .note.GNU-stack, "", @progbits
