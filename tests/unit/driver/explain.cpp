// --explain: every id of the table has an example, and the messages in it are those that the sources have.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "frontend/driver/help.h"
#include "ir/support/cat.h"

namespace lpc::driver {
namespace {

using testing::HasSubstr;

// All that lpc's sources have between double quotes, its blanks made one; what is put together at run time is in
// pieces.
std::string sources() {
  std::string all;
  for (const char *folder : {"/backend", "/frontend", "/ir", "/runtime"})
    for (const auto &entry : std::filesystem::recursive_directory_iterator(std::string(LPC_SOURCE_DIR) + folder)) {
      bool examples = entry.path().filename() == "process_examples.cpp";
      if (entry.path().extension() != ".cpp" || examples) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      all.append(std::istreambuf_iterator<char>(file), {});
    }
  return all;
}

TEST(Explain, HasAnExampleOfEveryId) {
  for (const DiagnosticInfo &row : allDiagnostics()) {
    std::string text = diagnosticText(row);
    EXPECT_THAT(text, HasSubstr("\nlpc says\n")) << row.text;
    EXPECT_THAT(text, HasSubstr(cat("[", row.text, "]"))) << row.text;
    EXPECT_EQ(text.find("\nlpc says\n"), text.rfind("\nlpc says\n")) << row.text << " has two";
  }
}

TEST(Explain, HasExamplesOfIdsThatExist) {
  std::vector<DiagnosticInfo> rows = allDiagnostics();
  for (const auto &examples : {diagnosticExamples(), processExamples()})
    for (const DiagnosticExample &example : examples)
      EXPECT_TRUE(std::ranges::any_of(rows, [&](const DiagnosticInfo &row) { return row.text == example.id; }))
          << example.id;
}

// Of each message of a process, the longest run of words without a number or a name stands in the sources.
TEST(Explain, SaysOfProcessesWhatTheSourcesSay) {
  const std::string all = sources();
  for (const DiagnosticExample &example : processExamples()) {
    size_t begin = example.said.find("r: ") == std::string_view::npos ? example.said.find("g: ") + 3
                                                                      : example.said.find("r: ") + 3;
    std::string_view message = example.said.substr(begin, example.said.find(" [") - begin);
    size_t longest = 0;
    for (size_t from = 0; from < message.size(); from++) {
      size_t size = longest;
      while (from + size < message.size() && all.find(message.substr(from, size + 1)) != std::string::npos)
        longest = ++size;
    }
    EXPECT_GE(longest, std::min<size_t>(message.size(), 12)) << message;
  }
}

} // namespace
} // namespace lpc::driver
