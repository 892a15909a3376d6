// DWARF of C: no linker's names, one structure in every unit that uses it, static variables of one name, parameters
// without a prototype.
#include "files.h"
#include "frontend/target/debug_info.h"

namespace lpc::target {
namespace {

using namespace lpc::test;
using Kind = DebugType::Kind;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class DwarfOfC : public testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    file = openMade(name);
    ASSERT_NE(file, nullptr);
    if (name == "plain_stripped") {
      ASSERT_TRUE(file->attachDebugFile(openMade("plain_v5.debug")).has_value());
    }
    debug = file->debugInfo();
    ASSERT_NE(debug, nullptr);
  }
  [[nodiscard]] DebugSignature signature(const std::string &function) const {
    auto found = debug->signature(only(*file, function));
    EXPECT_TRUE(found) << function;
    return found.value_or(DebugSignature{});
  }
  [[nodiscard]] VariablePart part(const Symbol &variable, uint64_t offset) const {
    auto parts = debug->partsAt(variable, offset);
    EXPECT_EQ(parts.size(), 1U) << variable.name << "+" << offset;
    return parts.empty() ? VariablePart{} : parts[0];
  }

  const std::string name = GetParam();
  std::shared_ptr<const ElfFile> file;
  DebugInfo *debug = nullptr;
};

TEST_P(DwarfOfC, Signatures) {
  DebugSignature find = signature("find");
  EXPECT_EQ(find.result.name, "int");
  ASSERT_EQ(find.parameters.size(), 3U);
  EXPECT_EQ(find.parameters[0].type.name, "node *"); // the typedef is looked through, and so are const and restrict
  EXPECT_EQ(find.parameters[0].type.pointee, Kind::Aggregate);
  EXPECT_EQ(find.parameters[0].type.pointeeSize, 32U);
  EXPECT_EQ(find.parameters[2].name, "level");
  EXPECT_EQ(find.parameters[2].type.kind, Kind::Integer);
  EXPECT_EQ(find.parameters[2].type.size, 4U);

  DebugSignature say = signature("say");
  EXPECT_EQ(say.result.kind, Kind::Void);
  ASSERT_EQ(say.parameters.size(), 1U);
  EXPECT_EQ(say.parameters[0].type.name, "char *");
  EXPECT_TRUE(say.variadic);

  DebugSignature old = signature("old_style");
  ASSERT_EQ(old.parameters.size(), 2U);
  EXPECT_EQ(old.parameters[0].type.kind, Kind::Integer);
  EXPECT_EQ(old.parameters[1].type.name, "char *");
}

TEST_P(DwarfOfC, Variables) {
  Symbol limits = only(*file, "limits");
  EXPECT_THAT(debug->partsAt(limits, 0), IsEmpty()); // bits
  VariablePart ratio = part(limits, 8 + 5 * sizeof(double));
  EXPECT_EQ(ratio.path, "limits.ratio[]");
  EXPECT_EQ(ratio.type.kind, Kind::Float);
  EXPECT_TRUE(ratio.element);
  EXPECT_EQ(part(limits, 56).type.name, "char *");
  EXPECT_EQ(part(limits, 64).type.size, 1U); // _Bool
  std::vector<std::string> either;
  for (const VariablePart &each : debug->partsAt(limits, 72))
    either.push_back(each.path);
  EXPECT_THAT(either, UnorderedElementsAre("limits.whole", "limits.part"));
  EXPECT_EQ(part(only(*file, "compare"), 0).type.pointee, Kind::Function);
  EXPECT_EQ(part(only(*file, "level"), 0).type.size, 4U);
}

// Each by its address, for the name says nothing.
TEST_P(DwarfOfC, StaticVariablesOfOneName) {
  auto both = file->find({"newest"})[0];
  ASSERT_EQ(both.size(), 2U);
  for (const Symbol &each : both)
    EXPECT_EQ(part(each, 0).type.pointeeName, "node");
}

TEST_P(DwarfOfC, InlinedCopiesOfAFunctionInAHeader) {
  std::vector<std::string> callers;
  InlinedCopies copies = debug->inlinedCopies(only(*file, "half"));
  for (const auto &each : copies.functions)
    callers.push_back(each.function + " " + std::to_string(each.copies));
  if (name == "plain_split5") // only the unit of its code is read
    EXPECT_THAT(callers, ElementsAre("find 1"));
  else
    EXPECT_THAT(callers, UnorderedElementsAre("find 1", "say 2"));
  EXPECT_FALSE(copies.more);
}

INSTANTIATE_TEST_SUITE_P(Forms, DwarfOfC, testing::Values("plain_v4", "plain_v5", "plain_split5", "plain_stripped"),
                         [](const auto &test) { return std::string(test.param); });

} // namespace
} // namespace lpc::target
