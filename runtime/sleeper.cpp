// The kernel does not tell a thread pointer, but where the thread's list of robust locks begins: in glibc that is in
// the thread control block, and of every thread (glibc source, nptl/descr.h, "robust_head").
#include "runtime/sleeper.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>

#include "runtime/proc_text.h"

namespace lpc::runtime {
namespace {

std::optional<uint64_t> takeLastNumber(std::string_view &text) {
  size_t blank = text.rfind(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  std::string_view word = text.substr(blank + 1);
  text.remove_suffix(word.size() + 1);
  if (!word.starts_with("0x")) return std::nullopt;
  uint64_t number = 0;
  auto [end, error] = std::from_chars(word.data() + 2, word.data() + word.size(), number, 16);
  if (error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return number;
}

std::string taskFile(const Process &process, pid_t tid, const char *name) {
  return process.proc("task/" + std::to_string(tid) + "/" + name);
}

// With how often and how long it has run (schedstat; "" on kernels without it).
std::string seenOf(const Process &process, pid_t tid, const std::string &call) {
  return call + readText(taskFile(process, tid, "schedstat")).value_or("");
}

RemoteAddress controlBlock(pid_t tid) {
  void *head = nullptr;
  size_t size = 0;
  if (syscall(SYS_get_robust_list, tid, &head, &size) != 0) return {};
  return {reinterpret_cast<uint64_t>(head)};
}

} // namespace

std::optional<Position> parsePosition(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  auto programCounter = takeLastNumber(text);
  auto stackPointer = programCounter ? takeLastNumber(text) : std::nullopt;
  if (!stackPointer) return std::nullopt;
  return Position{{*programCounter}, {*stackPointer}};
}

std::expected<std::optional<Sleeper>, int> sleeperAt(const Process &process, pid_t tid) {
  auto call = readText(taskFile(process, tid, "syscall"));
  if (!call) return std::unexpected(call.error());
  auto position = parsePosition(*call);
  if (!position) return std::nullopt;
  Sleeper sleeper;
  sleeper.thread.tid = tid;
  sleeper.thread.registers = Registers::at(position->programCounter, position->stackPointer, controlBlock(tid));
  sleeper.seen = seenOf(process, tid, *call);
  return sleeper;
}

bool sleptOn(const Process &process, const Sleeper &sleeper) {
  auto call = readText(taskFile(process, sleeper.thread.tid, "syscall"));
  return call && seenOf(process, sleeper.thread.tid, *call) == sleeper.seen;
}

} // namespace lpc::runtime
