// JSON: one document on standard output, with the fields that programs rely on, whatever happens.
#include <gmock/gmock.h>
#include <llvm/Support/JSON.h>

#include "tests/cli/lpc.h"

namespace lpc::test {
namespace {

using testing::ElementsAre;

llvm::json::Object document(const RunResult &result) {
  auto value = llvm::json::parse(result.out);
  if (!value) {
    ADD_FAILURE() << llvm::toString(value.takeError()) << "\n" << result.out;
    return {};
  }
  EXPECT_EQ(result.err, "");
  return *value->getAsObject();
}

std::string text(const llvm::json::Object &object, llvm::StringRef key) {
  return object.getString(key).value_or("(no " + key.str() + ")").str();
}

std::vector<std::string> diagnosticIds(const llvm::json::Object &object) {
  std::vector<std::string> ids;
  if (const llvm::json::Array *diagnostics = object.getArray("diagnostics"))
    for (const llvm::json::Value &diagnostic : *diagnostics)
      ids.push_back(text(*diagnostic.getAsObject(), "id"));
  return ids;
}

void expectStatus(const llvm::json::Object &object, const RunResult &result, int status) {
  EXPECT_EQ(result.status, status);
  EXPECT_EQ(object.getInteger("status").value_or(-1), status); // they never disagree
}

TEST(Check, OfACorrectPatch) {
  Folder folder;
  std::string patch = folder.write("hotfix.lp", "target " + kServer + "\nset counter int 8\n");
  RunResult result = lpcWith({"check", "--format=json", patch});
  auto object = document(result);
  expectStatus(object, result, 0);
  EXPECT_EQ(text(object, "schema"), "lpc.check/1");
  EXPECT_EQ(text(object, "patch"), "hotfix");
  EXPECT_EQ(object.getBoolean("ok"), true);
  EXPECT_THAT(diagnosticIds(object), ElementsAre());
}

TEST(Check, GivesPlacesAndHelp) {
  Folder folder;
  std::string patch =
      folder.write("hotfix.lp", "target " + kServer + "\nset countr int 8\nset counter int 8\nset counter int 9\n");
  RunResult result = lpcWith({"check", "--format=json", patch});
  auto object = document(result);
  expectStatus(object, result, 1);
  EXPECT_EQ(object.getBoolean("ok"), false);
  ASSERT_THAT(diagnosticIds(object), ElementsAre("unknown-symbol", "overlapping-changes"));
  const llvm::json::Object &first = *(*object.getArray("diagnostics"))[0].getAsObject();
  EXPECT_EQ(text(first, "severity"), "error");
  EXPECT_EQ(text(first, "file"), patch);
  EXPECT_EQ(first.getInteger("line"), 2);
  EXPECT_EQ(first.getInteger("column"), 5);
  EXPECT_EQ(first.getInteger("end_line"), 2);
  EXPECT_EQ(first.getInteger("end_column"), 11);
  EXPECT_EQ(text(first, "help"), "did you mean `counter`?");
  const llvm::json::Object &second = *(*object.getArray("diagnostics"))[1].getAsObject();
  const llvm::json::Array &notes = *second.getArray("notes");
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_EQ(notes[0].getAsObject()->getInteger("line"), 3); // the other side of the conflict
}

TEST(Check, OfAPatchThatCannotBeRead) {
  RunResult result = lpcWith({"check", "--format", "json", "/no/such/file.lp"});
  auto object = document(result);
  expectStatus(object, result, 1);
  EXPECT_THAT(diagnosticIds(object), ElementsAre("cannot-open"));
}

TEST(Check, SurvivesBytesThatAreNoText) {
  RunResult result = lpcWith({"check", "--format", "json", "--target", kServer, "-"}, "set \"\xff\xfe\" int 1\n");
  expectStatus(document(result), result, 1);
}

TEST(Apply, ToAProcessThatIsNotThere) {
  Folder folder;
  std::string patch = folder.write("hotfix.lp", "set counter int 8\n");
  RunResult result = lpcWith({"apply", "--format=json", patch, "--pid", "999999999", "--pid=999999998"});
  auto object = document(result);
  expectStatus(object, result, 3);
  EXPECT_EQ(text(object, "schema"), "lpc.apply/1");
  const llvm::json::Array &processes = *object.getArray("processes");
  ASSERT_EQ(processes.size(), 2U);
  const llvm::json::Object &process = *processes[0].getAsObject();
  EXPECT_EQ(process.getInteger("pid"), 999999999);
  EXPECT_EQ(text(process, "result"), "refused");
  EXPECT_EQ(text(process, "reason"), "no-such-process");
  EXPECT_EQ(process.getInteger("pause_us"), 0);
  EXPECT_EQ(process.getInteger("stops"), 0);
  EXPECT_EQ(process.getInteger("changes"), 0);
  EXPECT_NE(process.getObject("phases_us"), nullptr);
}

TEST(Plan, OfAProcessThatIsNotThere) {
  Folder folder;
  RunResult result =
      lpcWith({"plan", "--format=json", folder.write("hotfix.lp", "set counter int 8\n"), "--pid", "999999999"});
  auto object = document(result);
  expectStatus(object, result, 3);
  EXPECT_EQ(text(object, "schema"), "lpc.plan/1");
  EXPECT_EQ(object.getInteger("pid"), 999999999);
  EXPECT_THAT(diagnosticIds(object), ElementsAre("no-such-process"));
  for (const char *key : {"memory", "changes", "threads"})
    EXPECT_NE(object.getArray(key), nullptr) << key;
}

TEST(Revert, FromAProcessThatIsNotThere) {
  RunResult result = lpcWith({"revert", "--format=json", "hotfix", "--pid", "999999999"});
  auto object = document(result);
  expectStatus(object, result, 3);
  EXPECT_EQ(text(object, "schema"), "lpc.revert/1");
  EXPECT_EQ(text(object, "patch"), "hotfix");
}

TEST(Status, OfAProcessWithoutPatches) {
  Child child({"sleep", "60"});
  RunResult result = lpcWith({"status", "--format=json", "--pid", std::to_string(child.pid())});
  auto object = document(result);
  expectStatus(object, result, 0);
  EXPECT_EQ(text(object, "schema"), "lpc.status/1");
  const llvm::json::Array &processes = *object.getArray("processes");
  ASSERT_EQ(processes.size(), 1U);
  EXPECT_EQ(processes[0].getAsObject()->getInteger("pid"), child.pid());
  EXPECT_EQ(processes[0].getAsObject()->getArray("patches")->size(), 0U);
}

TEST(Dump, OfTheIr) {
  Folder folder;
  std::string patch = folder.write("hotfix.lp", "target " + kServer + "\nset counter int 8\njmp greet pair\n");
  RunResult result = lpcWith({"dump", "--emit=json", patch});
  auto object = document(result);
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(text(object, "schema"), "lpc.ir/1");
  EXPECT_EQ(object.getArray("operations")->size(), 2U);
}

} // namespace
} // namespace lpc::test
