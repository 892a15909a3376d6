// What one wants to know of a file before it is applied: for which programs, with which files in it, how much it
// changes.
#include "frontend/driver/overview.h"

#include <algorithm>

#include "frontend/driver/console.h"
#include "ir/support/cat.h"
#include "ir/support/display.h"
#include "ir/support/sha256.h"

namespace lpc::driver {
namespace {

std::string line(const std::string &text) { return displayable(text) + "\n"; }

std::string buildId(const ir::Object &object) {
  return object.buildId.empty() ? "no build-id" : "build-id " + toHex(object.buildId);
}

std::string buildText(const ir::Patch &build) {
  std::string out;
  for (const ir::Object &object : build.objects)
    out += line(cat(&object == build.objects.data() ? "for " : "  with ", object.path, "  ", buildId(object)));
  for (const ir::Memory &memory : build.memories)
    out += line(cat("  $", memory.name, "  ", counted(memory.size, "byte"),
                    memory.payload ? "  " + build.payloads[static_cast<size_t>(*memory.payload)].name : ""));
  for (const ir::Payload &payload : build.payloads)
    out += line(cat("  file ", payload.name, "  ", counted(payload.bytes.size(), "byte"), "  sha256 ",
                    toHex(sha256(payload.bytes))));
  return out + line("  " + counted(build.operations.size(), "operation"));
}

} // namespace

std::string overview(const std::vector<const ir::Patch *> &builds, const Bytes &digest) {
  const ir::Patch &first = *builds.front();
  std::string out = line(cat(first.name, first.version.empty() ? "" : " ", first.version, "  made from ",
                             first.source.empty() ? "-" : first.source, "  ", lpc::name(first.machine)));
  if (!digest.empty()) out += cat("bundle of ", counted(builds.size(), "build"), "  sha256 ", toHex(digest), "\n");
  for (const ir::Patch *build : builds)
    out += buildText(*build);
  return out;
}

} // namespace lpc::driver
