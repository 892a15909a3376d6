// From what the symbol tables have under a name to the one symbol that is meant.
#pragma once

#include "frontend/sema/symbols.h"

namespace lpc::sema {

using Candidates = std::vector<const target::Symbol *>;

// How far a name is told apart.
struct Selector {
  std::string_view version{};    // empty: the default version
  std::string_view sourceFile{}; // empty: any
};

// Those that the selector leaves, one for each address; weak ones give way to a global one. With `asLinker`, local ones
// give way to any other: that is what an undefined symbol means, while an author who writes a name that a static
// function bears too has to say which one he means.
Candidates narrow(const std::vector<target::Symbol> &found, const Selector &selector, bool asLinker);

// "0x401136  24 bytes  util.c  helper", aligned: one line for each.
std::vector<std::string> describe(const Candidates &candidates);

// How to name one of several candidates so that the name has one meaning: "`util.c:helper`".
std::string distinctName(const Candidates &candidates, const std::string &object, const ast::SymbolAddress &written);

// "http::Server::accept(int)" of a C++ symbol; others as they are.
std::string readable(const std::string &symbol);

} // namespace lpc::sema
