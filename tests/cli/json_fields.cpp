// The fields of every document: names and kinds, as programs rely on them. Fields may be added; none of these may go,
// or become another kind.
#include <gmock/gmock.h>
#include <llvm/Support/JSON.h>

#include "tests/cli/lpc.h"

namespace lpc::test {
namespace {

using llvm::json::Array;
using llvm::json::Object;
using llvm::json::Value;

// A field and the kinds that it may have: s(tring), n(umber), b(ool), a(rray), o(bject), 0 (null), x (a string "0x…").
struct Field {
  std::string name, kinds;
};
using Fields = std::vector<Field>;

char kindOf(const Value &value) {
  switch (value.kind()) {
  case Value::Null: return '0';
  case Value::Boolean: return 'b';
  case Value::Number: return 'n';
  case Value::String: return value.getAsString()->starts_with("0x") ? 'x' : 's';
  case Value::Array: return 'a';
  case Value::Object: return 'o';
  }
  return '?';
}

void expectFields(const Object &object, const Fields &fields, const std::string &what) {
  for (const Field &field : fields) {
    const Value *value = object.get(field.name);
    ASSERT_NE(value, nullptr) << what << " has no field `" << field.name << "`";
    EXPECT_TRUE(field.kinds.contains(kindOf(*value))) << what << ", field `" << field.name << "`: " << kindOf(*value);
  }
}

// Of an array that must have some: each of them. The first is returned.
Object expectElements(const Object &object, const std::string &name, const Fields &fields) {
  const Array *array = object.getArray(name);
  if (array == nullptr || array->empty()) {
    ADD_FAILURE() << "`" << name << "` has no elements";
    return {};
  }
  for (const Value &element : *array)
    expectFields(*element.getAsObject(), fields, name);
  return *array->front().getAsObject();
}

const Fields kDiagnostic = {{"id", "s"},      {"severity", "s"},  {"message", "s"},     {"file", "s"},  {"line", "n0"},
                            {"column", "n0"}, {"end_line", "n0"}, {"end_column", "n0"}, {"notes", "a"}, {"help", "s0"}};
const Fields kNote = {{"message", "s"}, {"file", "s"},     {"line", "n"},
                      {"column", "n"},  {"end_line", "n"}, {"end_column", "n"}};
const Fields kOutcome = {{"pid", "n"},      {"result", "s"},    {"reason", "s0"}, {"message", "s"},
                         {"pause_us", "n"}, {"phases_us", "o"}, {"stops", "n"},   {"changes", "n"}};
const Fields kPatches = {{"patch", "s"}, {"diagnostics", "a"}, {"processes", "a"}, {"status", "n"}};

class JsonFields : public testing::Test {
protected:
  JsonFields() {
    EXPECT_EQ(child_.line(), "ready");
    patch_ = folder_.write("hotfix.lp", "patch hotfix\nnew room 64\nset counter int 8\nset $room int 1\n");
  }
  static Object parsed(const std::string &text, const std::string &schema) {
    auto value = llvm::json::parse(text);
    if (!value) {
      ADD_FAILURE() << llvm::toString(value.takeError()) << text;
      return {};
    }
    EXPECT_EQ(value->getAsObject()->getString("schema"), llvm::StringRef(schema));
    return *value->getAsObject();
  }
  static Object document(std::vector<std::string> words, const std::string &schema, int status) {
    words.emplace_back("--format=json");
    RunResult result = lpcWith(words);
    EXPECT_EQ(result.status, status) << result.err << result.out;
    EXPECT_EQ(result.err, "");
    Object object = parsed(result.out, schema);
    EXPECT_EQ(object.getInteger("status"), status);
    return object;
  }
  [[nodiscard]] std::string pid() const { return std::to_string(child_.pid()); }

  Folder folder_;
  Child child_{{LPC_WAITER "same_id"}};
  std::string patch_;
};

TEST_F(JsonFields, OfCheck) {
  std::string bad = folder_.write("bad.lp", "target " LPC_WAITER "same_id\nset countr int 8\nset counter int 8\n"
                                            "set counter int 9\n");
  Object check = document({"check", bad}, "lpc.check/1", 1);
  expectFields(check, {{"patch", "s"}, {"ok", "b"}, {"diagnostics", "a"}, {"status", "n"}}, "check");
  expectElements(check, "diagnostics", kDiagnostic);
  const Array &diagnostics = *check.getArray("diagnostics");
  ASSERT_EQ(diagnostics.size(), 2U);
  expectElements(*diagnostics[1].getAsObject(), "notes", kNote);
}

TEST_F(JsonFields, OfApplyAndRevert) {
  for (const std::string &who : {std::string("--pid=") + pid(), std::string("--pid=") + pid() + ",999999999"}) {
    int status = who.contains(',') ? 3 : 0;
    Object applied = document({"apply", patch_, who}, "lpc.apply/1", status);
    expectFields(applied, kPatches, "apply");
    expectElements(applied, "processes", kOutcome);
    Object reverted = document({"revert", "hotfix", who}, "lpc.revert/1", status);
    expectFields(reverted, kPatches, "revert");
    expectElements(reverted, "processes", kOutcome);
  }
}

TEST_F(JsonFields, OfWhoIsBusy) {
  std::string busy = folder_.write("busy.lp", "return main 0\n"); // which waits for its input
  Object applied = document({"apply", busy, "--pid", pid(), "--timeout", "50ms"}, "lpc.apply/1", 3);
  Object process = expectElements(applied, "processes", kOutcome);
  EXPECT_EQ(process.getString("result"), llvm::StringRef("busy"));
  EXPECT_EQ(process.getString("reason"), llvm::StringRef("process-busy"));
  expectFields(process, {{"thread", "n"}, {"thread_name", "s"}, {"function", "s"}, {"frame", "n"}}, "busy");
  EXPECT_EQ(process.getInteger("thread"), child_.pid());
  EXPECT_EQ(process.getString("function"), llvm::StringRef("main"));
}

TEST_F(JsonFields, OfAll) {
  std::string name = "of_all_" + pid(), patch = folder_.write("all.lp", "patch " + name + "\nset counter int 8\n");
  ASSERT_EQ(lpcWith({"apply", patch, "--pid", pid()}).status, 0);
  RunResult result = lpcWith({"revert", name, "--all", "--format=json"}); // others' damaged processes may be rows
  Object reverted = parsed(result.out, "lpc.revert/1");
  expectFields(reverted, kPatches, "revert --all");
  expectElements(reverted, "processes", kOutcome);
  EXPECT_EQ(reverted.getInteger("status"), result.status);
}

TEST_F(JsonFields, OfStatus) {
  ASSERT_EQ(lpcWith({"apply", patch_, "--pid", pid()}).status, 0);
  Object status = document({"status", "--pid", pid()}, "lpc.status/1", 0);
  Object process =
      expectElements(status, "processes", {{"pid", "n"}, {"exe", "s"}, {"build_id", "s0"}, {"patches", "a"}});
  expectElements(process, "patches",
                 {{"name", "s"},
                  {"version", "s0"},
                  {"state", "s"},
                  {"digest", "s"},
                  {"applied_at", "s"},
                  {"places", "n"},
                  {"memory_bytes", "n"}});
}

TEST_F(JsonFields, OfPlan) {
  std::string patch = folder_.write("plan.lp", "new room 64\nset $room int 1\nset counter int 8\nreturn main 0\n");
  Object plan = document({"plan", patch, "--pid", pid()}, "lpc.plan/1", 0);
  expectFields(plan,
               {{"patch", "s"},
                {"pid", "n"},
                {"digest", "s"},
                {"memory", "a"},
                {"changes", "a"},
                {"threads", "a"},
                {"diagnostics", "a"}},
               "plan");
  expectElements(plan, "memory", {{"name", "s"}, {"address", "x"}, {"size", "n"}, {"perm", "s"}});
  expectElements(plan, "changes", {{"address", "x"}, {"kind", "s"}, {"old", "s"}, {"new", "s"}, {"line", "n"}});
  expectElements(plan, "threads", {{"tid", "n"}, {"name", "s"}, {"verdict", "s"}, {"function", "s0"}});
}

TEST_F(JsonFields, OfRun) {
  std::string patch = folder_.write("run.lp", "target " LPC_WAITER "same_id\nset counter int 8\n");
  RunResult result = lpcWith({"run", patch, "--format=json", "--", LPC_WAITER "same_id"});
  EXPECT_EQ(result.out, "ready\n");
  Object run = parsed(result.err, "lpc.run/1");
  expectFields(run, {{"diagnostics", "a"}, {"patches", "a"}, {"status", "n"}}, "run");
  expectElements(run, "patches", kOutcome);
  EXPECT_NE(run.get("command"), nullptr);
}

} // namespace
} // namespace lpc::test
