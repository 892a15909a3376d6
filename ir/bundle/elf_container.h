// An ELF file as a box of named sections: what `file`, readelf, objdump and libObject need to read a bundle, and no
// more. ET_REL, for it has no segments: nobody loads it.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/machine/machine.h"
#include "ir/support/bytes.h"
#include "ir/support/result.h"

namespace lpc::ir {

struct Section {
  std::string name;
  bool note = false; // SHT_NOTE; else SHT_PROGBITS
  Bytes contents;
};
struct Container {
  Machine machine = Machine::X86_64;
  std::map<std::string_view, BytesView> sections; // those with names of ours: `.note.lp`, `.lp.…`
};

constexpr size_t kMostSections = 0xf000;   // below SHN_LORESERVE, so that counts fit their fields
constexpr size_t kLongestSectionName = 31; // bytes

// Of the machine's class, little-endian; the same sections give the same bytes. At most kMostSections, each name once.
Bytes writeContainer(Machine machine, std::span<const Section> sections);

// The views are of `file`; an ELF file that is no bundle has no sections of ours. BadIr; safe for any input.
Result<Container> readContainer(BytesView file);

} // namespace lpc::ir
