// An ELF object as it stands in the memory of a process: its program headers, and what they lead to.
//
// Nothing of it is trusted: every address is looked up among the mappings, every length is bounded, and what
// contradicts itself is left out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/maps.h"

namespace lpc::runtime {

struct Segment {
  uint32_t type = 0; // PT_…
  uint64_t offset = 0, address = 0, fileSize = 0, memorySize = 0;
  bool operator==(const Segment &) const = default;
};

// A table of program headers of the class that `is64` says; entries of `entrySize` bytes. Empty where it is malformed.
std::vector<Segment> parseSegments(BytesView table, uint64_t entrySize, bool is64);

// Where the table stands: from the first bytes of an ELF file. Nothing where these are none, or of another class.
struct SegmentTable {
  uint64_t offset = 0, count = 0, entrySize = 0;
  bool operator==(const SegmentTable &) const = default;
};
std::optional<SegmentTable> parseElfHeader(BytesView header, bool is64);

// The build-id note (NT_GNU_BUILD_ID) among the notes of one PT_NOTE segment; empty where there is none.
Bytes buildIdOf(BytesView notes);

class ElfMemory {
public:
  // The object whose program headers are at `table` (AT_PHDR), or whose ELF header is at `header`. Nothing where they
  // make no sense.
  static std::optional<ElfMemory> withSegments(const Process &process, const std::vector<Mapping> &maps,
                                               RemoteAddress table, uint64_t count, uint64_t entrySize);
  static std::optional<ElfMemory> withHeader(const Process &process, const std::vector<Mapping> &maps,
                                             RemoteAddress header);

  [[nodiscard]] LoadBias bias() const { return bias_; }
  [[nodiscard]] RemoteRange range() const { return range_; }             // of its PT_LOAD segments, whole pages
  [[nodiscard]] std::vector<RemoteRange> loaded() const;                 // its PT_LOAD segments, to the byte, ascending
  [[nodiscard]] std::optional<RemoteRange> dynamic() const;              // its PT_DYNAMIC
  [[nodiscard]] std::optional<RemoteRange> segment(uint32_t type) const; // the first of that PT_…
  [[nodiscard]] std::vector<uint64_t> dynamicEntries(int64_t tag) const; // all of that DT_…, in order
  [[nodiscard]] std::optional<uint64_t> dynamicEntry(int64_t tag) const; // the first
  [[nodiscard]] RemoteAddress dynamicTable(int64_t tag) const;           // that a DT_… leads to; 0: none in range()
  [[nodiscard]] std::string soname() const;
  [[nodiscard]] std::vector<std::string> needed() const; // DT_NEEDED, in order
  [[nodiscard]] Bytes buildId() const;

private:
  ElfMemory(const Process &process, const std::vector<Mapping> &maps) : process_(&process), maps_(&maps) {}
  bool place(LoadBias bias);
  [[nodiscard]] std::optional<RemoteRange> placed(const Segment &segment) const; // nothing: not inside of range()
  [[nodiscard]] Bytes bytes(RemoteAddress at, uint64_t size) const;
  [[nodiscard]] std::vector<std::string> dynamicTexts(int64_t tag) const; // into its own strings; bad ones are left out

  const Process *process_;
  const std::vector<Mapping> *maps_;
  std::vector<Segment> segments_;
  LoadBias bias_;
  RemoteRange range_;
};

// Text up to its terminating 0, at most `most` bytes; nothing where the memory cannot be read or has no 0 so near.
std::optional<std::string> readText(const Process &process, RemoteAddress at, size_t most);

} // namespace lpc::runtime
