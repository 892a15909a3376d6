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

} // namespace lpc::test
