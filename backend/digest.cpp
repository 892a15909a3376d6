// The digest is taken of the text form, so it covers whatever the IR can say, now and later. Payloads enter by their
// own digests: a payload of megabytes would otherwise be printed in hexadecimal only to be hashed.
#include "backend/digest.h"

#include "ir/support/sha256.h"
#include "ir/text.h"

namespace lpc::backend {

Bytes digestOf(const ir::Patch &patch) {
  ir::Patch content{patch.name, patch.version, {}, patch.machine, patch.objects, {}, patch.memories, patch.operations};
  for (const ir::Payload &payload : patch.payloads)
    content.payloads.push_back({payload.name, sha256(payload.bytes)});
  for (ir::Object &object : content.objects)
    object.path.clear();
  for (ir::Memory &memory : content.memories)
    memory.place = {};
  for (ir::Operation &operation : content.operations)
    operation.place = {};
  return sha256(asBytes(ir::printText(content)));
}

} // namespace lpc::backend
