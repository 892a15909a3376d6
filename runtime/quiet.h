// Is a thread in nothing that making a thread needs, too? It may then be stood in for (borrow.h) by one that calls
// pthread_create, which allocates.
//
// What counts is what lies on its stack: a frame of the allocator or of the dynamic linker means that their state is in
// the middle of a change, or that a lock of theirs is held; so may a function of the C library that something else was
// called from.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/unwind.h"

namespace lpc::runtime {

// Where code is, in a process of glibc.
struct CodeOwners {
  std::vector<RemoteRange> library;    // the C library
  std::vector<RemoteRange> sleepers;   // those of its functions that a program calls to wait, and that do nothing else
  std::vector<RemoteRange> allocators; // that define `malloc` or `calloc`
  RemoteRange linker{};                // the dynamic linker
  RemoteAddress entry{};               // of the program
};

// What is against it. Stacks begin in the C library's code that calls `main` or a thread's function, and end in one
// call of a function of `sleepers`, or in a system call of the program's own; anything else is refused. Of a thread
// that sleeps, and whose frames may not be all known, only what is certain.
std::optional<std::string> whyNotQuiet(const Backtrace &trace, const CodeOwners &owners, bool positionOnly = false);

} // namespace lpc::runtime
