// What must be the same of a process before and after, beyond the counts of ProcessState.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/live/agent_support.h"

namespace lpc::test {

// The bytes of all its code, the unused ends of pages included.
inline std::string codeOf(pid_t pid) {
  std::string all;
  std::ifstream mem("/proc/" + std::to_string(pid) + "/mem", std::ios::binary);
  for (const std::string &line : mappingsOf(pid)) {
    if (line.find(" r-xp ") == std::string::npos || line.find("[v") != std::string::npos) continue;
    uint64_t begin = std::stoull(line, nullptr, 16), end = std::stoull(line.substr(line.find('-') + 1), nullptr, 16);
    size_t at = all.size();
    all.resize(at + end - begin);
    mem.seekg(static_cast<std::streamoff>(begin));
    mem.read(all.data() + at, static_cast<std::streamsize>(end - begin));
  }
  return all;
}

// A line "NAME: NUMBER …" of its status file; of one of its threads where `tid` is given. -1: there is none.
inline long statusOf(pid_t pid, const std::string &name, pid_t tid = 0) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid ? tid : pid) + "/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(name + ":")) return std::stol(line.substr(name.size() + 1));
  return -1;
}

// All threads of before and no other, none traced, none standing still.
inline bool runsAsBefore(pid_t pid, const ProcessState &before) {
  auto tids = runtime::threadIds(pid);
  if (!tids || tids->size() != before.threads) return false;
  for (pid_t tid : *tids)
    if (char state = runtime::threadState(pid, tid);
        (state != 'S' && state != 'R') || statusOf(pid, "TracerPid", tid) != 0)
      return false;
  return stateOf(pid).descriptors == before.descriptors;
}

// Threads, mappings and descriptors by name, code by its bytes.
struct Whole {
  std::vector<pid_t> threads;
  std::vector<std::string> mappings, descriptors;
  std::string code;
  bool operator==(const Whole &) const = default;
};
inline Whole wholeOf(pid_t pid) {
  Whole whole{runtime::threadIds(pid).value_or(std::vector<pid_t>{}), mappingsOf(pid), {}, codeOf(pid)};
  for (const auto &file : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd"))
    whole.descriptors.push_back(file.path().filename().string() + " " + std::filesystem::read_symlink(file).string());
  std::ranges::sort(whole.descriptors);
  return whole;
}
inline void PrintTo(const Whole &whole, std::ostream *out) { // for GoogleTest
  *out << whole.threads.size() << " threads, code " << std::hash<std::string>{}(whole.code);
  for (const std::string &line : whole.mappings)
    *out << "\n" << line;
  for (const std::string &line : whole.descriptors)
    *out << "\n" << line;
}

} // namespace lpc::test
