// Sema has read the same file with the program at hand; here it is read again, because the patch may come from a bundle
// that somebody else has made.
#include "backend/open_image.h"

#include <algorithm>

#include "ir/support/cat.h"
#include "ir/verify.h"

namespace lpc::backend {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint16_t kEtDyn = 3; // gABI, e_type
// User space ends far below on all machines (x86-64 with five levels of page tables: 2^56).
constexpr uint64_t kNowhere = uint64_t{1} << 60, kEachNowhere = uint64_t{1} << 40;

} // namespace

Result<OpenImage> OpenImage::read(const ir::Payload &payload, Machine machine, size_t number) {
  auto file = target::ElfFile::fromBytes(payload.bytes, payload.name);
  if (!file) return std::unexpected(std::move(file.error()));
  if ((*file)->machine() != machine)
    return fail(DiagnosticId::WrongMachine, cat("`", payload.name, "` is for ", name((*file)->machine()),
                                                ", and the patch is for ", name(machine)));
  if ((*file)->elfType() != kEtDyn)
    return fail(DiagnosticId::UnsupportedPayload, cat("`", payload.name, "` is not a shared object"));
  uint64_t begin = UINT64_MAX, end = 0;
  for (const target::Segment &segment : (*file)->segments()) {
    uint64_t stop = 0;
    if (segment.memorySize == 0) continue;
    if (__builtin_add_overflow(segment.address.value, segment.memorySize, &stop)) stop = UINT64_MAX;
    begin = std::min(begin, segment.address.value);
    end = std::max(end, stop);
  }
  if (end == 0 || end - begin / kPage * kPage > ir::kMaxMemorySize)
    return fail(DiagnosticId::CorruptPayload,
                cat("`", payload.name, "` is corrupt: its segments have no possible size"));
  OpenImage image;
  image.file_ = std::move(*file);
  image.start_ = LinkAddress{begin / kPage * kPage};
  image.size_ = (end - image.start_.value + kPage - 1) / kPage * kPage;
  image.base_ = RemoteAddress{kNowhere + number * kEachNowhere};
  return image;
}

// NAME, or NAME@VERSION where it is not the default one.
std::optional<target::Symbol> OpenImage::exported(const std::string &symbol) const {
  std::optional<target::Symbol> best;
  auto all = file_->find({symbol}, target::Spelling::Exported);
  for (target::Symbol &found : all[0])
    if (found.exported && (!best || (found.defaultVersion && !best->defaultVersion))) best = std::move(found);
  return best;
}

std::optional<Bytes> OpenImage::bytesAt(RemoteAddress at, uint64_t size) const {
  if (!contains(at)) return std::nullopt;
  return file_->bytesAt(start_ + (at - base_), size);
}

bool OpenImage::executableAt(RemoteAddress at) const {
  const target::Segment *segment = contains(at) ? file_->segmentAt(start_ + (at - base_)) : nullptr;
  return segment != nullptr && segment->executable;
}

Result<bool> OpenImage::standsAt(LoadBias bias, const runtime::Process &process) const {
  for (const target::Segment &segment : file_->segments()) {
    if (segment.writable || segment.fileSize == 0 || file_->isRelocated(segment.address, segment.fileSize)) continue;
    auto wanted = file_->bytesAt(segment.address, segment.fileSize);
    if (!wanted) continue;
    auto found = process.read(bias.of(segment.address), wanted->size());
    if (!found) return std::unexpected(std::move(found.error()));
    if (*found != *wanted) return false;
  }
  return true;
}

const OpenImage *imageAt(const OpenImages &images, RemoteAddress address) {
  auto found = std::ranges::find_if(images, [&](const auto &entry) { return entry.second.contains(address); });
  return found == images.end() ? nullptr : &found->second;
}

} // namespace lpc::backend
