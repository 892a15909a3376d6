#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "tests/cli/lpc.h"

namespace lpc::test {

Folder::Folder() {
  std::string name = std::filesystem::temp_directory_path() / "lpc-cli-XXXXXX";
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder for the test");
  path_ = name;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string Folder::write(const std::string &name, const std::string &text) const {
  std::ofstream(path(name), std::ios::binary) << text;
  return path(name);
}

std::vector<std::pair<std::string, std::string>> languageExamples() {
  std::ifstream file(LPC_SOURCE_DIR "/docs/language.md");
  std::vector<std::pair<std::string, std::string>> found;
  std::string heading;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line == "```lp") {
      found.emplace_back(heading, "");
      inside = true;
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      found.back().second += line + "\n";
    } else if (line.starts_with("#")) {
      heading = line.substr(line.find(' ') + 1);
    }
  }
  return found;
}

} // namespace lpc::test
