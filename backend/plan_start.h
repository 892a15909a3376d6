// What a payload needs before its code may run, and when it has run for the last time.
#pragma once

#include <vector>

#include "backend/call.h"
#include "backend/link.h"
#include "backend/plan.h"

namespace lpc::backend {

struct StartedPayload {
  const PayloadImage *image = nullptr;
  std::string file;        // as the patch calls it
  RemoteAddress base;      // where the image is
  const Bytes *content{};  // of the image, relocated
  bool calledBack = false; // code of the program runs below it that no symbol of the payload tells of (`hook`)
  Place place{};
};

// Adds the calls of Start and Finish to the plan, which has those of `on … call`, and gives all of them their steps:
// first all frames are registered, then the resolvers of indirect functions run, then the constructors, in the order of
// the payloads; at the end the other way round. UnsupportedPayload: the process lacks what it needs.
Result<void> planStarts(const std::vector<StartedPayload> &payloads, const runtime::Process &process,
                        const Snapshot &snapshot, Plan &plan);

// Where .eh_frame is, from .eh_frame_hdr at `table` of the image, to behind the entry of length 0 that ends it. Nothing
// where it has none that ends. Safe for any bytes.
std::optional<PayloadRange> framesOf(BytesView content, const PayloadRange &table);

} // namespace lpc::backend
