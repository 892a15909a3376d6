// The dynamic section of a payload: its tables, found through the segments as the process's own loader would.
#pragma once

#include "backend/link_file.h"
#include "backend/link_segments.h"

namespace lpc::backend {

// An address and a size from a pair of tags.
struct DynamicTable {
  uint64_t address = 0; // link address
  uint64_t size = 0;    // bytes
};

struct DynamicSection {
  BytesView strings;
  uint64_t symbols = 0;                   // link address of the first symbol
  uint64_t symbolCount = 0;               // that the hash table covers; all of them are in the file
  BytesView relocations;                  // Elf64_Rela, DT_RELA
  BytesView pltRelocations;               // Elf64_Rela, DT_JMPREL
  BytesView relativeRelocations;          // Elf64_Relr
  std::optional<uint64_t> versionIndexes; // link address of DT_VERSYM
  std::optional<uint64_t> versionNeeds;   // of DT_VERNEED
  uint64_t versionNeedCount = 0;
  std::optional<uint64_t> init, fini; // functions, link addresses
  DynamicTable initArray, finiArray, preinitArray;
  std::vector<std::string> needed;

  // CorruptPayload; UnsupportedPayload: a program, REL relocations.
  static Result<DynamicSection> read(PayloadFile &file, const SegmentMap &segments);
};

} // namespace lpc::backend
