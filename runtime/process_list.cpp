// The list of processes, from the names in /proc (proc(5)).
#include "runtime/process_list.h"

#include <dirent.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <string_view>

namespace lpc::runtime {

std::vector<pid_t> processIds() {
  std::vector<pid_t> pids;
  std::unique_ptr<DIR, int (*)(DIR *)> directory(opendir("/proc"), closedir);
  while (dirent *entry = directory ? readdir(directory.get()) : nullptr) {
    std::string_view name = entry->d_name;
    pid_t pid = 0;
    auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error == std::errc() && end == name.data() + name.size()) pids.push_back(pid);
  }
  std::ranges::sort(pids);
  return pids;
}

} // namespace lpc::runtime
