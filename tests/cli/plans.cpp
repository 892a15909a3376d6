// What a plan says beyond bytes and threads: how payloads were bound, and what the stop will settle.
#include <gmock/gmock.h>
#include <llvm/Support/JSON.h>

#include <fstream>

#include "tests/cli/lpc.h"

namespace lpc::test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using Object = llvm::json::Object;

constexpr const char *kPayload = R"(
  #include <unistd.h>
  extern int counter;
  int own = 5;
  static int hidden = 6;
  int *const where = &counter;
  int *mine = &own, *secret = &hidden;
  int fixed(int x) { return x + *where + *mine + *secret + (int)getpid(); }
)";

class Plans : public testing::Test {
protected:
  Plans() {
    EXPECT_EQ(child_.line(), "ready");
    std::string source = folder_.write("fix.c", kPayload);
    EXPECT_EQ(run({"cc", "-O1", "-shared", "-fPIC", source, "-o", folder_.path("fix.so")}).status, 0);
  }
  // Of the patch with these lines below its `dl`.
  Object planOf(const std::string &lines) {
    patch_ = folder_.write("hotfix.lp", "patch hotfix\ndl p fix.so\n" + lines);
    RunResult result = lpcWith({"plan", patch_, "--pid", std::to_string(child_.pid()), "--format=json"});
    EXPECT_EQ(result.status, 0) << result.err << result.out;
    auto value = llvm::json::parse(result.out);
    EXPECT_TRUE(static_cast<bool>(value));
    return value ? *value->getAsObject() : Object();
  }
  static std::string text(const Object &object, llvm::StringRef key) {
    return object.getString(key).value_or("").str();
  }
  // What is found open about something, as "LINE: MESSAGE" (0: no line).
  static std::vector<std::string> open(const Object &plan, const std::string &about) {
    std::vector<std::string> found;
    for (const llvm::json::Value &one : *plan.getArray("unknown"))
      if (const Object &object = *one.getAsObject(); text(object, "about") == about)
        found.push_back(std::to_string(object.getInteger("line").value_or(0)) + ": " + text(object, "message"));
    return found;
  }
  [[nodiscard]] uint64_t wordAt(const std::string &address) const {
    std::ifstream memory("/proc/" + std::to_string(child_.pid()) + "/mem", std::ios::binary);
    memory.seekg(static_cast<std::streamoff>(std::stoull(address, nullptr, 16)));
    uint64_t word = 0;
    memory.read(reinterpret_cast<char *>(&word), sizeof word);
    return word;
  }

  Folder folder_;
  Child child_{{LPC_WAITER "same_id"}};
  std::string patch_;
};

TEST_F(Plans, ListRelocationsAsTheyWillBe) {
  Object plan = planOf("jmp answer $p:fixed\nset counter int 8\n");
  std::string counter = text(*(*plan.getArray("changes"))[1].getAsObject(), "address"), printed;
  bool toCounter = false, toLibrary = false, toItself = false, toNobody = false;
  std::vector<std::pair<std::string, std::string>> words; // address and value of those that store a pointer
  for (const llvm::json::Value &one : *plan.getArray("relocations")) {
    const Object &relocation = *one.getAsObject();
    std::string symbol = text(relocation, "symbol"), object = text(relocation, "object");
    EXPECT_EQ(text(relocation, "memory"), "p");
    EXPECT_THAT(text(relocation, "type"), ContainsRegex("^R_X86_64_"));
    words.emplace_back(text(relocation, "address"), text(relocation, "value"));
    toCounter |= symbol == "counter" && object == "cli_waiter_same_id" && text(relocation, "value") == counter;
    toLibrary |= symbol.starts_with("getpid@GLIBC_") && object == "libc.so.6";
    toItself |= symbol == "own" && object.empty();
    toNobody |= symbol.empty();
  }
  EXPECT_TRUE(toCounter && toLibrary && toItself && toNobody);

  std::string pid = std::to_string(child_.pid()), digest = text(plan, "digest");
  RunResult shown = lpcWith({"plan", patch_, "--pid", pid});
  EXPECT_THAT(shown.out, HasSubstr("\ndigest " + digest + "\n"));
  EXPECT_THAT(shown.out, ContainsRegex("\nrelocations:\n(  .*\n)*  0x[0-9a-f]+  R_X86_64_[A-Z0-9_]+  counter = " +
                                       counter + "  cli_waiter_same_id\n"));
  EXPECT_EQ(lpcWith({"plan", patch_, "--pid", pid}).out, shown.out);
  RunResult applied = lpcWith({"apply", patch_, "--pid", pid, "--expect-plan", digest});
  ASSERT_EQ(applied.status, 0) << applied.err;
  for (const auto &[address, value] : words)
    EXPECT_EQ(wordAt(address), std::stoull(value, nullptr, 16)) << address;
}

TEST_F(Plans, SayWhatIsNotKnownBeforeTheStop) {
  Object plan = planOf("jmp answer $p:fixed\nset counter int 8\nexpect counter int 7\nset $p:own int 9\n");
  EXPECT_EQ(open(plan, "place").size(), 1U);
  EXPECT_EQ(open(plan, "threads").size(), 1U);
  EXPECT_THAT(open(plan, "bytes"), testing::ElementsAre(HasSubstr("3: whether the ")));
  EXPECT_THAT(open(plan, "old-value"), testing::ElementsAre(HasSubstr("4: what the 4 bytes at 0x")));
  EXPECT_THAT(open(plan, "condition"), testing::ElementsAre(HasSubstr("5: whether what is expected at 0x")));
  EXPECT_EQ(open(plan, "pause").size(), 1U);
  EXPECT_TRUE(open(plan, "call").empty());
  RunResult shown = lpcWith({"plan", patch_, "--pid", std::to_string(child_.pid())});
  EXPECT_THAT(shown.out, HasSubstr("\nnot known before the stop:\n"));
  EXPECT_THAT(shown.out, HasSubstr("  line 4: what the 4 bytes at 0x"));

  // A change of one word: no stop, no memory, nothing to wait for but the word itself.
  (void)folder_.write("hotfix.lp", "set counter int 8\n");
  shown = lpcWith({"plan", patch_, "--pid", std::to_string(child_.pid())});
  EXPECT_THAT(shown.out, HasSubstr("not known before the stop:\n  line 1: what the 4 bytes at 0x"));
  EXPECT_THAT(shown.out, Not(HasSubstr("how long the process stands")));
  EXPECT_THAT(shown.out, Not(HasSubstr("relocations:")));
}

TEST_F(Plans, NameTheCallsWhoseResultsDecide) {
  Object plan = planOf("on pre-apply call $p:fixed 1\n");
  EXPECT_THAT(open(plan, "call"), testing::ElementsAre(ContainsRegex("^3: what .*fixed.* does and returns; another "
                                                                     "value than 0 ends it, and nothing is changed$")));
}

} // namespace
} // namespace lpc::test
