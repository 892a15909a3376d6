// Running the programs under test, and files for them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/support/child.h"

namespace lpc::test {

inline RunResult lpcWith(std::vector<std::string> words, const std::string &input = {}) {
  words.insert(words.begin(), LPC_COMMAND);
  return run(words, input);
}

inline RunResult livepatchWith(std::vector<std::string> words, const std::string &input = {}) {
  words.insert(words.begin(), LIVEPATCH_COMMAND);
  return run(words, input);
}

// A folder that is removed at the end of the test.
class Folder {
public:
  Folder();
  Folder(const Folder &) = delete;
  Folder &operator=(const Folder &) = delete;
  ~Folder();
  [[nodiscard]] std::string path(const std::string &name) const { return path_ + "/" + name; }
  // Writes a file and returns its path.
  [[nodiscard]] std::string write(const std::string &name, const std::string &text) const;

private:
  std::string path_;
};

// The patches that docs/language.md shows (its blocks that are fenced as `lp`), each with the heading it stands below.
std::vector<std::pair<std::string, std::string>> languageExamples();

// The program of the golden tests.
inline const std::string kServer = LPC_CHECK_WORK "/server";

} // namespace lpc::test
