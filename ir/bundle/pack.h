// A patch as MessagePack (`.lp.ir`), by the lists of schema.h. Payloads are files of their own beside it.
//
// A structure is a map from field names, in the order of the lists, without fields that are zero or empty; a variant is
// an array of its alternative's name and value; numbers, texts and bytes are MessagePack's own.
#pragma once

#include <functional>

#include "ir/patch.h"
#include "ir/support/result.h"

namespace lpc::ir {

// What the bytes of a payload are stored as: a number that leads back to them.
using StorePayload = std::function<uint32_t(const Bytes &)>;
using PayloadOf = std::function<Result<Bytes>(uint64_t)>;

// Of a verified patch.
Bytes pack(const Patch &patch, const StorePayload &store);

// unpack(pack(p)) == p. BadIr; safe for any input, and not verified yet: what it allocates is proportional to the
// input's length, apart from what `payload` gives.
Result<Patch> unpack(BytesView bytes, const PayloadOf &payload);

} // namespace lpc::ir
