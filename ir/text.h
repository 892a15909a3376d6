// The text form of the IR (`.lpir`, `lpc dump --emit ir`): parseText(printText(p)) == p for every verified p.
//
// One fact a line, in a fixed order, so that two patches can be compared with diff. It is made for people and tools to
// read; nobody is expected to write it, but a file that was edited is read as strictly as one that is hostile.
//
//     # lpir 1
//     patch "hotfix"
//       version "1.2"
//       source "hotfix.lp"
//       machine x86_64
//     object o0 "target"
//       path "./server"
//       build-id 3f2a9c1d
//     payload p0 "patch.so"
//       | 7f454c46…                          bytes, 32 a line
//     memory $foo
//       size 8192
//       permission rx
//       payload p0
//       place 3:1-3:20
//     link $foo                              operations in their order: new, load, link, write, …
//       with "log_line" = o0!0x1130 ("log_line")
//       place 3:1-3:20
//     dlopen $own
//     write int
//       at o0!0x4010 ("counter"+8)           object, link address, the symbol that it came from
//       width 4
//       value bytes 2a000000                 longer values go on in `|` lines
//       recorded 00000000
//       was bytes 00000000
//       place 5:1-5:20
//     branch
//       from o0!0x1234 ("func_J")
//       to $foo:"func1"                      also $foo+16, 0x7f00 (absolute), [ADDRESS]+8 (loaded)
//       room 5
//       recorded 554889e553
//       original $foo:"next_func"            of `hook`; then `original-recorded`, `replacement "name" 0x1240 24`
//     code
//       at o0!0x1240
//       room 9
//       bytes e800000000c3
//       reference 1 relative32 $foo:"func1" {-4}
//     return
//       at o0!0x1300 ("ready")
//       room 6
//       value 1                              unsigned, the bits of the result register
//       recorded 554889e55390
//     nop
//       at o0!0x1410 ("poll"+16)
//       size 5
//       recorded e8ebfeffff
//     import "puts"
//       slot o0!0x4010
//       to $foo:"puts"
//       kind function                        or data
//     expect u32
//       at o0!0x4018 ("version")
//       width 4
//       value bytes 07000000
//     quiesce
//       at o0!0x1500 ("commit")
//       function "commit" 0x1500 64
//     call pre-apply
//       function $foo:"init"
//       argument 5                           unsigned, as the register has it; one a line
//     end                                    so that a file which was cut off is not taken for a shorter patch
//
// What is empty or unknown is left out. Lines that begin with `#`, and empty ones, are skipped; the first line names
// the version of the format.
#pragma once

#include <string>
#include <string_view>

#include "ir/patch.h"
#include "ir/support/result.h"

namespace lpc::ir {

std::string printText(const Patch &patch);

// "relative32", "branch32", "signed32", "unsigned32", "whole64".
std::string_view name(ReferenceKind kind);

// BadIr with line and column in the message (and as the error's place); the result is verified. Safe for any input:
// what it allocates is proportional to the input's length, and nesting is bounded.
Result<Patch> parseText(std::string_view text);

} // namespace lpc::ir
