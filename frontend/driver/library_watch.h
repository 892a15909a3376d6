// Being told when a program opens a library (dlopen), before the library's constructors run.
//
// A patch of our own, named `lpc run`, hooks the dynamic linker at the place behind relocation. Its code opens a FIFO,
// which wakes us, and waits there for our answer; so the thread that opens the library stands in code that is known,
// and the process can be patched like any other. Where we have ended, nobody has the FIFO open and it goes on at once.
#pragma once

#include <functional>
#include <memory>

#include "frontend/pipeline.h"

namespace lpc::driver {

class LibraryWatch {
public:
  // Puts the hook onto the process. UnknownObject where its dynamic linker has no such place, or there is none;
  // RemoteCallFailed.
  static Result<LibraryWatch> begin(pid_t pid, const backend::PlayOptions &options);
  LibraryWatch(LibraryWatch &&) noexcept;
  LibraryWatch &operator=(LibraryWatch &&) noexcept;
  ~LibraryWatch(); // removes the FIFO

  // Calls `opened` whenever a library was opened (or closed), until it returns true; then takes the hook away. Returns
  // when the process has ended, too.
  void follow(const std::function<bool()> &opened);

private:
  struct Impl;
  explicit LibraryWatch(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

} // namespace lpc::driver
