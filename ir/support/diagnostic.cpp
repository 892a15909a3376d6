// The table of messages and the collector. render.cpp prints, nearest.cpp suggests.
#include "ir/support/diagnostic.h"

#include <algorithm>
#include <array>

#include "ir/support/result.h"

namespace lpc {
namespace {

constexpr auto kTable = std::to_array<DiagnosticInfo>({
#define LPC_DIAGNOSTIC(id, text, severity, explanation, danger)                                                        \
  {DiagnosticId::id, text, Severity::severity, explanation, danger},
#include "ir/support/diagnostics.def"
#undef LPC_DIAGNOSTIC
});

} // namespace

const DiagnosticInfo &info(DiagnosticId id) {
  auto index = static_cast<size_t>(id);
  LPC_CHECK(index < kTable.size());
  return kTable[index];
}

std::vector<DiagnosticInfo> allDiagnostics() { return {kTable.begin(), kTable.end()}; }

Diagnostic &Diagnostics::report(DiagnosticId id, Place place, std::string message) {
  all_.push_back({.id = id, .severity = info(id).severity, .place = place, .message = std::move(message)});
  return all_.back();
}

bool Diagnostics::hasErrors() const { return errorCount() != 0; }

size_t Diagnostics::errorCount() const {
  auto isError = [](const Diagnostic &d) { return d.severity == Severity::Error; };
  return static_cast<size_t>(std::count_if(all_.begin(), all_.end(), isError));
}

std::vector<Diagnostic> Diagnostics::sorted() const {
  std::vector<Diagnostic> out = all_;
  std::stable_sort(out.begin(), out.end(), [](const Diagnostic &a, const Diagnostic &b) {
    if (a.place.known() != b.place.known()) return a.place.known();
    return a.place < b.place;
  });
  return out;
}

} // namespace lpc
