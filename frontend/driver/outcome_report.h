// What became of one process, as text and as JSON: the same for apply and revert.
#pragma once

#include <string>

#include "backend/play.h"
#include "frontend/driver/change_text.h"
#include "frontend/driver/json.h"
#include "ir/support/source.h"

namespace lpc::driver {

// "applied", "already-applied", …: the field `result`.
std::string resultName(backend::OutcomeKind kind);

// An element of `processes`.
void writeOutcome(Json &json, pid_t pid, const backend::Outcome &outcome);
// The fields of one change, shared with the plan's document.
void writeChange(Json &json, const backend::PlannedChange &change, const SpellAddress &spell = spelledPlainly);
// As elements of an array: what the dynamic linker has loaded, or is to load.
void writeOpenings(Json &json, const std::vector<backend::PlannedOpening> &openings);

// Success goes to standard output with what was changed and how long the process was stopped, a failure to standard
// error. `command` is "lpc apply"; `patch` the patch's name; places are in `source`.
void printOutcome(const std::string &command, const std::string &patch, pid_t pid, const backend::Outcome &outcome,
                  const SourceText &source);

// The failure as text.
std::string failureText(const std::string &command, pid_t pid, const backend::Outcome &outcome,
                        const SourceText &source);

} // namespace lpc::driver
