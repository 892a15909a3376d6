// What does not depend on the machine: displacements are the only part of moved code that its place decides.
//
// Rejected: re-encoding through LLVM's streamer. It widens branches as well, but drops prefixes that it thinks useless
// (notrack, padding), and takes 24 µs where a copy takes none.
#include "ir/machine/moved_code.h"

#include <limits>

#include "ir/machine/moved_code_x86.h"
#include "ir/support/address.h"
#include "ir/support/cat.h"

namespace lpc {

Result<MovedCode> MovedCode::of(Machine machine, const Decoder &decoder, BytesView code, uint64_t from) {
  switch (machine) {
  case Machine::X86_64: return x86_64::moved(decoder, code, from);
  case Machine::I386:
  case Machine::AArch64: break;
  }
  return fail(DiagnosticId::UnsupportedMachine,
              cat("instructions of `", name(machine), "` cannot be moved by this version of lpc"));
}

std::vector<uint64_t> MovedCode::refersTo() const {
  std::vector<uint64_t> targets;
  targets.reserve(links_.size());
  for (const Link &link : links_)
    targets.push_back(link.target);
  return targets;
}

Result<Bytes> MovedCode::at(uint64_t to) const {
  Bytes bytes = bytes_;
  for (const Link &link : links_) {
    auto displacement = static_cast<int64_t>(link.target - (to + link.end));
    if (displacement < std::numeric_limits<int32_t>::min() || displacement > std::numeric_limits<int32_t>::max())
      return fail(DiagnosticId::RelocationOverflow, cat("instructions moved to ", hexAddress(RemoteAddress{to}),
                                                        " cannot reach ", hexAddress(RemoteAddress{link.target})));
    storeLittle(std::span(bytes).subspan(link.offset, 4), static_cast<uint32_t>(displacement));
  }
  return bytes;
}

} // namespace lpc
