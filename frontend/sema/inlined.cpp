// A function that is static, or small, or in a header, often has code of its own and copies in its callers. Whoever
// replaces it and wonders that half of the calls don't notice has met those.
#include "frontend/sema/inlined.h"

#include <algorithm>
#include <set>

#include "frontend/sema/names.h"
#include "frontend/target/debug_info.h"
#include "ir/support/cat.h"

namespace lpc::sema {
namespace {

using Into = target::InlinedCopies::Into;

constexpr size_t kMostShown = 8;

std::string copies(const Into &into) { return into.copies == 1 ? "1 copy" : cat(into.copies, " copies"); }

// "0x401136  2 copies  util.c  tick", aligned.
std::vector<std::string> listing(const std::vector<Into> &functions) {
  size_t counts = 0, sources = 0;
  size_t shown = std::min(functions.size(), kMostShown);
  for (size_t i = 0; i < shown; i++) {
    counts = std::max(counts, copies(functions[i]).size());
    sources = std::max(sources, functions[i].sourceFile.size());
  }
  auto padded = [](std::string text, size_t width) { return text + std::string(width - text.size() + 2, ' '); };
  std::vector<std::string> lines;
  for (size_t i = 0; i < shown; i++)
    lines.push_back(cat(hexAddress(functions[i].address), "  ", padded(copies(functions[i]), counts),
                        padded(functions[i].sourceFile, sources), functions[i].function));
  if (shown < functions.size()) lines.push_back(cat("… and ", functions.size() - shown, " more"));
  return lines;
}

} // namespace

void checkInlined(const std::vector<Replaced> &replaced, Context &context) {
  std::set<std::pair<size_t, LinkAddress>> addresses;
  for (const Replaced &each : replaced)
    addresses.emplace(each.object, each.symbol.address);
  for (const Replaced &each : replaced) {
    auto file = context.objects.file(each.object);
    target::DebugInfo *debug = file ? (*file)->debugInfo() : nullptr;
    if (debug == nullptr) continue;
    target::InlinedCopies inlined = debug->inlinedCopies(each.symbol);
    std::erase_if(inlined.functions, [&](const Into &into) { return addresses.contains({each.object, into.address}); });
    const std::vector<Into> &left = inlined.functions;
    if (left.empty()) continue;
    std::string others =
        left.size() == 1 ? "" : cat(" and ", left.size() - 1, " other function", left.size() > 2 ? "s" : "");
    Diagnostic &d = context.report(DiagnosticId::InlinedFunction, each.place,
                                   cat("the compiler inlined `", readable(each.symbol.name), "` into `",
                                       left[0].function, "`", others, ", and that code does not reach this change"));
    d.notes.push_back(
        {cat(inlined.more ? "it stays as it is at least in:" : "it stays as it is in:"), {}, listing(left)});
    d.help = cat("replace ", left.size() == 1 ? cat("`", left[0].function, "`") : "these functions", " too");
  }
}

} // namespace lpc::sema
