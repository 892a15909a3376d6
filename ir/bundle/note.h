// `.note.lp`: what a bundle is, for whoever looks at it before its IR is read: this lpc, an older one, readelf -n.
#pragma once

#include <string>
#include <vector>

#include "ir/support/bytes.h"
#include "ir/support/result.h"

namespace lpc::ir {

struct BundleNote {
  uint64_t format = 0;       // version of the format
  std::string name, version; // of the patch
  std::vector<Bytes> builds; // the build-id of each build's target, in order; empty where it has none
  bool operator==(const BundleNote &) const = default;
};

// The contents of the section with a digest of zeros, which stands at their end.
Bytes writeNote(const BundleNote &note);

// The note and its digest, a view of the contents. BadIr: it is damaged, or of a version of the format that this lpc
// does not know, which is looked at first.
struct ReadNote {
  BundleNote note;
  BytesView digest;
};
Result<ReadNote> readNote(BytesView contents);

} // namespace lpc::ir
