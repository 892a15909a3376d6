// Taken of lines of text, each with the lengths of what stands in it, so that no two plans give the same lines.
#include "backend/plan_digest.h"

#include "ir/support/cat.h"
#include "ir/support/sha256.h"

namespace lpc::backend {

Bytes digestOf(const Plan &plan) {
  std::string text = cat("patch ", toHex(plan.digest), "\n");
  for (const PlannedMapping &mapping : plan.mappings)
    text += cat("map ", hexAddress(mapping.address), " ", mapping.size, "\n");
  for (const PlannedMemory &memory : plan.memories) {
    text += cat("memory ", hexAddress(memory.address), " ", memory.requested, " ", toHex(sha256(memory.content)), "\n");
    for (const PlannedSegment &segment : memory.segments)
      text += cat("segment ", segment.offset, " ", segment.size, " ", segment.protection, "\n");
  }
  for (const PlannedChange &change : plan.changes)
    text += cat("change ", hexAddress(change.address), " ", toHex(change.newBytes), " ",
                change.exact ? toHex(change.oldBytes) : "-", change.code ? " code" : "",
                change.prepared ? " prepared" : "", "\n");
  for (const PlannedPointer &pointer : plan.pointers)
    text += cat("pointer ", hexAddress(pointer.at), " ", toHex(pointer.value), "\n");
  for (const PlannedExpectation &expected : plan.expectations)
    text += cat("expect ", hexAddress(expected.at), " ", toHex(expected.bytes), "\n");
  for (const PlannedFunction &function : plan.functions)
    text += cat("inactive ", hexAddress(function.range.begin), " ", hexAddress(function.range.end), "\n");
  for (const Call &call : plan.calls) {
    text += cat("call ", static_cast<unsigned>(call.stage), " ", hexAddress(call.function));
    for (uint64_t argument : call.arguments)
      text += cat(" ", argument);
    text += "\n";
  }
  return sha256(asBytes(text));
}

} // namespace lpc::backend
