// What a thread waits for in the kernel.
#include "runtime/thread_wait.h"

#include <linux/sched.h>
#include <sys/syscall.h>

#include <charconv>

#include "runtime/proc_text.h"

namespace lpc::runtime {
namespace {

std::string taskText(pid_t pid, pid_t tid, const char *file) {
  return readText("/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/" + file).value_or("");
}

// The next number of the text, with or without 0x.
bool next(std::string_view &text, uint64_t &into) {
  while (text.starts_with(' '))
    text.remove_prefix(1);
  int base = text.starts_with("0x") ? 16 : 10;
  if (base == 16) text.remove_prefix(2);
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into, base);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

} // namespace

// NUMBER 0xARGUMENT… (six) 0xSP 0xPC; or "-1 0xSP 0xPC" outside of a call; or "running".
BlockedCall parseBlockedCall(std::string_view text) {
  BlockedCall call;
  uint64_t number = 0;
  if (text.starts_with("-1 ")) {
    text.remove_prefix(3);
    if (!next(text, call.stackPointer.value) || !next(text, call.programCounter.value)) return {};
    return call;
  }
  if (!next(text, number) || number > 0xffff) return {};
  for (uint64_t &argument : call.arguments)
    if (!next(text, argument)) return {};
  if (!next(text, call.stackPointer.value) || !next(text, call.programCounter.value)) return {};
  call.number = static_cast<long>(number);
  return call;
}

BlockedCall blockedCall(pid_t pid, pid_t tid) { return parseBlockedCall(taskText(pid, tid, "syscall")); }

// Only who sleeps uninterruptibly waits: a thread that was just born and has not run yet shows the clone that made it,
// and its parent has long used the memory of the arguments for something else.
bool waitsForVfork(const Process &process, pid_t tid) {
  if (threadState(process.pid(), tid) != 'D') return false;
  BlockedCall call = blockedCall(process.pid(), tid);
  if (call.number == -1) return false;
#ifdef SYS_vfork
  if (call.number == SYS_vfork) return true;
#endif
  uint64_t flags = 0;
  if (call.number == SYS_clone) flags = call.arguments[0];
  if (call.number == SYS_clone3) // struct clone_args, whose first field are the flags
    flags = process.readWord(RemoteAddress{call.arguments[0]}).value_or(0);
  return (flags & CLONE_VFORK) != 0;
}

bool mayWaitForVfork(pid_t pid, pid_t tid) {
  if (threadState(pid, tid) != 'D') return false;
  long call = blockedCall(pid, tid).number;
#ifdef SYS_vfork
  if (call == SYS_vfork) return true;
#endif
  return call == SYS_clone || call == SYS_clone3;
}

std::string kernelFunction(pid_t pid, pid_t tid) {
  std::string text = taskText(pid, tid, "wchan");
  return text == "0" ? std::string() : text;
}

} // namespace lpc::runtime
