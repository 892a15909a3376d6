// A site given by number is taken at its word: that an instruction starts there can't be proved without a symbol before
// it. What can be proved is: it is code, whole instructions cover what is written, and the code does not end before it.
#include "backend/site.h"

#include <algorithm>

#include "ir/machine/decoder.h"
#include "ir/support/cat.h"

namespace lpc::backend {

namespace {

constexpr uint64_t kLongest = 15; // of an x86 instruction (Intel SDM vol. 2, 2.3.11)

// What stands at `address`, as far as `most` bytes of executable memory go.
Result<Bytes> codeAt(RemoteAddress address, uint64_t most, const runtime::Process &process, const Snapshot &snapshot) {
  const runtime::Mapping *mapping = runtime::mappingAt(snapshot.maps, address);
  if (!mapping) return fail(DiagnosticId::BadAddress, cat("the process has no memory at ", hexAddress(address)));
  if (!mapping->executable)
    return fail(DiagnosticId::NotCode, cat("the memory at ", hexAddress(address), " is not executable"));
  return process.read(address, std::min(mapping->range.end - address, most));
}

std::unexpected<Error> noInstruction(RemoteAddress address, BytesView bytes) {
  return fail(DiagnosticId::NotAnInstruction,
              cat("the bytes at ", hexAddress(address), " are no instruction: ", toSpacedHex(bytes, 8)));
}

} // namespace

Result<Site> proveSite(Machine machine, RemoteAddress address, uint64_t size, const runtime::Process &process,
                       const Snapshot &snapshot) {
  auto decoder = Decoder::create(machine);
  if (!decoder) return std::unexpected(std::move(decoder.error()));

  auto bytes = codeAt(address, 4 + size + kLongest, process, snapshot);
  if (!bytes) return std::unexpected(std::move(bytes.error()));

  uint64_t start = 0, end = 0;
  while (end - start < size) {
    auto instruction = (*decoder)->decode(BytesView(*bytes).subspan(end), address.value + end);
    if (!instruction) return noInstruction(address + end, BytesView(*bytes).subspan(end));
    end += instruction->length;
    if (instruction->isEndbr && start == 0 && end == instruction->length)
      start = end;
    else if (instruction->endsFlow && end - start < size)
      return fail(DiagnosticId::SiteTooShort, cat("the code at ", hexAddress(address), " ends after ", end - start,
                                                  " bytes, and the new code takes ", size));
  }
  return Site{address + start,
              Bytes(bytes->begin() + static_cast<ptrdiff_t>(start), bytes->begin() + static_cast<ptrdiff_t>(end))};
}

Result<void> proveInstructions(Machine machine, RemoteAddress address, uint64_t size, const runtime::Process &process,
                               const Snapshot &snapshot) {
  auto decoder = Decoder::create(machine);
  if (!decoder) return std::unexpected(std::move(decoder.error()));
  auto bytes = codeAt(address, size + kLongest, process, snapshot);
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  for (uint64_t end = 0; end != size;) {
    auto instruction = (*decoder)->decode(BytesView(*bytes).subspan(end), address.value + end);
    if (!instruction) return noInstruction(address + end, BytesView(*bytes).subspan(end));
    if (end + instruction->length > size)
      return fail(DiagnosticId::NotAnInstruction, cat(size, " bytes from ", hexAddress(address),
                                                      " end inside an instruction, at ", hexAddress(address + end)));
    end += instruction->length;
  }
  return {};
}

} // namespace lpc::backend
