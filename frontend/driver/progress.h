// How far a command on many processes is: one line on a terminal, written over and over.
#pragma once

#include <sys/types.h>

#include <string>

#include "runtime/side_by_side.h"

namespace lpc::driver {

class Progress {
public:
  // Silent where standard error is no terminal.
  explicit Progress(std::string command);
  // `eldest`: the process that has been worked on for longest, or 0.
  void show(size_t done, const runtime::SideBySide &workers, pid_t eldest);
  void clear(); // the line is free for others

private:
  std::string command_;
  bool terminal_;
  bool shown_ = false;
  runtime::Deadline next_;
};

} // namespace lpc::driver
