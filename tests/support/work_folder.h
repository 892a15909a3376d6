// A folder for one test.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace lpc::test {

// An empty folder that is the current one, removed at the end.
class WorkFolder {
public:
  WorkFolder() {
    std::string name = std::filesystem::temp_directory_path() / "lpc-live-XXXXXX";
    path_ = mkdtemp(name.data());
    std::filesystem::current_path(path_);
  }
  WorkFolder(const WorkFolder &) = delete;
  WorkFolder &operator=(const WorkFolder &) = delete;
  ~WorkFolder() {
    std::filesystem::current_path("/");
    std::filesystem::remove_all(path_);
  }
  [[nodiscard]] const std::string &path() const { return path_; }
  void write(const std::string &name, const std::string &text) const { std::ofstream(path_ + "/" + name) << text; }

private:
  std::string path_;
};

} // namespace lpc::test
