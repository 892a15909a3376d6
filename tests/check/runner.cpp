// The golden runner: each tests/check/NAME.lp is one test, NAME.out what lpc must say about it: exit status, standard
// output and standard error, whole. LPC_UPDATE=1 in the environment rewrites the expectations; the diff is then part of
// the review.
//
// The command is `lpc check NAME.lp`, or what a first line `# run: …` says (%s is the file's name). It runs in a folder
// with a copy of the file beside the targets, so that no path of a machine gets into an expectation.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "ir/instructions.h"
#include "ir/support/diagnostic.h"
#include "tests/support/child.h"

namespace lpc::test {
namespace {

namespace fs = std::filesystem;

std::string contents(const fs::path &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> testNames() {
  std::vector<std::string> names;
  for (const fs::directory_entry &entry : fs::directory_iterator(LPC_CHECK_FOLDER))
    if (entry.path().extension() == ".lp") names.push_back(entry.path().stem());
  std::ranges::sort(names);
  return names;
}

// The words behind `# run:` in the first line.
std::vector<std::string> arguments(const std::string &text, const std::string &file) {
  constexpr std::string_view kRun = "# run:";
  std::string line = text.substr(0, text.find('\n'));
  if (!line.starts_with(kRun)) return {"check", file};
  std::istringstream words(line.substr(kRun.size()));
  std::vector<std::string> out;
  for (std::string word; words >> word;)
    out.push_back(word == "%s" ? file : word);
  return out;
}

std::string section(const std::string &title, const std::string &text) {
  return text.empty() ? "" : "--- " + title + "\n" + text;
}

// Messages that show a whole path show it without the folder of this build.
std::string withoutFolder(std::string text) {
  const std::string folder = std::string(LPC_WORK_FOLDER) + "/";
  for (size_t at = 0; (at = text.find(folder, at)) != std::string::npos;)
    text.erase(at, folder.size());
  return text;
}

std::string actual(const std::string &name) {
  std::string file = name + ".lp";
  fs::copy_file(fs::path(LPC_CHECK_FOLDER) / file, fs::path(LPC_WORK_FOLDER) / file,
                fs::copy_options::overwrite_existing);
  std::vector<std::string> command = {"/usr/bin/env", "-C", LPC_WORK_FOLDER, LPC_COMMAND};
  for (std::string &word : arguments(contents(fs::path(LPC_CHECK_FOLDER) / file), file))
    command.push_back(std::move(word));
  RunResult result = run(command);
  return "status " + std::to_string(result.status) + "\n" + section("stdout", withoutFolder(result.out)) +
         section("stderr", withoutFolder(result.err));
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, SaysWhatIsExpected) {
  fs::path expectation = fs::path(LPC_CHECK_FOLDER) / (GetParam() + ".out");
  std::string said = actual(GetParam());
  if (std::getenv("LPC_UPDATE") != nullptr) {
    std::ofstream(expectation, std::ios::binary) << said;
    return;
  }
  ASSERT_TRUE(fs::exists(expectation)) << "write it with LPC_UPDATE=1; lpc says:\n" << said;
  EXPECT_EQ(contents(expectation), said);
}

std::string testName(const testing::TestParamInfo<std::string> &test) {
  std::string name = test.param;
  std::ranges::replace_if(name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Check, Golden, testing::ValuesIn(testNames()), testName);

// --- every patch that compiles comes back from a bundle

RunResult lpc(std::vector<std::string> words) {
  words.insert(words.begin(), {"/usr/bin/env", "-C", LPC_WORK_FOLDER, LPC_COMMAND});
  return run(words);
}

// The options that say where names are looked up.
std::vector<std::string> targetOptions(const std::vector<std::string> &words) {
  std::vector<std::string> out;
  for (size_t i = 0; i + 1 < words.size(); i++)
    if (words[i] == "--target" || words[i] == "--object") out.insert(out.end(), {words[i], words[i + 1]});
  return out;
}

class Bundled : public testing::TestWithParam<std::string> {};

TEST_P(Bundled, IsTheSame) {
  std::string file = "bundled-" + GetParam() + ".lp", bundle = "bundled-" + GetParam() + ".lpb";
  std::string text = contents(fs::path(LPC_CHECK_FOLDER) / (GetParam() + ".lp"));
  std::ofstream(fs::path(LPC_WORK_FOLDER) / file, std::ios::binary) << text;
  std::vector<std::string> dump = {"dump", file, "--emit", "ir"}, build = {"build", file, "-o", bundle};
  for (const std::string &word : targetOptions(arguments(text, file))) {
    dump.push_back(word);
    build.push_back(word);
  }
  RunResult ir = lpc(dump), built = lpc(build);
  EXPECT_EQ(built.status, ir.status) << built.err;
  EXPECT_EQ(fs::exists(fs::path(LPC_WORK_FOLDER) / bundle), ir.status == 0);
  if (ir.status == 0) {
    EXPECT_EQ(lpc({"dump", bundle, "--emit", "ir"}).out, ir.out);
  }
  fs::remove(fs::path(LPC_WORK_FOLDER) / file);
  fs::remove(fs::path(LPC_WORK_FOLDER) / bundle);
}

INSTANTIATE_TEST_SUITE_P(Check, Bundled, testing::ValuesIn(testNames()), testName);

// --- every instruction has a tree, an IR and a message that are looked at --------------------------------------------

// Has a file with `emit` in its command a statement of `keyword`? Without `emit`: one that has errors.
bool someFileHas(const std::string &keyword, const std::string &emit) {
  for (const std::string &name : testNames()) {
    std::string text = contents(fs::path(LPC_CHECK_FOLDER) / (name + ".lp"));
    std::string run = text.substr(0, text.find('\n'));
    if (!emit.empty() && run.find("--emit " + emit) == std::string::npos) continue;
    if (("\n" + text).find("\n" + keyword + " ") == std::string::npos) continue;
    std::string said = contents(fs::path(LPC_CHECK_FOLDER) / (name + ".out"));
    if (emit.empty() ? said.find(" | " + keyword + " ") != std::string::npos : said.starts_with("status 0\n"))
      return true;
  }
  return false;
}

class EveryInstruction : public testing::TestWithParam<ir::InstructionInfo> {};

TEST_P(EveryInstruction, HasATreeAnIrAndAMessage) {
  std::string keyword(GetParam().keyword);
  EXPECT_TRUE(someFileHas(keyword, "ast"));
  EXPECT_TRUE(someFileHas(keyword, "ir"));
  EXPECT_TRUE(someFileHas(keyword, ""));
}

INSTANTIATE_TEST_SUITE_P(Check, EveryInstruction, testing::ValuesIn(ir::allInstructions()),
                         [](const auto &test) { return std::string(test.param.keyword); });

// --- formatting never changes the IR
// ----------------------------------------------------------------------------------

// Without places, and the text that a message would show: where something stands is what formatting changes.
std::string withoutPlaces(const std::string &ir) {
  std::string out;
  std::istringstream lines(ir);
  for (std::string line; std::getline(lines, line);)
    if (!line.starts_with("  place ")) out += line + "\n";
  return out;
}

class Formatted : public testing::TestWithParam<std::string> {};

TEST_P(Formatted, MeansTheSame) {
  std::string file = "formatted-" + GetParam() + ".lp";
  fs::path path = fs::path(LPC_WORK_FOLDER) / file;
  std::string text = contents(fs::path(LPC_CHECK_FOLDER) / (GetParam() + ".lp"));
  std::ofstream(path, std::ios::binary) << text;
  std::vector<std::string> dump = {"dump", file, "--emit", "ir"};
  for (const std::string &word : targetOptions(arguments(text, file)))
    dump.push_back(word);
  RunResult before = lpc(dump), format = lpc({"fmt", "-i", file});
  if (format.status == 0) {
    RunResult after = lpc(dump);
    EXPECT_EQ(after.status, before.status) << after.err;
    EXPECT_EQ(withoutPlaces(after.out), withoutPlaces(before.out));
    EXPECT_EQ(lpc({"fmt", "--check", file}).status, 0);
  } else {
    EXPECT_EQ(contents(path), text) << "a file with errors was changed";
    EXPECT_NE(before.status, 0) << format.err;
  }
  fs::remove(path);
}

INSTANTIATE_TEST_SUITE_P(Check, Formatted, testing::ValuesIn(testNames()), testName);

// --- every diagnostic has a file that shows it, and a nearest neighbour that passes
// ------------------------------------------

// Rows of the table that no file alone can show.
bool needsMoreThanAFile(DiagnosticId id) {
  static const std::set<DiagnosticId> kElsewhere = {
      DiagnosticId::RelocationOverflow, // known when memory is placed in a process: tests/unit/backend
      DiagnosticId::BadIr,              // not the language: tests/cli
  };
  // From here on the rows concern processes and the command line: tests/live, tests/cli.
  return id >= DiagnosticId::NoSuchProcess || kElsewhere.contains(id);
}

class EveryDiagnostic : public testing::TestWithParam<DiagnosticInfo> {};

TEST_P(EveryDiagnostic, HasABadAndAnOkFile) {
  std::string id(GetParam().text);
  fs::path folder = LPC_CHECK_FOLDER;
  ASSERT_TRUE(fs::exists(folder / ("bad-" + id + ".lp"))) << "write a test that shows " << id;
  ASSERT_TRUE(fs::exists(folder / ("ok-" + id + ".lp"))) << "write the nearest patch that does not show " << id;
  std::string bad = contents(folder / ("bad-" + id + ".out")), ok = contents(folder / ("ok-" + id + ".out"));
  EXPECT_NE(bad.find("[" + id + "]"), std::string::npos) << bad;
  EXPECT_EQ(ok.find("[" + id + "]"), std::string::npos) << ok;
  EXPECT_TRUE(ok.starts_with("status 0\n")) << ok;
  EXPECT_EQ(bad.starts_with("status 0\n"), GetParam().severity == Severity::Warning) << bad;
}

std::vector<DiagnosticInfo> shownByFiles() {
  std::vector<DiagnosticInfo> rows = allDiagnostics();
  std::erase_if(rows, [](const DiagnosticInfo &row) { return needsMoreThanAFile(row.id); });
  return rows;
}

std::string diagnosticName(const testing::TestParamInfo<DiagnosticInfo> &test) {
  std::string name(test.param.text);
  std::ranges::replace(name, '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Check, EveryDiagnostic, testing::ValuesIn(shownByFiles()), diagnosticName);

} // namespace
} // namespace lpc::test
