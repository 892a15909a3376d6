// .eh_frame_hdr for the frames of a relocatable object: a table of functions sorted by address. Frames are length,
// pointer to their common part (CIE, a backward distance; 0: is one itself), start of the function, its length.
//
// The start's encoding stands in the common part's augmentation. gcc and clang use two: 4 or 8 bytes relative to the
// place (the latter in the large model). For anything else there is no table, and unwinders go through the frames.
#include <algorithm>
#include <optional>

#include "frontend/target/relocatable_image.h"

namespace lpc::target {
namespace {

constexpr uint64_t kHeader = 12, kRow = 8;
constexpr uint8_t kRelative4 = 0x1b, kRelative8 = 0x1c; // DW_EH_PE_pcrel | sdata4, sdata8
constexpr uint8_t kTable4 = 0x3b;                       // DW_EH_PE_datarel | sdata4
constexpr uint8_t kUnsigned4 = 0x03;                    // DW_EH_PE_udata4
constexpr uint8_t kOmit = 0xff;                         // DW_EH_PE_omit

struct Frame {
  uint64_t at = 0, size = 0; // without the length
  uint32_t common = 0;       // distance from `at` back to the common part; 0: is one
};

// Calls visit for each frame until it gives false. False where the frames have an unknown form.
template <class Visit> bool forEachFrame(BytesView frames, const Visit &visit) {
  uint64_t at = 0;
  while (frames.size() - at >= 4) {
    uint64_t length = loadLittle(frames.subspan(at, 4));
    at += 4;
    if (length == 0) return true;
    if (length < 4 || length > frames.size() - at) return false; // 0xffffffff: 64-bit lengths
    if (!visit(Frame{at, length, static_cast<uint32_t>(loadLittle(frames.subspan(at, 4)))})) return false;
    at += length;
  }
  return at == frames.size();
}

void skipNumber(BytesView bytes, uint64_t &at) { // LEB128
  while (at < bytes.size() && (bytes[at] & 0x80) != 0)
    at++;
  at++;
}

// The encoding of the functions' starts (augmentation "zR…"); nothing where it is not stated so.
std::optional<uint8_t> encodingOf(BytesView common) {
  uint64_t at = 4 + 1; // CIE id, version
  uint64_t augmentation = at;
  while (at < common.size() && common[at] != 0)
    at++;
  uint64_t letters = at - augmentation;
  at++;
  if (letters == 0 || at >= common.size() || common[augmentation] != 'z') return std::nullopt;
  for (int number = 0; number < 4; number++) // code and data alignment, return address, augmentation's length
    skipNumber(common, at);
  for (uint64_t i = 1; i < letters; i++) {
    auto letter = static_cast<char>(common[augmentation + i]);
    if (at >= common.size()) return std::nullopt;
    if (letter == 'R') return common[at];
    if (letter == 'L') at++;
    if (letter == 'P') at += (common[at] & 0xf) == (kRelative8 & 0xf) || (common[at] & 0xf) == 0 ? 9U : 5U;
  }
  return std::nullopt;
}

struct Row {
  int32_t function = 0, frame = 0; // from the index
};

std::optional<Row> rowOf(BytesView frames, uint64_t framesAt, uint64_t indexAt, const Frame &frame) {
  constexpr uint64_t kLength = 4;
  if (frame.common > frame.at || frame.size < 4 + 4) return std::nullopt;
  uint64_t commonAt = frame.at - frame.common; // of its length
  if (frames.size() - commonAt < kLength) return std::nullopt;
  uint64_t commonSize = loadLittle(frames.subspan(commonAt, kLength));
  if (commonSize > frames.size() - commonAt - kLength) return std::nullopt;
  auto encoding = encodingOf(frames.subspan(commonAt + kLength, commonSize));
  if (encoding != kRelative4 && encoding != kRelative8) return std::nullopt;
  uint64_t width = encoding == kRelative8 ? 8 : 4;
  if (frame.size < 4 + width) return std::nullopt;
  uint64_t start = loadLittle(frames.subspan(frame.at + 4, width));
  if (width == 4) start = static_cast<uint64_t>(int64_t{static_cast<int32_t>(start)});
  uint64_t function = framesAt + frame.at + 4 + start;
  return Row{static_cast<int32_t>(function - indexAt), static_cast<int32_t>(framesAt + frame.at - 4 - indexAt)};
}

} // namespace

uint64_t unwindIndexSize(const RelocatableInput &input) {
  uint64_t count = 0;
  bool any = false;
  for (const InputSection &section : input.sections) {
    if (section.part != Part::Unwind) continue;
    any = true;
    bool known = forEachFrame(section.bytes, [&](const Frame &frame) {
      count += frame.common != 0;
      return true;
    });
    if (!known) return 0;
  }
  return any ? kHeader + count * kRow : 0;
}

void writeUnwindIndex(const ImageLayout &layout, Bytes &content) {
  const ImageRange index = layout.unwindIndex, unwind = layout.of(Part::Unwind);
  if (index.size() == 0) return;
  BytesView frames = BytesView(content).subspan(unwind.begin, unwind.size());
  std::vector<Row> rows;
  bool known = forEachFrame(frames, [&](const Frame &frame) {
    if (frame.common == 0) return true;
    auto row = rowOf(frames, unwind.begin, index.begin, frame);
    if (row) rows.push_back(*row);
    return row.has_value();
  });
  known = known && kHeader + rows.size() * kRow == index.size();
  std::ranges::sort(rows, {}, &Row::function);

  auto out = std::span(content).subspan(index.begin, index.size());
  out[0] = 1; // version
  out[1] = kRelative4;
  out[2] = known ? kUnsigned4 : kOmit;
  out[3] = known ? kTable4 : kOmit;
  storeLittle(out.subspan(4, 4), unwind.begin - (index.begin + 4));
  if (!known) return;
  storeLittle(out.subspan(8, 4), rows.size());
  uint64_t at = kHeader;
  for (const Row &row : rows) {
    storeLittle(out.subspan(at, 4), static_cast<uint32_t>(row.function));
    storeLittle(out.subspan(at + 4, 4), static_cast<uint32_t>(row.frame));
    at += kRow;
  }
}

} // namespace lpc::target
