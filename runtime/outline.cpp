// proc(5): `stat`, `comm` and `cmdline` can be read by all, unless /proc is mounted with hidepid; `maps` by those who
// may trace, and also while somebody else does.
#include "runtime/outline.h"

#include "runtime/proc_text.h"
#include "runtime/process.h"

namespace lpc::runtime {
namespace {

constexpr size_t kLongestComm = 15; // TASK_COMM_LEN without its end

std::string procText(pid_t pid, const char *file) {
  return readText("/proc/" + std::to_string(pid) + "/" + file).value_or("");
}

std::string fileName(const std::string &path) { return path.substr(path.rfind('/') + 1); }

std::string firstWord(pid_t pid) {
  std::string words = procText(pid, "cmdline");
  return words.substr(0, words.find('\0'));
}

} // namespace

std::optional<uint64_t> startTimeOf(pid_t pid) {
  auto stat = parseStat(procText(pid, "stat"));
  return stat ? std::optional(stat->startTime) : std::nullopt;
}

std::string callsItself(pid_t pid) {
  std::string word = firstWord(pid);
  return word.empty() ? threadName(pid, pid) : word;
}

bool seemsToHave(pid_t pid, const std::string &name) {
  if (name.empty()) return false;
  if (std::string maps = procText(pid, "maps"); !maps.empty())
    return maps.find("/" + name + "\n") != std::string::npos ||
           maps.find("/" + name + " (deleted)\n") != std::string::npos;
  return fileName(firstWord(pid)) == name || threadName(pid, pid) == name.substr(0, kLongestComm);
}

} // namespace lpc::runtime
