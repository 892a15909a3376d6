// Where the segments of a payload lie in its image, and what of them the file holds.
#pragma once

#include "backend/link.h"
#include "backend/link_file.h"

namespace lpc::backend {

// One PT_LOAD, checked: in the image, apart from the others by pages, its bytes in the file.
struct LoadSegment {
  uint64_t offset = 0;     // from the image's start
  uint64_t memorySize = 0; // bytes
  BytesView bytes;         // from the file; the rest of memorySize is zero
  int protection = 0;      // PROT_*
};

class SegmentMap {
public:
  // CorruptPayload, UnsupportedPayload.
  static Result<SegmentMap> make(const PayloadFile &file);

  [[nodiscard]] const std::vector<LoadSegment> &loads() const { return loads_; }
  [[nodiscard]] uint64_t start() const { return start_; }         // link address of the image's start
  [[nodiscard]] uint64_t size() const { return size_; }           // of the image, page aligned
  [[nodiscard]] uint64_t alignment() const { return alignment_; } // of the image
  // Page ranges with their final protections: RELRO parts split off.
  [[nodiscard]] Result<std::vector<PayloadSegment>> segments(const PayloadFile &file) const;

  // Offset in the image of a link address; nothing where it lies outside. One past the end counts as inside.
  [[nodiscard]] std::optional<uint64_t> offsetOf(uint64_t linkAddress) const;
  // The segment with all of [offset, offset + size).
  [[nodiscard]] const LoadSegment *segmentOf(uint64_t offset, uint64_t size) const;
  // `size` bytes at a link address as the file has them; nothing where not all of them are in one segment's file part.
  [[nodiscard]] std::optional<BytesView> view(uint64_t linkAddress, uint64_t size) const;
  // All that the file has of the segment from a link address on.
  [[nodiscard]] BytesView viewFrom(uint64_t linkAddress) const;

private:
  std::vector<LoadSegment> loads_;
  uint64_t start_ = 0;
  uint64_t size_ = 0;
  uint64_t alignment_ = 0;
};

} // namespace lpc::backend
