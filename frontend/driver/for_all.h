// `--all`: one command on every process that there is for it, side by side, each a transaction of its own.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "frontend/driver/everyone.h"
#include "frontend/driver/row.h"
#include "runtime/side_by_side.h"

namespace lpc::driver {

// What a worker answers.
struct Answer {
  Row row;
  Bytes learned{}; // for `learn`; empty: nothing
};

struct ForAll {
  std::string command; // "lpc apply"
  std::function<Sight(pid_t)> look;
  std::function<Answer(LiveProcess live, const runtime::SideBySide::Waits &waits)> work; // in a process of its own
  std::function<void(const LiveProcess &)> before{};            // here, before `work` begins on this one
  std::function<void(pid_t pid, const Bytes &learned)> learn{}; // here, when it has ended
};

struct Crowd {
  std::vector<Row> rows;    // by process id
  size_t hidden = 0;        // processes that may not be looked at, and could be some
  bool cancelled = false;   // by a signal: the rows say who was left out
  bool stillComing = false; // processes came as long as was looked
};

// Looks at all processes until a look finds nobody new: those that are forked meanwhile are done, too. With a terminal
// at standard error it tells there how far it is. Ourselves left out; whoever comes after the last look is not waited
// for.
Crowd doForAll(const ForAll &task);

} // namespace lpc::driver
