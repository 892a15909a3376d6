// Header statements and their order.
#include "frontend/parse/headers.h"

#include "ir/support/cat.h"

namespace lpc::parsing {

namespace {

bool onlyOnce(std::string_view instruction) { return instruction == "patch" || instruction == "target"; }
bool isHeader(std::string_view instruction) { return onlyOnce(instruction) || instruction == "object"; }

} // namespace

void Headers::count(std::string_view instruction, const Place &place) {
  if (onlyOnce(instruction))
    once_.try_emplace(std::string(instruction), place);
  else if (!isHeader(instruction) && !firstOther_.known())
    firstOther_ = place;
}

bool Headers::admit(std::string_view instruction, const Place &place) {
  if (auto first = once_.find(instruction); first != once_.end()) {
    auto &diagnostic =
        diagnostics_.report(DiagnosticId::DuplicateHeader, place, cat("`", instruction, "` stands a second time"));
    diagnostic.notes.push_back({"the first is here", first->second});
    return false;
  }
  if (isHeader(instruction) && firstOther_.known()) {
    auto &diagnostic = diagnostics_.report(DiagnosticId::HeaderOrder, place,
                                           cat("`", instruction, "` has to stand before all other statements"));
    diagnostic.notes.push_back({"the first other statement is here", firstOther_});
    diagnostic.help = "move the line to the start of the file";
  }
  count(instruction, place);
  return true;
}

} // namespace lpc::parsing
