// What apply, status, plan and revert say about a process that runs: fields, statuses, one line or element for each
// process.
#include <gmock/gmock.h>
#include <llvm/Support/JSON.h>

#include "tests/cli/lpc.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;
using Object = llvm::json::Object;

class LiveDocuments : public testing::Test {
protected:
  LiveDocuments() {
    EXPECT_EQ(first_.line(), "ready");
    EXPECT_EQ(second_.line(), "ready");
    patch_ =
        folder_.write("hotfix.lp", "patch hotfix version \"1.2\"\nnew room 64\nset counter int 8\nset $room int 1\n");
  }

  Object document(const std::vector<std::string> &words, int status) {
    RunResult result = lpcWith(words);
    EXPECT_EQ(result.status, status) << result.err << result.out;
    auto value = llvm::json::parse(result.out);
    if (!value) {
      ADD_FAILURE() << llvm::toString(value.takeError()) << result.out;
      return {};
    }
    EXPECT_EQ(value->getAsObject()->getInteger("status"), status);
    return *value->getAsObject();
  }

  static const Object &process(const Object &document, size_t i) {
    return *(*document.getArray("processes"))[i].getAsObject();
  }
  static std::string text(const Object &object, llvm::StringRef key) {
    return object.getString(key).value_or("(none)").str();
  }

  [[nodiscard]] std::string one() const { return std::to_string(first_.pid()); }
  [[nodiscard]] std::string both() const { return one() + "," + std::to_string(second_.pid()); }

  Folder folder_;
  Child first_{{LPC_WAITER "same_id"}}, second_{{LPC_WAITER "same_id"}};
  std::string patch_;
};

TEST_F(LiveDocuments, OfAPatchsWholeLife) {
  ProcessState before = stateOf(first_.pid());
  Object applied = document({"apply", patch_, "--pid", one(), "--format=json", "--stop=always"}, 0);
  EXPECT_EQ(text(applied, "patch"), "hotfix");
  const Object &process0 = process(applied, 0);
  EXPECT_EQ(process0.getInteger("pid"), first_.pid());
  EXPECT_EQ(text(process0, "result"), "applied");
  EXPECT_EQ(process0.get("reason")->kind(), llvm::json::Value::Null);
  EXPECT_EQ(process0.getInteger("changes"), 2);
  EXPECT_GE(process0.getInteger("stops").value_or(-1), 1);
  EXPECT_GE(process0.getInteger("pause_us").value_or(-1), 0);
  for (const char *phase : {"resolve", "plan", "prepare", "stop", "verify", "switch", "release"})
    EXPECT_TRUE(process0.getObject("phases_us")->getInteger(phase).has_value()) << phase;

  EXPECT_EQ(text(process(document({"apply", patch_, "--pid", one(), "--format=json"}, 0), 0), "result"),
            "already-applied");

  Object status = document({"status", "--pid", one(), "--format=json"}, 0);
  const Object &patch = *(*process(status, 0).getArray("patches"))[0].getAsObject();
  EXPECT_EQ(text(process(status, 0), "exe"), LPC_WAITER "same_id");
  EXPECT_EQ(text(process(status, 0), "build_id"), "1001");
  EXPECT_EQ(text(patch, "name"), "hotfix");
  EXPECT_EQ(text(patch, "version"), "1.2");
  EXPECT_EQ(text(patch, "state"), "applied");
  EXPECT_EQ(text(patch, "digest").size(), 64U);
  EXPECT_THAT(text(patch, "applied_at"), testing::MatchesRegex("20[0-9-]+T[0-9:]+Z"));
  EXPECT_GE(patch.getInteger("places").value_or(0), 1);
  EXPECT_GE(patch.getInteger("memory_bytes").value_or(0), 64);
  EXPECT_THAT(lpcWith({"status"}).out,
              HasSubstr("process " + one() + ": " LPC_WAITER "same_id\n  hotfix 1.2: applied "));

  EXPECT_EQ(text(process(document({"revert", "hotfix", "--pid", one(), "--format=json"}, 0), 0), "result"), "reverted");
  EXPECT_EQ(text(process(document({"revert", "hotfix", "--pid", one(), "--format=json"}, 3), 0), "result"),
            "not-applied");
  EXPECT_EQ(stateOf(first_.pid()), before);
}

TEST_F(LiveDocuments, EachProcessIsATransactionOfItsOwn) {
  Object applied = document({"apply", patch_, "--pid", both(), "--pid", "999999999", "--format=json"}, 3); // the worst
  EXPECT_EQ(text(process(applied, 0), "result"), "applied");
  EXPECT_EQ(text(process(applied, 1), "result"), "applied");
  EXPECT_EQ(text(process(applied, 2), "result"), "refused");
}

TEST_F(LiveDocuments, ErrorsOfThePatchAreSaidOnce) {
  std::string bad = folder_.write("bad.lp", "set countr int 8\n");
  RunResult result = lpcWith({"apply", bad, "--pid", both()});
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(result.err.find("[unknown-symbol]"), result.err.rfind("[unknown-symbol]"));
  for (pid_t pid : {first_.pid(), second_.pid()})
    EXPECT_THAT(result.err,
                HasSubstr("  state: process " + std::to_string(pid) + " was not stopped; nothing was changed\n"));
  Object document = this->document({"apply", bad, "--pid", both(), "--format=json"}, 1);
  EXPECT_EQ(document.getArray("diagnostics")->size(), 1U);
  EXPECT_EQ(text(process(document, 1), "reason"), "unknown-symbol");
  EXPECT_EQ(process(document, 1).getInteger("changes"), 0);
}

TEST_F(LiveDocuments, ADryRunChangesNothing) {
  ProcessState before = stateOf(first_.pid());
  Object document = this->document({"apply", patch_, "--pid", one(), "--dry-run", "--format=json"}, 0);
  EXPECT_EQ(text(process(document, 0), "result"), "dry-run");
  EXPECT_THAT(lpcWith({"status", "--pid", one()}).out, HasSubstr(": no patches\n"));
  EXPECT_EQ(stateOf(first_.pid()), before);
}

TEST_F(LiveDocuments, OfAPlan) {
  Object plan = document({"plan", patch_, "--pid", one(), "--format=json"}, 0);
  EXPECT_EQ(text(plan, "schema"), "lpc.plan/1");
  EXPECT_EQ(plan.getInteger("pid"), first_.pid());
  EXPECT_EQ(text(plan, "digest").size(), 64U);
  const Object &memory = *(*plan.getArray("memory"))[0].getAsObject();
  EXPECT_EQ(text(memory, "name"), "room");
  EXPECT_EQ(text(memory, "perm"), "rw");
  EXPECT_EQ(memory.getInteger("size"), 4096);
  const Object &change = *(*plan.getArray("changes"))[0].getAsObject();
  EXPECT_EQ(text(change, "kind"), "set");
  EXPECT_EQ(text(change, "old"), "07000000");
  EXPECT_EQ(text(change, "new"), "08000000");
  EXPECT_EQ(change.getInteger("line"), 3);
  EXPECT_EQ(plan.getArray("threads")->size(), 1U);
}

} // namespace
} // namespace lpc::test
