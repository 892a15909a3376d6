// The table of contents: how the text of a patch becomes a patched process, each stage a function of a library of its
// own.
//
//     text ─parse→ ast::File ─check→ sema::Program ─lower→ ir::Patch ─apply→ backend::Outcome
//                                                                   └makePlan→ backend::Plan, which apply plays
//
// The commands of the command line call these functions and print what they return; they decide nothing themselves.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backend/plan.h"
#include "backend/play.h"
#include "backend/registry.h"
#include "backend/verdict.h"
#include "ir/patch.h"
#include "ir/support/diagnostic.h"
#include "ir/support/result.h"
#include "ir/support/warnings.h"
#include "runtime/process.h"

namespace lpc {

// A patch as it was read: the language (.lp), the IR's text form (.lpir) or a bundle (.lpb), told apart by what is in
// it.
struct PatchText {
  SourceText source;
  std::string folder;      // FILEs in it are relative to this; "" is the current folder
  std::string defaultName; // of the patch, where it states none
};

// `object NAME = FILE` from the command line.
struct ObjectFile {
  std::string name, file;
  bool operator==(const ObjectFile &) const = default;
};

// What the user says about where names are to be looked up, and what he wants to be warned of. Without a target: the
// patch's `target` header, else the process.
struct Names {
  std::optional<std::string> target;
  std::vector<ObjectFile> objects;
  WarningPolicy warnings{};
};

// A process that has been looked at, and not been touched.
struct LiveProcess {
  runtime::Process process;
  backend::Snapshot snapshot;

  static Result<LiveProcess> open(pid_t pid);
};

// What became of a text.
struct Compilation {
  std::string name;  // of the patch, as far as it is known
  SourceText source; // what the places of the diagnostics and of the patch are in
  Diagnostics diagnostics;
  std::optional<Error> refusal{};       // nothing was looked up: the process runs another program, …
  std::optional<ir::Patch> patch{};     // where there was neither error nor refusal
  bool ofOneProcess = false;            // what an IFUNC stands for was looked up in the process
  std::vector<ir::Patch> otherBuilds{}; // of a bundle, where neither a process nor --target chose one
};

// text → ast → sema → ir. With a process, names are looked up in what it has loaded.
Compilation compile(const PatchText &text, const Names &names, const LiveProcess *live);

// "process 4711 was not stopped; nothing was changed": the end of every message about a process that was only looked
// at. A `reason` tells a process that is not there from one that was refused.
std::string untouchedState(pid_t pid, std::optional<DiagnosticId> reason = {});

// Compiles one text for many processes: once for all that have the same files loaded.
class Compiler {
public:
  Compiler(const PatchText &text, const Names &names) : text_(text), names_(names) {}
  std::shared_ptr<const Compilation> compileFor(const LiveProcess &live);

  // What a process has loaded. The build-id is what a process says of itself; the file is what the kernel says.
  struct Loaded {
    std::string path;
    Bytes buildId;
    uint64_t device = 0, inode = 0;
    bool operator==(const Loaded &) const = default;
  };
  using Kind = std::vector<Loaded>;
  // Processes of one kind have one compilation; nothing: this one is of no kind but its own.
  static std::optional<Kind> kindOf(const LiveProcess &live);
  [[nodiscard]] bool knows(const Kind &kind) const;
  // What another process of lpc found for that kind.
  void learn(Kind kind, ir::Patch patch);

private:
  const PatchText &text_;
  const Names &names_;
  std::vector<std::pair<Kind, std::shared_ptr<const Compilation>>> done_;
};

// What became of a text and one process.
struct Attempt {
  pid_t pid = 0;
  std::shared_ptr<const Compilation> compilation{}; // nothing where the process could not be looked at
  std::optional<backend::Plan> plan{};              // of planFor, where it came so far
  std::vector<backend::ThreadVerdict> threads{};    // with the plan
  backend::Outcome outcome{};                       // why it did not come further
};

// … → plan, and no further. The kind of the outcome is DryRun when there is a plan.
Attempt planFor(Compiler &compiler, pid_t pid);

// … → plan → play: a transaction of its own.
Attempt applyTo(Compiler &compiler, pid_t pid, const backend::PlayOptions &options);
Attempt applyTo(Compiler &compiler, LiveProcess live, const backend::PlayOptions &options);

// Takes the patch of that name back: a transaction of its own.
backend::Outcome revertFrom(const std::string &name, pid_t pid, const backend::PlayOptions &options);

// That nothing was done, and why.
backend::Outcome untouched(pid_t pid, Error reason);

// What is applied to one process, read from the process itself while it runs.
struct Applied {
  pid_t pid = 0;
  std::string executable;
  Bytes buildId;
  std::vector<backend::FoundRecord> patches; // in order of application
};
Result<Applied> appliedTo(pid_t pid);

} // namespace lpc
