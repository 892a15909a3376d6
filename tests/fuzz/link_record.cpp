// Records in the memory of a process, beneath their checksum, which a fuzzer would never get past: refused, or read,
// and then the same when written and read again.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "backend/record.h"
#include "ir/support/sha256.h"

namespace {

constexpr size_t kHeader = 88, kBodySize = 24, kChecksum = 40; // record.cpp

// Gives the input the header that a record has, around the numbers it says itself.
void makeRecord(lpc::Bytes &bytes) {
  using namespace lpc;
  const Bytes empty = backend::encode({});
  std::copy_n(empty.begin(), 16, bytes.begin()); // magic, format, size of the header
  uint64_t size = loadLittle(BytesView(bytes).subspan(kBodySize, 8));
  if (size > bytes.size() - kHeader) return;
  std::ranges::copy(sha256(BytesView(bytes).subspan(kHeader, size)), bytes.begin() + kChecksum);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace lpc;
  Bytes bytes(data, data + size);
  if (size >= kHeader) makeRecord(bytes);
  auto record = backend::decode(bytes);
  if (!record) {
    LPC_CHECK(record.error().id == DiagnosticId::CorruptRegistry && !record.error().message.empty());
    return 0;
  }
  const Bytes written = backend::encode(*record);
  LPC_CHECK(written.size() <= bytes.size());
  LPC_CHECK(backend::undoOffset(*record) + backend::undoBytes(*record).size() <= written.size());
  LPC_CHECK(record->openings.empty() || backend::handleOffset(*record, record->openings.size()) == written.size());
  auto again = backend::decode(written);
  LPC_CHECK(again && *again == *record);
  return 0;
}
