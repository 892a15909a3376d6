// A relocatable object (ET_REL, `patch.o`), linked alone into a shared object: what `ld -shared -Bsymbolic -z notext`
// would make of it, so that everything behind knows one kind of payload.
//
// Other than ld: globals of hidden visibility are exported too (other objects of the patch may refer to them, as in one
// link); what the object leaves undefined has no library and no version; nothing is relaxed or merged; DWARF is left
// out. References that a file cannot decide are dynamic relocations, in code too.
#pragma once

#include <string>

#include "ir/support/bytes.h"
#include "ir/support/result.h"

namespace lpc::target {

// The file's header says that it is a relocatable object of 64 bits, little-endian.
bool isRelocatable(BytesView file);

// The shared object; the same bytes for the same file, at most 1 GiB of them. Safe for any bytes. `name` for messages.
// CorruptPayload, UnsupportedPayload, UnsupportedMachine, PayloadThreadLocal, RelocationOverflow, FileTooLarge.
Result<Bytes> linkRelocatable(BytesView file, const std::string &name);

} // namespace lpc::target
