// Payloads for `dl`: whatever the bytes, reading and placing stay in bounds, in bounded memory, and keep their
// promises.
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

#include "backend/link.h"

namespace {

constexpr uint64_t kBase = 0x5555'0000'0000; // a multiple of every alignment that is accepted
constexpr uint64_t kContentLimit = 64 << 20; // more than that is slow, not wrong

void check(const lpc::backend::PayloadImage &image) {
  LPC_CHECK(image.size <= uint64_t{1} << 30 && kBase % image.alignment == 0);
  uint64_t end = 0;
  for (const lpc::backend::PayloadSegment &segment : image.segments) {
    LPC_CHECK(segment.offset >= end && segment.size != 0 && segment.size <= image.size - segment.offset);
    LPC_CHECK((segment.protection & PROT_WRITE) == 0 || (segment.protection & PROT_EXEC) == 0);
    end = segment.offset + segment.size;
  }
  for (const lpc::backend::PayloadSymbol &symbol : image.exported) {
    LPC_CHECK(symbol.offset <= image.size);
    (void)image.find(symbol.name);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace lpc;
  auto image = backend::PayloadImage::read({data, size}, "payload", Machine::X86_64);
  if (!image) return 0;
  check(*image);
  if (image->size > kContentLimit) return 0;
  auto content = image->place({kBase}, [](const backend::UndefinedSymbol &symbol) -> Result<RemoteAddress> {
    return RemoteAddress{symbol.weak ? 0 : kBase + 0x1000'0000};
  });
  LPC_CHECK(!content || content->size() <= image->size);
  return 0;
}
