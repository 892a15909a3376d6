// Printing a plan: for a person who decides whether it may be applied, and for a program that compares it.
#include "frontend/driver/plan_report.h"

#include <algorithm>
#include <span>

#include "backend/plan_digest.h"
#include "backend/unknown.h"
#include "frontend/driver/change_text.h"
#include "frontend/driver/console.h"
#include "frontend/driver/diagnostics_json.h"
#include "frontend/driver/outcome_report.h"
#include "ir/machine/decoder.h"
#include "ir/support/cat.h"
#include "ir/support/display.h"

namespace lpc::driver {
namespace {

SpellAddress spellFor(const backend::Plan &plan) {
  return [&plan](RemoteAddress address) { return spelledIn(plan, address); };
}

std::string openingsText(const backend::Plan &plan) {
  std::string out;
  for (const backend::PlannedOpening &opening : plan.openings)
    out += cat("  line ", opening.line, ": ", displayable(openingText(opening)), "\n");
  return out.empty() ? "" : "dlopen:\n" + out;
}

std::string memoriesText(const backend::Plan &plan) {
  if (plan.memories.empty()) return "memory: none\n";
  std::string out = "memory:\n";
  for (const backend::PlannedMemory &memory : plan.memories) {
    out += cat("  ", displayable(memoryText(memory)), "\n");
    for (const backend::PlannedSegment &segment : memory.segments)
      out += cat("    ", hexAddress(memory.address + segment.offset), "  ", counted(segment.size, "byte"), "  ",
                 permissionText(segment.protection), "\n");
  }
  return out;
}

// The instructions that `bytes` are, one a line; nothing for bytes that are none.
std::string listing(const Decoder &decoder, char sign, BytesView bytes, RemoteAddress address) {
  std::string out;
  for (size_t at = 0; at < bytes.size();) {
    uint64_t here = address.value + at;
    auto instruction = decoder.decode(bytes.subspan(at), here);
    size_t length = instruction ? instruction->length : bytes.size() - at;
    BytesView part = bytes.subspan(at, length);
    std::string hex = toSpacedHex(part);
    std::string blanks(hex.size() < 24 ? 24 - hex.size() : 1, ' ');
    out += cat("      ", sign, " ", hexAddress(here), "  ", hex, instruction ? blanks + decoder.text(part, here) : "",
               "\n");
    at += length;
  }
  return out;
}

std::string changesText(const backend::Plan &plan) {
  if (plan.changes.empty()) return "changes: none\n";
  auto decoder = Decoder::create(plan.machine);
  std::string out = "changes:\n";
  for (const backend::PlannedChange &change : plan.changes) {
    out += cat("  line ", change.line, ": ", displayable(changeText(change, spellFor(plan))),
               change.prepared ? "  (in memory of the patch)" : "", "\n");
    bool placed = spelledIn(plan, change.address) == hexAddress(change.address);
    if (change.code && decoder && placed)
      out += listing(**decoder, '-', change.oldBytes, change.address) +
             listing(**decoder, '+', change.newBytes, change.address);
    else
      out += cat("      ", bytesText(change), "\n");
  }
  return out;
}

constexpr size_t kMostRelocations = 64; // of a memory, in text

std::string relocationsText(const backend::Plan &plan) {
  std::string out;
  for (const backend::PlannedMemory &memory : plan.memories) {
    size_t shown = std::min(memory.relocations.size(), kMostRelocations);
    for (const backend::PlannedRelocation &relocation : std::span(memory.relocations).first(shown))
      out += cat("  ", hexAddress(relocation.at), "  ", relocation.type, "  ", displayable(relocation.symbol),
                 relocation.symbol.empty() ? "= " : " = ", spelledIn(plan, {relocation.value}),
                 relocation.object.empty() ? "" : "  " + displayable(relocation.object), "\n");
    if (shown < memory.relocations.size())
      out += cat("  and ", memory.relocations.size() - shown, " more of $", displayable(memory.name),
                 ": --format json lists all\n");
  }
  return out.empty() ? "" : "relocations:\n" + out;
}

void writeRelocations(Json &json, const backend::Plan &plan) {
  for (const backend::PlannedMemory &memory : plan.memories)
    for (const backend::PlannedRelocation &relocation : memory.relocations)
      json.element([&] {
        json.text("memory", memory.name);
        json.text("address", hexAddress(relocation.at));
        json.text("type", relocation.type);
        json.textOrNull("symbol", relocation.symbol);
        json.textOrNull("object", relocation.object);
        json.text("value", spelledIn(plan, {relocation.value}));
      });
}

std::string unknownsText(const backend::Plan &plan) {
  std::string out;
  for (const backend::Unknown &unknown : backend::unknownsOf(plan))
    out += cat("  ", unknown.line ? cat("line ", unknown.line, ": ") : "", displayable(unknown.message), "\n");
  return out.empty() ? "" : "not known before the stop:\n" + out;
}

void writeUnknowns(Json &json, const backend::Plan &plan) {
  for (const backend::Unknown &unknown : backend::unknownsOf(plan))
    json.element([&] {
      json.text("about", unknown.about);
      json.text("message", unknown.message);
      json.numberOrNull("line", unknown.line);
    });
}

std::string expectationsText(const backend::Plan &plan) {
  if (plan.expectations.empty()) return "";
  std::string out = "must hold:\n";
  for (const backend::PlannedExpectation &expected : plan.expectations)
    out += cat("  line ", expected.line, ": ", hexAddress(expected.at), "  ", toSpacedHex(expected.bytes), "\n");
  return out;
}

std::string functionsText(const backend::Plan &plan) {
  if (plan.functions.empty()) return "";
  std::string out = "must not be active in any thread:\n";
  for (const backend::PlannedFunction &function : plan.functions)
    out += cat("  ", hexAddress(function.range.begin), "-", hexAddress(function.range.end), "  ",
               displayable(function.name), "\n");
  return out;
}

std::string callsText(const backend::Plan &plan) {
  if (plan.calls.empty()) return "";
  std::string out = "calls:\n";
  for (const backend::Call &call : plan.calls) {
    out += call.place.known() ? cat("  line ", call.place.line, ": ") : "  ";
    out += cat(name(call.stage), " ", displayable(call.name), " ", spelledIn(plan, call.function));
    for (uint64_t argument : call.arguments)
      out += cat(" ", hexAddress(RemoteAddress{argument}));
    out += "\n";
  }
  return out;
}

void writeCalls(Json &json, const backend::Plan &plan) {
  for (const backend::Call &call : plan.calls)
    json.element([&] {
      json.text("moment", name(call.stage));
      json.text("function", call.name);
      json.text("address", spelledIn(plan, call.function));
      json.array("arguments", [&] {
        for (uint64_t argument : call.arguments)
          json.textElement(hexAddress(RemoteAddress{argument}));
      });
      json.numberOrNull("line", call.place.line);
    });
}

bool needsStop(const backend::Plan &plan) { return !plan.oneStore || !plan.functions.empty(); }

void writeMemory(Json &json, const backend::Plan &plan) {
  for (const backend::PlannedMemory &memory : plan.memories)
    for (const backend::PlannedSegment &segment : memory.segments)
      json.element([&] {
        json.text("name", memory.name);
        json.text("address", hexAddress(memory.address + segment.offset));
        json.number("size", static_cast<int64_t>(segment.size));
        json.text("perm", permissionText(segment.protection));
      });
}

bool hasFunction(const backend::ThreadVerdict &thread) {
  return thread.kind == backend::VerdictKind::Active || thread.kind == backend::VerdictKind::MaybeActive;
}

// Where a patch replaces no code, no thread can be in its way.
std::string threadsText(const std::vector<backend::ThreadVerdict> &threads, const backend::Plan &plan) {
  if (backend::guardedBy(plan).empty()) return "";
  std::string out = "threads now:\n";
  for (const backend::ThreadVerdict &thread : threads) {
    out += cat("  ", thread.tid, " (", displayable(thread.name), "): ", name(thread.kind));
    if (hasFunction(thread))
      out += cat(" in `", displayable(thread.function), "`, ",
                 thread.frame == 0 ? "executing it" : cat(counted(thread.frame, "call"), " deep"));
    out += "\n";
  }
  return out;
}

void writeThreads(Json &json, const std::vector<backend::ThreadVerdict> &threads) {
  for (const backend::ThreadVerdict &thread : threads)
    json.element([&] {
      json.number("tid", thread.tid);
      json.text("name", thread.name);
      json.text("verdict", name(thread.kind));
      json.textOrNull("function", thread.function);
      if (hasFunction(thread))
        json.number("frame", thread.frame);
      else
        json.null("frame");
    });
}

std::string remarksText(const backend::Plan &plan) {
  std::string out;
  for (const std::string &remark : plan.remarks)
    out += cat("note: ", displayable(remark), "\n");
  return out;
}

} // namespace

std::string planText(const Attempt &planned) {
  LPC_CHECK(planned.plan.has_value());
  const backend::Plan &plan = *planned.plan;
  return cat("plan of ", displayable(plan.patchName), " for process ", planned.pid, "\ndigest ",
             toHex(backend::digestOf(plan)), "\n", memoriesText(plan), openingsText(plan), relocationsText(plan),
             changesText(plan), expectationsText(plan), functionsText(plan), threadsText(planned.threads, plan),
             callsText(plan), unknownsText(plan),
             plan.oneStore ? cat("stop: ", needsStop(plan) ? "only because of the functions above" : "none",
                                 ", the change is one store that no thread can see half done\n")
                           : "",
             remarksText(plan));
}

std::string planDocument(const std::string &patch, const Attempt &attempt, const std::vector<Diagnostic> &diagnostics,
                         const std::string &file, int status) {
  const backend::Plan *plan = attempt.plan ? &*attempt.plan : nullptr;
  return Json::document([&](Json &json) {
    json.text("schema", "lpc.plan/1");
    json.text("patch", patch);
    json.number("pid", attempt.pid);
    json.textOrNull("digest", plan == nullptr ? "" : toHex(backend::digestOf(*plan)));
    json.array("memory", [&] {
      if (plan != nullptr) writeMemory(json, *plan);
    });
    json.array("dlopen", [&] {
      if (plan != nullptr) writeOpenings(json, plan->openings);
    });
    json.array("relocations", [&] {
      if (plan != nullptr) writeRelocations(json, *plan);
    });
    json.array("changes", [&] {
      if (plan == nullptr) return;
      for (const backend::PlannedChange &change : plan->changes)
        json.element([&] { writeChange(json, change, spellFor(*plan)); });
    });
    if (plan != nullptr) json.flag("stop", needsStop(*plan));
    json.array("expectations", [&] {
      if (plan == nullptr) return;
      for (const backend::PlannedExpectation &expected : plan->expectations)
        json.element([&] {
          json.text("address", hexAddress(expected.at));
          json.text("bytes", toHex(expected.bytes));
          json.number("line", expected.line);
        });
    });
    json.array("calls", [&] {
      if (plan != nullptr) writeCalls(json, *plan);
    });
    json.array("threads", [&] { writeThreads(json, attempt.threads); });
    json.array("unknown", [&] {
      if (plan != nullptr) writeUnknowns(json, *plan);
    });
    json.array("remarks", [&] {
      if (plan == nullptr) return;
      for (const std::string &remark : plan->remarks)
        json.textElement(remark);
    });
    writeDiagnostics(json, diagnostics, file);
    json.number("status", status);
  });
}

} // namespace lpc::driver
