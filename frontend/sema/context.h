// What every check is given: where to look things up and where to report.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <unordered_set>

#include "frontend/sema/sema.h"
#include "ir/machine/decoder.h"

namespace lpc::sema {

struct Context {
  target::Objects &objects;
  const Options &options;
  Diagnostics &diagnostics;

  // The program; null where it can't be used, which has then been reported: what needs it is left unchecked in silence.
  std::shared_ptr<const target::ElfFile> program{};
  Machine machine = Machine::X86_64;
  std::unique_ptr<Decoder> decoder{}; // null where the machine is not supported, which has been reported

  // What IFUNCs of the process stand for, for as long as their addresses are used.
  std::deque<target::Symbol> implementations{};

  // Names of `object` statements that failed: no second message for their uses.
  std::unordered_set<std::string> brokenObjects{};

  // The `$` names of the patch, for those who forget the `$`.
  std::unordered_set<std::string> memoryNames{};

  // A file of mistyped names must not cost a distance to a million symbols for each of them.
  unsigned suggestionsLeft = 20;

  Diagnostic &report(DiagnosticId id, Place place, std::string message) {
    return diagnostics.report(id, place, std::move(message));
  }
};

// "`./server`": the object as messages name it.
inline std::string shown(const Context &context, size_t object) { return context.objects.source(object).shown; }

} // namespace lpc::sema
