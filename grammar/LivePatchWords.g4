// The words of the lp language, version 1. LivePatch.g4 has its statements.
//
// What a run of characters means depends on where it stands: after `load NAME` anything without blanks is a file's
// name, after `str` the rest of the line is the value, and a keyword is a keyword only where the language expects it,
// so that a symbol may be called `set`, `int`, `was` or `with`. Each such place is a lexical mode below. The first word
// of a line decides which modes the line goes through; the end of the line leads back to the first mode.
//
// Longest match wins; among equals the rule that stands first. The BAD_ words are what an author may write where a good
// word is expected: no statement contains them, they are here so that a message can show the whole wrong word.
lexer grammar LivePatchWords;

tokens {
  // values
  INT, REAL, STRING, HEX, REST, FILE, NAME, OBJECT_NAME,
  // the parts of addresses
  SYMBOL, OBJECT_OF, SOURCE_OF, MEMORY, MEMORY_OF, LBRACKET, RBRACKET, PLUS, MINUS,
  // words that go on with a statement
  WAS, EQUALS, COMMA,
  // what stands in no statement
  BAD_INT, BAD_REAL, BAD_STRING, BAD_HEX, BAD_NAME, BAD_SYMBOL, OTHER
}

// --- the start of a line: the instruction ---------------------------------------------------------------------

PATCH  : 'patch'  -> mode(Tail), pushMode(Name);
TARGET : 'target' -> mode(File);
OBJECT : 'object' -> mode(Equals), pushMode(Name);
NEW    : 'new'    -> mode(Size), pushMode(Name);
LOAD   : 'load'   -> mode(File), pushMode(Name);
DL     : 'dl'     -> mode(File), pushMode(Name);
DLOPEN : 'dlopen' -> mode(File), pushMode(Name);
SET    : 'set'    -> mode(AfterPlace), pushMode(Address);
JMP    : 'jmp'    -> mode(Addresses), pushMode(Address);
ASM    : 'asm'    -> mode(Asm);
HOOK   : 'hook'   -> mode(Hook), pushMode(Address);
RETURN : 'return' -> mode(Number), pushMode(Address);
NOP    : 'nop'    -> mode(Number), pushMode(Address);
GOT    : 'got'    -> mode(AfterImport), pushMode(Address), pushMode(Address);

EXPECT  : 'expect'  -> mode(AfterPlace), pushMode(Address);
QUIESCE : 'quiesce' -> mode(Addresses), pushMode(Address);
ON      : 'on'      -> mode(On);
LET     : 'let'     -> mode(EqualsAddress), pushMode(Name);

UNKNOWN : Run -> mode(Unknown);
NEWLINE : '\n';
SPACE   : (Blank+ | Comment) -> skip;

// --- an instruction that this version does not know: the rest of its line means nothing -----------------------

mode Unknown;
Unknown_Rest : ~[\n]+ -> skip;
Unknown_End  : '\n' -> type(NEWLINE), mode(DEFAULT_MODE);

// --- NAME, as defined by `patch`, `object`, `new`, `load`, `dl`, `dlopen`, `let` ------------------------------

mode Name;
Name_Name   : Letter LetterOrDigit* -> type(NAME), popMode;
Name_String : String -> type(STRING), popMode;
Name_BadStr : BadString -> type(BAD_STRING);
Name_Bad    : ~[ \t\r\n\f\u000B#="] ~[ \t\r\n\f\u000B#=]* -> type(BAD_NAME);
Name_Space  : (Blank+ | Comment) -> skip;
Name_Other  : ~[\n] -> type(OTHER);
Name_End    : '\n' -> type(NEWLINE), popMode, mode(DEFAULT_MODE);

// --- `=` of `object NAME = FILE` ------------------------------------------------------------------------------

mode Equals;
Equals_Equals : '=' -> type(EQUALS), mode(File);
Equals_Other  : ~[ \t\r\n\f\u000B#=]+ -> type(OTHER);
Equals_Space  : (Blank+ | Comment) -> skip;
Equals_End    : '\n' -> type(NEWLINE), mode(DEFAULT_MODE);

// --- `=` of `let NAME = ADDR` ---------------------------------------------------------------------------------

mode EqualsAddress;
EqualsAddress_Equals : '=' -> type(EQUALS), mode(Addresses), pushMode(Address);
EqualsAddress_Other  : ~[ \t\r\n\f\u000B#=]+ -> type(OTHER);
EqualsAddress_Space  : (Blank+ | Comment) -> skip;
EqualsAddress_End    : '\n' -> type(NEWLINE), mode(DEFAULT_MODE);

// --- FILE: a run without blanks, or a string. A `#` inside the run belongs to it ------------------------------

mode File;
File_String : String -> type(STRING), mode(Tail);
File_BadStr : BadString -> type(BAD_STRING);
File_File   : ~[ \t\r\n\f\u000B#"] ~[ \t\r\n\f\u000B]* -> type(FILE), mode(Tail);
File_Space  : (Blank+ | Comment) -> skip;
File_End    : '\n' -> type(NEWLINE), mode(DEFAULT_MODE);

// --- SIZE of `new` --------------------------------------------------------------------------------------------

mode Size;
Size_Int   : Sign? Digits -> type(INT), mode(Tail);
Size_Bad   : Run -> type(BAD_INT), mode(Tail);
Size_Space : (Blank+ | Comment) -> skip;
Size_End   : '\n' -> type(NEWLINE), mode(DEFAULT_MODE);

// --- what may follow a name, a file or a size -----------------------------------------------------------------

mode Tail;
VERSION    : 'version'  -> mode(Text);
BUILD_ID   : 'build-id' -> mode(Hex);
WITH       : 'with'     -> mode(Addresses);
PERMISSION : 'r' | 'rw' | 'rx' | 'rwx';
Tail_Other : Run -> type(OTHER);
Tail_Space : (Blank+ | Comment) -> skip;
Tail_End   : '\n' -> type(NEWLINE), mode(DEFAULT_MODE);

// --- an address is expected: every word is a symbol, a sign belongs to the number behind it -------------------
// The mode below this one on the stack says what may come after. `$name` is memory: a symbol of such a name is written
// in quotes.

mode Address;
Address_Memory    : '$' Letter LetterOrDigit* -> type(MEMORY), popMode;
Address_Symbol    : Symbol -> type(SYMBOL), popMode;
Address_String    : String -> type(STRING), popMode;
Address_Int       : Sign? Digits -> type(INT), popMode;
Address_MemoryOf  : '$' Letter LetterOrDigit* ':' -> type(MEMORY_OF);
Address_ObjectOf  : (Prefix | String) '!' -> type(OBJECT_OF);
Address_SourceOf  : (Prefix | String) ':' -> type(SOURCE_OF);
Address_Open      : '[' -> type(LBRACKET);
Address_BadInt    : Sign? BadDigits -> type(BAD_INT), popMode;
Address_BadStr    : BadString -> type(BAD_STRING);
Address_BadSymbol : (UnquotedCpp | UnquotedUnicode) -> type(BAD_SYMBOL);
Address_Space     : (Blank+ | Comment) -> skip;
Address_Other     : ~[\n] -> type(OTHER);
Address_End       : '\n' -> type(NEWLINE), popMode, mode(DEFAULT_MODE);

// --- addresses one after the other: after the first of `jmp` or `quiesce`, and in the list of `with` ----------

mode Addresses;
Addresses_Plus      : '+' -> type(PLUS), pushMode(Address);
Addresses_Minus     : '-' -> type(MINUS), pushMode(Address);
Addresses_Equals    : '=' -> type(EQUALS), pushMode(Address);
Addresses_Comma     : ',' -> type(COMMA);
Addresses_Close     : ']' -> type(RBRACKET);
Addresses_Memory    : '$' Letter LetterOrDigit* -> type(MEMORY);
Addresses_Symbol    : Symbol -> type(SYMBOL);
Addresses_String    : String -> type(STRING);
Addresses_Int       : Digits -> type(INT);
Addresses_MemoryOf  : '$' Letter LetterOrDigit* ':' -> type(MEMORY_OF), pushMode(Address);
Addresses_ObjectOf  : (Prefix | String) '!' -> type(OBJECT_OF), pushMode(Address);
Addresses_SourceOf  : (Prefix | String) ':' -> type(SOURCE_OF), pushMode(Address);
Addresses_Open      : '[' -> type(LBRACKET), pushMode(Address);
Addresses_BadInt    : BadDigits -> type(BAD_INT);
Addresses_BadStr    : BadString -> type(BAD_STRING);
Addresses_BadSymbol : (UnquotedCpp | UnquotedUnicode) -> type(BAD_SYMBOL);
Addresses_Space     : (Blank+ | Comment) -> skip;
Addresses_Other     : ~[\n] -> type(OTHER);
Addresses_End       : '\n' -> type(NEWLINE), mode(DEFAULT_MODE);

// --- after the first address of `hook`: its displacement, then the second one, then `original` and the third -------

mode Hook;
Hook_Plus      : '+' -> type(PLUS), pushMode(Address);
Hook_Minus     : '-' -> type(MINUS), pushMode(Address);
Hook_Close     : ']' -> type(RBRACKET);
Hook_Memory    : '$' Letter LetterOrDigit* -> type(MEMORY), mode(Original);
Hook_Symbol    : Symbol -> type(SYMBOL), mode(Original);
Hook_String    : String -> type(STRING), mode(Original);
Hook_Int       : Digits -> type(INT), mode(Original);
Hook_MemoryOf  : '$' Letter LetterOrDigit* ':' -> type(MEMORY_OF), mode(Original), pushMode(Address);
Hook_ObjectOf  : (Prefix | String) '!' -> type(OBJECT_OF), mode(Original), pushMode(Address);
Hook_SourceOf  : (Prefix | String) ':' -> type(SOURCE_OF), mode(Original), pushMode(Address);
Hook_Open      : '[' -> type(LBRACKET), mode(Original), pushMode(Address);
Hook_BadInt    : BadDigits -> type(BAD_INT);
Hook_BadStr    : BadString -> type(BAD_STRING);
Hook_BadSymbol : (UnquotedCpp | UnquotedUnicode) -> type(BAD_SYMBOL);
Hook_Space     : (Blank+ | Comment) -> skip;
Hook_Other     : ~[\n] -> type(OTHER);
Hook_End       : '\n' -> type(NEWLINE), mode(DEFAULT_MODE);

mode Original;
Original_Plus  : '+' -> type(PLUS), pushMode(Address);
Original_Minus : '-' -> type(MINUS), pushMode(Address);
Original_Close : ']' -> type(RBRACKET);
ORIGINAL       : 'original' -> mode(Addresses), pushMode(Address);
Original_Other : ~[ \t\r\n\f\u000B#+\-\]] ~[ \t\r\n\f\u000B#\]]* -> type(OTHER);
Original_Space : (Blank+ | Comment) -> skip;
Original_End   : '\n' -> type(NEWLINE), mode(DEFAULT_MODE);

// --- after `asm`: `att`, then `new NAME` or an address, then the brace that opens the block ----------------------------

mode Asm;
ATT           : 'att';
Asm_New       : 'new' -> type(NEW), mode(Brace), pushMode(Name);
Asm_Memory    : '$' Letter LetterOrDigit* -> type(MEMORY), mode(Brace);
Asm_Symbol    : Symbol -> type(SYMBOL), mode(Brace);
Asm_String    : String -> type(STRING), mode(Brace);
Asm_Int       : Sign? Digits -> type(INT), mode(Brace);
Asm_MemoryOf  : '$' Letter LetterOrDigit* ':' -> type(MEMORY_OF), mode(Brace), pushMode(Address);
Asm_ObjectOf  : (Prefix | String) '!' -> type(OBJECT_OF), mode(Brace), pushMode(Address);
Asm_SourceOf  : (Prefix | String) ':' -> type(SOURCE_OF), mode(Brace), pushMode(Address);
Asm_Open      : '[' -> type(LBRACKET), mode(Brace), pushMode(Address);
Asm_BadInt    : Sign? BadDigits -> type(BAD_INT);
Asm_BadStr    : BadString -> type(BAD_STRING);
Asm_BadSymbol : (UnquotedCpp | UnquotedUnicode) -> type(BAD_SYMBOL);
Asm_Space     : (Blank+ | Comment) -> skip;
Asm_Other     : ~[\n] -> type(OTHER);
Asm_End       : '\n' -> type(NEWLINE), mode(DEFAULT_MODE);

mode Brace;
Brace_Plus  : '+' -> type(PLUS), pushMode(Address);
Brace_Minus : '-' -> type(MINUS), pushMode(Address);
Brace_Close : ']' -> type(RBRACKET);
LBRACE      : '{';
Brace_Space : (Blank+ | Comment) -> skip;
Brace_Other : ~[ \t\r\n\f\u000B#+\-\]{] ~[ \t\r\n\f\u000B#\]{]* -> type(OTHER);
Brace_End   : '\n' -> type(NEWLINE), mode(DEFAULT_MODE);

// --- after the address of `return` or `nop`: a displacement, then a number. A sign of the number is a word of its own

mode Number;
Number_Plus   : '+' -> type(PLUS), pushMode(Address);
Number_Minus  : '-' -> type(MINUS), pushMode(Address);
Number_Close  : ']' -> type(RBRACKET);
Number_Int    : Digits -> type(INT);
Number_BadInt : BadDigits -> type(BAD_INT);
Number_Other  : ~[ \t\r\n\f\u000B#+\-\]0-9] ~[ \t\r\n\f\u000B#\]]* -> type(OTHER);
Number_Space  : (Blank+ | Comment) -> skip;
Number_End    : '\n' -> type(NEWLINE), mode(DEFAULT_MODE);

// --- after `on`: the moment, then `call` and the function; its displacement and the arguments are in the mode above

mode On;
MOMENT   : 'pre-apply' | 'post-apply' | 'pre-revert' | 'post-revert';
CALL     : 'call' -> mode(Number), pushMode(Address);
On_Other : Run -> type(OTHER);
On_Space : (Blank+ | Comment) -> skip;
On_End   : '\n' -> type(NEWLINE), mode(DEFAULT_MODE);

// --- after the address of `set` or `expect`: its displacement, then the type ----------------------------------

mode AfterPlace;
AfterPlace_Plus  : '+' -> type(PLUS), pushMode(Address);
AfterPlace_Minus : '-' -> type(MINUS), pushMode(Address);
AfterPlace_Close : ']' -> type(RBRACKET);
INTEGER_TYPE     : ('int' | 'i8' | 'i16' | 'i32' | 'i64' | 'u8' | 'u16' | 'u32' | 'u64') -> mode(Integer);
REAL_TYPE        : ('f32' | 'f64') -> mode(Real);
STR_TYPE         : 'str' -> mode(Rest);
TEXT_TYPE        : ('text' | 'cstr') -> mode(Text);
HEX_TYPE         : 'hex' -> mode(Hex);
ADDR_TYPE        : 'addr' -> mode(AfterValue), pushMode(Address);
AfterPlace_Other : ~[ \t\r\n\f\u000B#+\-\]] ~[ \t\r\n\f\u000B#\]]* -> type(OTHER);
AfterPlace_Space : (Blank+ | Comment) -> skip;
AfterPlace_End   : '\n' -> type(NEWLINE), mode(DEFAULT_MODE);

// --- after the address of `got`: its displacement, then the object whose import it is -------------------------

mode AfterImport;
IN                : 'in' -> mode(ObjectName);
AfterImport_Plus  : '+' -> type(PLUS), pushMode(Address);
AfterImport_Minus : '-' -> type(MINUS), pushMode(Address);
AfterImport_Close : ']' -> type(RBRACKET);
AfterImport_Other : ~[ \t\r\n\f\u000B#+\-\]] ~[ \t\r\n\f\u000B#\]]* -> type(OTHER);
AfterImport_Space : (Blank+ | Comment) -> skip;
AfterImport_End   : '\n' -> type(NEWLINE), mode(DEFAULT_MODE);

mode ObjectName;
ObjectName_String : String -> type(STRING), mode(Tail);
ObjectName_BadStr : BadString -> type(BAD_STRING);
ObjectName_Name   : Prefix -> type(OBJECT_NAME), mode(Tail);
ObjectName_Other  : ~[ \t\r\n\f\u000B#"]+ -> type(OTHER);
ObjectName_Space  : (Blank+ | Comment) -> skip;
ObjectName_End    : '\n' -> type(NEWLINE), mode(DEFAULT_MODE);

// --- values: each with `was`, but for `str` -------------------------------------------------------------------

mode Integer; // int i8 … u64
Integer_Int   : Sign? Digits -> type(INT);
Integer_Was   : 'was' -> type(WAS);
Integer_Bad   : Run -> type(BAD_INT);
Integer_Space : (Blank+ | Comment) -> skip;
Integer_End   : '\n' -> type(NEWLINE), mode(DEFAULT_MODE);

mode Real; // f32 f64
Real_Real  : Sign? (Decimal | HexReal | 'nan' | 'inf') -> type(REAL);
Real_Was   : 'was' -> type(WAS);
Real_Bad   : Run -> type(BAD_REAL);
Real_Space : (Blank+ | Comment) -> skip;
Real_End   : '\n' -> type(NEWLINE), mode(DEFAULT_MODE);

mode Rest; // str: the rest of the line as it stands, but for blanks before it; a `#` or `"` in it is part of it
Rest_Rest  : NotBlank (~[\n]* ~[\r\n])? -> type(REST);
Rest_Space : Blank+ -> skip;
Rest_End   : '\n' -> type(NEWLINE), mode(DEFAULT_MODE);

mode Text; // text cstr, and the version of `patch`
Text_String : String -> type(STRING);
Text_Was    : 'was' -> type(WAS);
Text_BadStr : BadString -> type(BAD_STRING);
Text_Other  : ~[ \t\r\n\f\u000B#"]+ -> type(OTHER);
Text_Space  : (Blank+ | Comment) -> skip;
Text_End    : '\n' -> type(NEWLINE), mode(DEFAULT_MODE);

mode Hex; // hex, and build-ids: pairs of digits, blanks between pairs
Hex_Hex   : (HexDigit HexDigit)+ -> type(HEX);
Hex_Was   : 'was' -> type(WAS);
Hex_Bad   : Run -> type(BAD_HEX);
Hex_Space : (Blank+ | Comment) -> skip;
Hex_End   : '\n' -> type(NEWLINE), mode(DEFAULT_MODE);

mode AfterValue; // addr, once its first word is read
AfterValue_Plus  : '+' -> type(PLUS), pushMode(Address);
AfterValue_Minus : '-' -> type(MINUS), pushMode(Address);
AfterValue_Close : ']' -> type(RBRACKET);
AfterValue_Was   : 'was' -> type(WAS), pushMode(Address);
AfterValue_Other : ~[ \t\r\n\f\u000B#+\-\]] ~[ \t\r\n\f\u000B#\]]* -> type(OTHER);
AfterValue_Space : (Blank+ | Comment) -> skip;
AfterValue_End   : '\n' -> type(NEWLINE), mode(DEFAULT_MODE);

// --- what words are made of -----------------------------------------------------------------------------------

// A carriage return is a blank, so that lines may end with CR LF.
fragment Blank    : [ \t\r\f\u000B];
fragment NotBlank : ~[ \t\r\n\f\u000B];
fragment Comment  : '#' ~[\n]*;
fragment Run      : ~[ \t\r\n\f\u000B#]+;

fragment Letter        : [A-Za-z_];
fragment LetterOrDigit : [A-Za-z0-9_];

// SYMBOL without quotes; `parse.isra.0`, `memcpy@GLIBC_2.2.5`.
fragment Symbol : [A-Za-z_.$] [A-Za-z0-9_.$@]*;

// What stands before `!` (an object: `libstdc++.so.6`, `ld-linux-x86-64.so.2`) or `:` (a source file: `util.c`). At most
// eight signs, others in quotes: `a+1+1+1…` could become an object up to its last character, and the lexer would look
// that far ahead for every word in it.
fragment Prefix   : [A-Za-z0-9_./] InPrefix* (More (More (More (More (More (More (More More?)?)?)?)?)?)?)?;
fragment More     : Sign InPrefix*;
fragment InPrefix : [A-Za-z0-9_.$@/];

// C++ names and letters outside of ASCII, forgotten to be put in quotes.
fragment UnquotedCpp     : [A-Za-z_] [A-Za-z0-9_]* '::' ~[ \t\r\n\f\u000B#]*;
fragment UnquotedUnicode : [A-Za-z_.$]? [A-Za-z0-9_.$@]* [\u0080-\u{10FFFF}] [A-Za-z0-9_.$@\u0080-\u{10FFFF}]*;

// INT: as strtol with base 0, and binary, and `_` between digits.
fragment Sign      : [+\-];
fragment Digits    : [1-9] ('_'? [0-9])* | '0' ('_'? [0-7])* | '0' [xX] HexDigit ('_'? HexDigit)* | '0' [bB] [01] ('_'? [01])*;
fragment BadDigits : [0-9] [A-Za-z0-9_.$@]*;
fragment HexDigit  : [0-9A-Fa-f];

// Floating point as C has it, without suffixes.
fragment Decimal : ([0-9]+ ('.' [0-9]*)? | '.' [0-9]+) ([eE] Sign? [0-9]+)?;
fragment HexReal : '0' [xX] (HexDigit+ ('.' HexDigit*)? | '.' HexDigit+) ([pP] Sign? [0-9]+)?;

// STRING: \n \t \r \0 \\ \" \xHH \ooo.
fragment String    : '"' (~["\\\r\n] | Escape)* '"';
fragment Escape    : '\\' ([ntr\\"] | 'x' HexDigit HexDigit | [0-3] [0-7] [0-7] | [0-7] [0-7]?);
fragment BadString : '"' (~["\\\n] | '\\' ~[\n])* ('"' | '\\')?;
