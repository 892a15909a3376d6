// The kernel copies 1, 2, 4 and 8 bytes with one move each; code is always written as whole words (prepare.cpp).
#include "backend/store.h"

#include <bit>

#include "ir/machine/decoder.h"

namespace lpc::backend {
namespace {

constexpr uint64_t kWord = 8, kLongestInstruction = 15; // Intel SDM vol. 2, 2.3.11

} // namespace

bool isOneStore(const PlannedChange &change, Machine machine, const runtime::Process &process) {
  uint64_t size = change.newBytes.size();
  if (change.address.value % kWord + size > kWord) return false;
  if (change.kind == PlannedChange::Kind::Set && change.code) return false; // it may begin inside an instruction
  if (!change.code) return !change.exact && std::has_single_bit(size) && change.address.value % size == 0;
  auto decoder = Decoder::create(machine);
  Bytes bytes(kLongestInstruction);
  if (!decoder || !process.read(change.address, bytes)) return false;
  auto first = (*decoder)->decode(bytes, change.address.value);
  return first && first->length >= size;
}

} // namespace lpc::backend
