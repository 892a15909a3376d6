// Every id of the table is reported somewhere, and shown by a test. tests/check/runner.cpp looks after those that a
// patch alone can show; here are those that need a process, a bundle or a command line.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "ir/support/cat.h"
#include "ir/support/diagnostic.h"

namespace lpc {
namespace {

namespace fs = std::filesystem;

std::string textOf(std::initializer_list<const char *> folders) {
  std::string all;
  for (const char *folder : folders)
    for (const auto &entry : fs::recursive_directory_iterator(fs::path(LPC_SOURCE_DIR) / folder)) {
      fs::path path = entry.path();
      if (path.extension() != ".cpp" && path.extension() != ".h") continue;
      if (path.filename() == "every_diagnostic.cpp") continue;
      std::ifstream file(path, std::ios::binary);
      all.append(std::istreambuf_iterator<char>(file), {});
    }
  return all;
}

// The enumerators, in the order of the table.
std::vector<std::string> enumerators() {
  return {
#define LPC_DIAGNOSTIC(id, text, severity, explanation, danger) #id,
#include "ir/support/diagnostics.def"
#undef LPC_DIAGNOSTIC
  };
}

bool contains(const std::string &text, const std::string &word) {
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1))
    if (std::isalnum(static_cast<unsigned char>(text[at + word.size()])) == 0) return true;
  return false;
}

TEST(EveryDiagnostic, IsReportedSomewhere) {
  std::string sources = textOf({"backend", "frontend", "ir", "runtime"});
  std::vector<std::string> names = enumerators();
  for (const DiagnosticInfo &row : allDiagnostics())
    EXPECT_TRUE(contains(sources, "DiagnosticId::" + names[static_cast<size_t>(row.id)]) ||
                contains(sources, "Id::" + names[static_cast<size_t>(row.id)]))
        << row.text << " is in the table, and nobody says it";
}

TEST(EveryDiagnostic, ThatIsAboutMoreThanAPatchHasATest) {
  std::string tests = textOf({"tests/cli", "tests/live", "tests/real", "tests/unit/bundle", "tests/unit/backend",
                              "tests/unit/runtime", "tests/unit/driver"});
  std::vector<std::string> names = enumerators();
  for (const DiagnosticInfo &row : allDiagnostics()) {
    std::string id(row.text), name = names[static_cast<size_t>(row.id)];
    bool byFiles = fs::exists(fs::path(LPC_SOURCE_DIR) / "tests/check" / cat("bad-", id, ".lp"));
    bool shown = contains(tests, "DiagnosticId::" + name) || contains(tests, "[" + id + "]") ||
                 contains(tests, "\"" + id + "\"") || contains(tests, "\"" + id + ":") ||
                 contains(tests, " " + id + " ");
    EXPECT_TRUE(byFiles || shown) << "write a test that shows " << id;
  }
}

} // namespace
} // namespace lpc
