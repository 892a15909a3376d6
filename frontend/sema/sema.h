// The semantic pass: syntax tree and target objects to a resolved, proved program.
//
// Every rule of the language reference's "What the checker proves" is one pair of files in this folder. All
// findings of a file are reported in one run; a statement with an error is left out of the Program.
#pragma once

#include <functional>

#include "frontend/ast/ast.h"
#include "frontend/target/objects.h"
#include "ir/patch.h"
#include "ir/support/diagnostic.h"

namespace lpc::sema {

struct Options {
  std::string baseFolder;               // FILEs of the patch are relative to it ("" is the current folder)
  std::string defaultName;              // the patch's name where it states none
  std::string source;                   // ir::Patch::source
  std::optional<std::string> buildId{}; // --build-id or a `target … build-id`: must match
  // With a process: the implementations of an IFUNC (of the object of that index) that it has bound, each once.
  std::function<std::vector<LinkAddress>(size_t object, const target::Symbol &ifunc)> implementationsOf{};
};

// A patch that has passed every check. Only check() makes one; lower() turns it into IR.
struct Program {
  std::string name, version, source;
  Machine machine = Machine::X86_64;
  std::vector<ir::Object> objects; // only those that are referred to (0 is the program)
  std::vector<ir::Payload> payloads;
  std::vector<ir::Memory> memories;
  std::vector<ir::Operation> statements; // resolved, in order
};

// Reports to `diagnostics`; the Program is complete only when they have no errors. A statement's tree is let go once it
// is checked: of a large file, tree and IR are never both in memory as a whole.
Program check(ast::File file, target::Objects &objects, const Options &options, Diagnostics &diagnostics);

// What the headers say, needed before the objects can be opened: the name, FILE and build-id of `target`, the
// `object`s. The first of each kind; check() reports the others.
struct Headers {
  std::optional<ast::PatchHeader> patch{};
  std::optional<ast::TargetHeader> target{};
  std::vector<ast::ObjectHeader> objects{};
};
Headers headers(const ast::File &file);

} // namespace lpc::sema
