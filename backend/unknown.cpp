// Follows the steps of apply.cpp: whatever is looked at again there, or looked at for the first time, is said here.
#include "backend/unknown.h"

#include <algorithm>

#include "backend/verdict.h"
#include "ir/support/cat.h"

namespace lpc::backend {
namespace {

std::string bytes(size_t count) { return cat(count, count == 1 ? " byte" : " bytes"); }

std::string_view effectOf(CallStage stage) {
  switch (stage) {
  case CallStage::Start: return "; if it fails, nothing is changed";
  case CallStage::PreApply: return "; another value than 0 ends it, and nothing is changed";
  default: return "";
  }
}

void addCalls(const Plan &plan, std::vector<Unknown> &all) {
  for (CallStage stage : {CallStage::Start, CallStage::PreApply, CallStage::PostApply})
    for (const Call &call : plan.calls)
      if (call.stage == stage)
        all.push_back({"call", cat("what ", call.name, " does and returns", effectOf(stage)), call.place.line});
}

void addData(const Plan &plan, std::vector<Unknown> &all) {
  for (const PlannedPointer &pointer : plan.pointers)
    all.push_back({"pointer",
                   cat("whether the pointer at ", hexAddress(pointer.at), " still is ",
                       hexAddress(RemoteAddress{loadLittle(pointer.value)}), "; if not, another plan is made"),
                   pointer.line});
  for (const PlannedExpectation &expected : plan.expectations)
    all.push_back({"condition", cat("whether what is expected at ", hexAddress(expected.at), " holds"), expected.line});
  for (const PlannedChange &change : plan.changes) {
    if (change.prepared) continue;
    std::string place = cat(bytes(change.newBytes.size()), " at ", hexAddress(change.address));
    if (change.exact)
      all.push_back({"bytes", cat("whether the ", place, " still are as they were found"), change.line});
    else
      all.push_back({"old-value", cat("what the ", place, " are by then; that is what revert puts back"), change.line});
  }
}

} // namespace

std::vector<Unknown> unknownsOf(const Plan &plan) {
  std::vector<Unknown> all;
  if (!plan.mappings.empty())
    all.push_back({"place", cat("whether the address space at ", hexAddress(plan.mappings.front().address),
                                " is still free; if not, another place is taken, and this plan is another one")});
  for (const PlannedOpening &opening : plan.openings)
    if (!opening.loaded)
      all.push_back({"opening",
                     cat("whether the process loads `", opening.file, "`, and where; what is in it is shown as `$",
                         opening.name, "+…`, and the bytes of jumps and pointers to it will be others"),
                     opening.line});
  addCalls(plan, all);
  bool stops = !guardedBy(plan).empty();
  if (stops)
    all.push_back({"threads", "whether a thread is inside code that must not be active; if so, the stop is tried again "
                              "until --timeout"});
  addData(plan, all);
  if (stops || !plan.oneStore)
    all.push_back({"pause", "how long the process stands; past --max-pause it is let go, and the stop tried again"});
  return all;
}

} // namespace lpc::backend
