// --explain: every id of the table has an example, and the messages in it are those that the sources have.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>

#include "frontend/driver/help.h"
#include "ir/support/cat.h"

namespace lpc::driver {
namespace {

using testing::HasSubstr;

// All of lpc's sources, with literals that stand one behind the other made one; what is put together at run time is in
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
  return std::regex_replace(all, std::regex("\"\\s*\n\\s*\""), "");
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

// What stands for something else in other processes: numbers and addresses, names, files, what other programs say.
std::vector<std::string> withoutNames(const std::string &line) {
  static const std::regex kNames(
      R"(`[^`]*`|0x[0-9a-f]+|/[^ ]+|\b[\w.]*\d[\w.]*|\bSIG\w+|--[\w-]+|\b(hotfix(\.lpb?)?|server|worker|kthreadd|helper|mmap|apply|revert|second)\b)"
      R"(|Cannot allocate memory|own\.so: undefined symbol: log_line|Couldn't find architecture of any ELF|[(),;:]+)");
  std::vector<std::string> parts;
  for (std::sregex_token_iterator part(line.begin(), line.end(), kNames, -1), end; part != end; ++part)
    parts.push_back(*part);
  return parts;
}

// Can the words be cut out of the text, some of them together each time? A single one says nothing, but that what
// follows is the number of a process.
bool standsIn(const std::string &text, const std::string &part) {
  std::istringstream in(part);
  std::vector<std::string> words(std::istream_iterator<std::string>(in), {});
  for (size_t from = 0, next = 0; from < words.size(); from = next) {
    std::string run;
    for (size_t to = from; to < words.size(); to++) {
      run += (run.empty() ? "" : " ") + words[to];
      if (text.find(run) != std::string::npos) next = to + 1;
    }
    if (next <= from || (next == from + 1 && words.size() > 1 && words[from] != "process")) return false;
  }
  return true;
}

// Each line of what is said of a process: the message, its notes, the remedy, the state.
TEST(Explain, SaysOfProcessesWhatTheSourcesSay) {
  const std::string all = sources();
  for (const DiagnosticExample &example : processExamples()) {
    std::istringstream lines{std::string(example.said)};
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("    ")) continue; // a line of the patch, or of a list
      static const std::regex kFrame(
          R"(^(lpc \w+|[\w.]+:\d+:\d+): (error|warning): |^  (help|note|state): | \[[a-z-]+\]$)");
      for (const std::string &part : withoutNames(std::regex_replace(line, kFrame, "")))
        EXPECT_TRUE(standsIn(all, part)) << example.id << ": " << line << "\n  no source says `" << part << "`";
    }
  }
}

} // namespace
} // namespace lpc::driver
