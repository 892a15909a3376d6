// The statements of the lp language, version 1. LivePatchWords.g4 has its words.
//
// One statement a line. The grammar is LL(1): the next word always decides, so that a line that is wrong is wrong at
// the first word that no statement has there. What a name or a number means is the semantic pass's business.
parser grammar LivePatch;

options { tokenVocab = LivePatchWords; }

file : statement? (NEWLINE statement?)* EOF;

statement
  : patchHeader
  | targetHeader
  | objectHeader
  | newMemory
  | loadMemory
  | linkObject
  | openObject
  | setValue
  | jump
  | hook
  | assembly
  | returnFunction
  | noOps
  | bindImport
  | expectValue
  | quiesce
  | callFunction
  | letAddress
  ;

// Header, before all other statements.
patchHeader  : PATCH (NAME | STRING) (VERSION STRING)?;
targetHeader : TARGET fileName (BUILD_ID hexBytes)?;
objectHeader : OBJECT NAME EQUALS fileName (BUILD_ID hexBytes)?;

// Memory.
newMemory  : NEW NAME INT PERMISSION?;
loadMemory : LOAD NAME fileName PERMISSION?;
linkObject : DL NAME fileName (WITH binding (COMMA binding)*)?;
binding    : symbol EQUALS address;
openObject : DLOPEN NAME fileName;

// Changes.
setValue : SET address typedValue;
jump     : JMP address address;
hook     : HOOK address address ORIGINAL address;
assembly : ASM ATT? (NEW NAME | address) LBRACE; // the block itself is not of this grammar: frontend/parse/lines.h
// The sign is no displacement: what returns at once is a function, not a place behind its start.
returnFunction : RETURN base ((PLUS | MINUS)? INT)?;
noOps          : NOP address INT;
bindImport     : GOT symbol address (IN objectName)?;

// Conditions and names.
expectValue : EXPECT address statedValue;
quiesce     : QUIESCE address (COMMA address)*;
// A sign that stands apart from what is before it, and not from its number, is the number's: `f -1` has an argument.
callFunction : ON MOMENT CALL base ((PLUS | MINUS)? INT)*;
letAddress  : LET NAME EQUALS address;

// TYPE VALUE [was VALUE]
typedValue
  : INTEGER_TYPE INT (WAS INT)?
  | REAL_TYPE REAL (WAS REAL)?
  | STR_TYPE REST?
  | TEXT_TYPE STRING (WAS STRING)?
  | HEX_TYPE hexBytes (WAS hexBytes)?
  | ADDR_TYPE address (WAS address)?
  ;

// TYPE VALUE
statedValue
  : INTEGER_TYPE INT
  | REAL_TYPE REAL
  | STR_TYPE REST?
  | TEXT_TYPE STRING
  | HEX_TYPE hexBytes
  | ADDR_TYPE address
  ;

address : base displacement*;
base
  : INT
  | SOURCE_OF? symbol
  | OBJECT_OF (INT | SOURCE_OF? symbol)
  | MEMORY
  | MEMORY_OF (INT | symbol)
  | LBRACKET address RBRACKET
  ;
displacement : (PLUS | MINUS) INT;

symbol   : SYMBOL | STRING;
fileName : FILE | STRING;
objectName : OBJECT_NAME | STRING;
hexBytes : HEX+;
