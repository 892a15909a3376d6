// The image of a relocatable object that is being linked, and the shared object that is written of it. Internal to
// frontend/target.
#pragma once

#include <array>

#include "frontend/target/relocatable_input.h"
#include "frontend/target/relocatable_rules.h"

namespace lpc::target {

struct ImageRange {
  uint64_t begin = 0, end = 0; // addresses: from the image's start
  [[nodiscard]] uint64_t size() const { return end - begin; }
};

// What the linker adds to the object's own sections; sizes in bytes.
struct LinkerMade {
  uint64_t stubs = 0;       // in the code
  uint64_t table = 0;       // of addresses (GOT), read-only when relocated
  uint64_t unwindIndex = 0; // .eh_frame_hdr; 0: none
};

// Where everything stands. Segments: read-only, code, and writable data with a part that is read-only when relocated.
struct ImageLayout {
  std::array<ImageRange, static_cast<size_t>(Part::None)> parts;
  ImageRange stubs, table, unwindIndex;
  ImageRange readOnly, code, relro, data; // whole segments; data: with relro, and without what is zero
  uint64_t alignment = 0;                 // of the image, at least a page
  uint64_t contentEnd = 0;                // behind it everything is zero
  uint64_t end = 0;                       // page aligned

  [[nodiscard]] const ImageRange &of(Part part) const { return parts[static_cast<size_t>(part)]; }
};

// Sets the addresses of input's sections and symbols (of Home::Made: that of the table; of undefined ones 0).
// UnsupportedPayload: too large.
Result<ImageLayout> layOut(RelocatableInput &input, const LinkerMade &made);

// A relocation that is left to the process.
struct DynamicRelocation {
  static constexpr uint32_t kImage = UINT32_MAX; // relative to the image's start, by a symbol
  uint64_t place = 0;
  uint32_t type = 0;
  uint32_t symbol = 0; // index into input.symbols, or kImage; 0: none
  int64_t addend = 0;
};

// The file. `content` is the image up to contentEnd; its first bytes are left for headers.
Bytes writeSharedObject(const RelocatableInput &input, const ImageLayout &layout, Bytes content,
                        const std::vector<DynamicRelocation> &relocations);

// Bytes that layOut leaves for headers at the image's start.
uint64_t headersSize();

// --- .eh_frame_hdr (LSB core, "Exception Frames"), by which unwinders find the frames of an address

// Its size for the frames of an object, which are counted; 0 where they have a form that we don't know.
uint64_t unwindIndexSize(const RelocatableInput &input);
// Fills it in, frames being relocated. Where one of them has another form, the index says that it has no table.
void writeUnwindIndex(const ImageLayout &layout, Bytes &content);

} // namespace lpc::target
