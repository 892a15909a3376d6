// Is code active that must not be? Program counters and return addresses of stopped threads, against ranges of code.
//
// A conservative scan first: a word on the stack that looks like an address in a range is a hit; no hit proves "not
// active" (suspended coroutines excepted). Only a hit costs an unwind, which decides; one that does not reach the end
// counts as active.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backend/plan.h"
#include "ir/support/address.h"
#include "runtime/maps.h"
#include "runtime/process.h"
#include "runtime/stop.h"
#include "runtime/unwind.h"

namespace lpc::backend {

// Code to be watched.
struct GuardedCode {
  std::string name; // of the function, for messages
  RemoteRange range;
  bool startIsSafe =
      true;              // a thread that stands at its first byte meets the jump next; false for code that is to vanish
  bool pointers = false; // memory that is to vanish: any pointer into it counts, in registers too, and return addresses
                         // in frames alone
  bool returns = true;   // false: nobody returns into it, only who executes there counts
  bool endIsSafe = false; // a call that ends with it may return: whole instructions that are overwritten, no function
  // Where functions begin in it, ascending, as far as known (`pointers`): such an address is not one of a return. They
  // outlive the check.
  std::span<const RemoteAddress> starts{};
};

struct Active {
  pid_t tid = 0;
  std::string function;
  unsigned frame = 0;   // 0: it executes there; n: it returns there after n calls
  bool proven = false;  // false: the scan found it and no unwind has looked yet
  bool assumed = false; // an unwind looked and did not reach the end: it counts as active
};

class ActivityCheck {
public:
  // `maps` are those of the process while it ran; ranges may be many (sorted inside). Memory for the scan is allocated
  // here.
  ActivityCheck(const runtime::Process &process, const std::vector<runtime::Mapping> &maps,
                std::vector<GuardedCode> guarded);

  // Where the thread, which stands or sleeps (runtime/sleeper.h), is active; nothing when it is not. `unwinder` decides
  // hits; without one a hit is returned unproven. Other threads may run meanwhile: they neither move this one nor write
  // its frames.
  std::optional<Active> find(const runtime::StoppedThread &thread, runtime::Unwinder *unwinder);

  // The first one that is active of several threads that stand. Reads their stacks together.
  std::optional<Active> findAny(std::span<const runtime::StoppedThread *const> threads, runtime::Unwinder *unwinder);

private:
  // A stack that has been read.
  struct Copy {
    RemoteRange range;
    RemoteAddress from;          // its first whole word
    size_t first = 0, words = 0; // in copied_
  };
  const GuardedCode *executing(RemoteAddress programCounter) const;
  const GuardedCode *returning(RemoteAddress returnAddress) const;
  const GuardedCode *at(RemoteAddress address, bool asReturn) const;
  std::optional<RemoteRange> stackOf(const runtime::StoppedThread &thread) const;
  void copyStacks(std::span<const runtime::StoppedThread *const> threads);
  bool isReturn(uint64_t word);
  [[nodiscard]] bool looksReturned(uint64_t word, const GuardedCode &into) const;
  bool scan(RemoteRange range);
  bool scanStacks(const runtime::StoppedThread &thread);
  bool scanRegisters(const runtime::StoppedThread &thread);

  const runtime::Process &process_;
  const std::vector<runtime::Mapping> &maps_;
  std::vector<GuardedCode> guarded_; // ascending by begin
  std::vector<RemoteAddress> reach_; // by row: how far the rows up to it reach
  RemoteRange hull_{};               // of those that are returned into
  std::vector<uint64_t> buffer_, copied_;
  std::vector<Copy> copies_;
  std::vector<runtime::Process::Piece> pieces_;
  const GuardedCode *hit_ = nullptr, *suspect_ = nullptr;
};

} // namespace lpc::backend
