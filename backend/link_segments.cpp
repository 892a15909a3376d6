// PT_LOAD and PT_GNU_RELRO.
//
// The image starts at a link address that is a multiple of the largest alignment, so that an aligned base gives an
// aligned load bias (gABI: p_vaddr and p_offset are congruent modulo p_align, and so must the addresses in memory be).
// Segments may not share a page: each has a protection of its own. Their bytes in the file may not add up to
// more than the file, as no linker makes them; so a small file cannot ask for a large image of copies.
#include "backend/link_segments.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "ir/support/cat.h"

namespace lpc::backend {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kMaximumAlignment = uint64_t{2} << 20; // a huge page: what linkers use at most
constexpr uint64_t kMaximumImage = uint64_t{1} << 30;

uint64_t down(uint64_t value, uint64_t alignment) { return value & ~(alignment - 1); }
uint64_t up(uint64_t value, uint64_t alignment) { return down(value + alignment - 1, alignment); }

int protectionOf(uint32_t flags) {
  return ((flags & PF_R) != 0 ? PROT_READ : 0) | ((flags & PF_W) != 0 ? PROT_WRITE : 0) |
         ((flags & PF_X) != 0 ? PROT_EXEC : 0);
}

std::string segmentAt(const Elf64_Phdr &header) { return "the segment at " + hexAddress(header.p_vaddr); }

Result<void> checkLoad(const PayloadFile &file, const Elf64_Phdr &header) {
  uint64_t end = 0;
  if (header.p_filesz > header.p_memsz)
    return file.corrupt(segmentAt(header) + " is longer in the file than in memory");
  if (__builtin_add_overflow(header.p_vaddr, header.p_memsz, &end) || end > UINT64_MAX - kMaximumAlignment)
    return file.corrupt(segmentAt(header) + " reaches over the end of the address space");
  if (header.p_align > 1 && !std::has_single_bit(header.p_align))
    return file.corrupt(segmentAt(header) + " has an alignment that is no power of two");
  if (header.p_align > 1 && (header.p_vaddr - header.p_offset) % header.p_align != 0)
    return file.corrupt(segmentAt(header) + " is not aligned as it says");
  if (header.p_align > kMaximumAlignment)
    return file.unsupported(cat("has a segment aligned to ", header.p_align, " bytes, more than 2 MiB"));
  if ((header.p_flags & PF_W) != 0 && (header.p_flags & PF_X) != 0)
    return file.unsupported("has a segment that is writable and executable at once",
                            "link it without -N, and with separate sections for code and data");
  return {};
}

} // namespace

Result<SegmentMap> SegmentMap::make(const PayloadFile &file) {
  std::vector<Elf64_Phdr> headers;
  SegmentMap map;
  map.alignment_ = kPage;
  uint64_t fileBytes = 0;
  for (const Elf64_Phdr &header : file.programHeaders()) {
    if (header.p_type == PT_GNU_STACK && (header.p_flags & PF_X) != 0)
      return file.unsupported("wants executable stacks",
                              "link it with `-z noexecstack` if it has no nested functions whose address is taken");
    if (header.p_type != PT_LOAD || header.p_memsz == 0) continue;
    if (auto good = checkLoad(file, header); !good) return std::unexpected(good.error());
    if (header.p_filesz > file.size() - fileBytes) return file.corrupt("its segments are larger than the file");
    fileBytes += header.p_filesz;
    map.alignment_ = std::max(map.alignment_, header.p_align);
    headers.push_back(header);
  }
  if (headers.empty()) return file.corrupt("it has no segments to load");

  map.start_ = down(headers.front().p_vaddr, map.alignment_);
  uint64_t end = map.start_; // of the pages of the segments before
  for (const Elf64_Phdr &header : headers) {
    if (header.p_vaddr < map.start_) return file.corrupt("its segments are not in order of their addresses");
    uint64_t offset = header.p_vaddr - map.start_;
    if (down(header.p_vaddr, kPage) < end)
      return file.unsupported("has segments that share a page, or are out of order");
    end = up(header.p_vaddr + header.p_memsz, kPage);
    if (end - map.start_ > kMaximumImage) return file.unsupported("needs more than 1 GiB of address space");
    auto bytes = file.range(header.p_offset, header.p_filesz);
    if (!bytes) return file.corrupt(segmentAt(header) + " lies outside of the file");
    map.loads_.push_back({offset, header.p_memsz, *bytes, protectionOf(header.p_flags)});
  }
  map.size_ = end - map.start_;
  return map;
}

// The loader of glibc makes whole pages read-only that lie in the range; so do we (elf/dl-reloc.c rounds both ends
// down).
Result<std::vector<PayloadSegment>> SegmentMap::segments(const PayloadFile &file) const {
  std::vector<PayloadSegment> segments;
  for (const LoadSegment &load : loads_) {
    uint64_t begin = down(load.offset, kPage);
    segments.push_back({begin, up(load.offset + load.memorySize, kPage) - begin, load.protection});
  }
  bool split = false;
  for (const Elf64_Phdr &header : file.programHeaders()) {
    if (header.p_type != PT_GNU_RELRO || header.p_memsz == 0) continue;
    if (std::exchange(split, true)) return file.corrupt("it has several read-only-after-relocation parts");
    auto offset = offsetOf(header.p_vaddr);
    auto inside = [&](const PayloadSegment &segment) {
      return offset && *offset >= segment.offset && *offset - segment.offset < segment.size &&
             header.p_memsz <= segment.size - (*offset - segment.offset);
    };
    auto found = std::ranges::find_if(segments, inside);
    if (found == segments.end())
      return file.corrupt("its read-only-after-relocation part lies outside of its segments");
    uint64_t begin = down(*offset, kPage), end = down(*offset + header.p_memsz, kPage);
    if (begin >= end) continue;
    PayloadSegment whole = *found;
    std::vector<PayloadSegment> pieces{{whole.offset, begin - whole.offset, whole.protection},
                                       {begin, end - begin, whole.protection & ~PROT_WRITE},
                                       {end, whole.offset + whole.size - end, whole.protection}};
    std::erase_if(pieces, [](const PayloadSegment &piece) { return piece.size == 0; });
    segments.insert(segments.erase(found), pieces.begin(), pieces.end());
  }
  return segments;
}

std::optional<uint64_t> SegmentMap::offsetOf(uint64_t linkAddress) const {
  uint64_t offset = linkAddress - start_; // wraps below the start, to more than any size
  return offset <= size_ ? std::optional(offset) : std::nullopt;
}

const LoadSegment *SegmentMap::segmentOf(uint64_t offset, uint64_t size) const {
  auto after = std::ranges::upper_bound(loads_, offset, {}, &LoadSegment::offset);
  if (after == loads_.begin()) return nullptr;
  const LoadSegment &load = *std::prev(after);
  uint64_t inside = offset - load.offset;
  return inside <= load.memorySize && load.memorySize - inside >= size ? &load : nullptr;
}

std::optional<BytesView> SegmentMap::view(uint64_t linkAddress, uint64_t size) const {
  BytesView bytes = viewFrom(linkAddress);
  return bytes.size() >= size ? std::optional(bytes.first(size)) : std::nullopt;
}

BytesView SegmentMap::viewFrom(uint64_t linkAddress) const {
  auto offset = offsetOf(linkAddress);
  const LoadSegment *load = offset ? segmentOf(*offset, 0) : nullptr;
  if (load == nullptr || *offset - load->offset > load->bytes.size()) return {};
  return load->bytes.subspan(*offset - load->offset);
}

} // namespace lpc::backend
