// What is recorded is compared with the process before anything is changed, so it must hold in every process that runs
// the file; a byte too much would refuse a good patch.
#include "frontend/sema/recorded.h"

#include "frontend/sema/spelling.h"
#include "ir/support/cat.h"

namespace lpc::sema {
namespace {

// RELRO: writable in the file, but only until relocation is done. .dynamic is left out, into which the dynamic linker
// writes (DT_DEBUG), and .got, whose contents it makes.
bool constantAfterRelocation(std::string_view section) {
  return section == ".data.rel.ro" || section.starts_with(".data.rel.ro.");
}

bool readOnly(const target::ElfFile &file, LinkAddress address) {
  if (const target::Section *section = file.sectionAt(address))
    return !section->writable || constantAfterRelocation(section->name);
  const target::Segment *segment = file.segmentAt(address);
  return segment != nullptr && !segment->writable;
}

} // namespace

std::optional<Bytes> recordedBytes(const target::ElfFile &file, LinkAddress address, uint64_t size) {
  if (!readOnly(file, address) || file.isRelocated(address, size)) return std::nullopt;
  return file.bytesAt(address, size);
}

bool fileHas(const Spot &spot, const Bytes &recorded, const Bytes &stated, const Mismatch &otherwise,
             Context &context) {
  if (stated == recorded) return true;
  Diagnostic &d = context.report(otherwise.id, otherwise.place,
                                 cat("`", spot.owner, "` does not have this value at `", spelled(*spot.written), "`"));
  d.notes.push_back({"", {}, {cat("patch  ", toSpacedHex(stated)), cat("file   ", toSpacedHex(recorded))}});
  return false;
}

} // namespace lpc::sema
