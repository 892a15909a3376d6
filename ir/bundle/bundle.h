// The bundle (`.lpb`): one patch, resolved for one or several builds of its target, as an ELF file that needs no other
// file to be applied. docs/bundle.md describes the format, and what changes of it old and new versions of lpc tolerate.
//
//     .note.lp          owner "lpc": type 0x100, what the bundle is (MessagePack); 0x101, SHA-256 of the whole file, taken
//                       with these 32 bytes zero
//     .lp.ir            the IR of the first build (pack.h); .lp.ir.1, .lp.ir.2, … of the others
//     .lp.payload.0 …   the payload files, each once, whatever number of builds and memories uses it
#pragma once

#include <string_view>
#include <vector>

#include "ir/patch.h"
#include "ir/support/result.h"

namespace lpc::ir {

constexpr uint64_t kBundleVersion = 1;
constexpr uint64_t kMostPayloadBytes = uint64_t{1} << 31; // of all builds together, as they are read
constexpr size_t kMostBuilds = 1024;

// At least one build. All have one name, version and machine; no two are for the same builds of the same objects.
struct Bundle {
  std::vector<Patch> builds;
  bool operator==(const Bundle &) const = default;
};

// Whether `file` is to be read as a bundle: any ELF file is, for no text begins as one does.
bool isBundle(std::string_view file);

// Of verified patches. The same bundle gives the same bytes. Usage: the builds are not ones that fit together;
// FileTooLarge.
Result<Bytes> writeBundle(const Bundle &bundle);

// readBundle(writeBundle(b)) == b. Every patch is verified. BadIr; safe for any input: what it allocates is
// proportional to the input's length, apart from payloads (kMostPayloadBytes).
Result<Bundle> readBundle(BytesView file);

// What an `is it damaged` check of the whole would hide from tests: the reader beneath the digest.
Result<Bundle> readBundleUnchecked(BytesView file);

// The digest that the bundle states; nothing where it states none.
Bytes statedDigest(BytesView file);

} // namespace lpc::ir
