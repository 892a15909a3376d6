// DWARF as compilers write it: versions, split, compressed, indexed, optimised over files. Whatever the form, the
// answers are the same.
#include "frontend/target/debug_info.h"

#include "files.h"

namespace lpc::target {
namespace {

using namespace lpc::test;
using Kind = DebugType::Kind;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

Symbol symbol(const ElfFile &file, const std::string &name) {
  auto found = file.find({name})[0];
  EXPECT_EQ(found.size(), 1U) << name;
  return found.empty() ? Symbol{} : found[0];
}

std::vector<std::string> callers(const InlinedCopies &copies) {
  std::vector<std::string> out;
  for (const auto &each : copies.functions)
    out.push_back(each.function + " " + std::to_string(each.copies));
  return out;
}

class Dwarf : public testing::TestWithParam<const char *> {
protected:
  void SetUp() override {
    file = openElf(madeFile(GetParam()));
    ASSERT_NE(file, nullptr);
    if (name == "typed_stripped") {
      ASSERT_TRUE(file->attachDebugFile(openElf(madeFile("typed_v5.debug"))).has_value());
    }
    debug = file->debugInfo();
    ASSERT_NE(debug, nullptr);
  }
  [[nodiscard]] VariablePart part(const std::string &variable, uint64_t offset) const {
    auto parts = debug->partsAt(symbol(*file, variable), offset);
    EXPECT_EQ(parts.size(), 1U) << variable << "+" << offset;
    return parts.empty() ? VariablePart{} : parts[0];
  }

  const std::string name = GetParam();
  std::shared_ptr<const ElfFile> file;
  DebugInfo *debug = nullptr;
};

TEST_P(Dwarf, Signatures) {
  auto handle = debug->signature(symbol(*file, "handle"));
  ASSERT_TRUE(handle);
  EXPECT_EQ(handle->result.kind, Kind::Integer);
  EXPECT_EQ(handle->result.name, "int");
  ASSERT_EQ(handle->parameters.size(), 2U);
  EXPECT_EQ(handle->parameters[0].name, "request");
  EXPECT_EQ(handle->parameters[0].type.kind, Kind::Pointer);
  EXPECT_EQ(handle->parameters[0].type.name, "Request *");
  EXPECT_EQ(handle->parameters[0].type.pointee, Kind::Aggregate);
  EXPECT_EQ(handle->parameters[0].type.pointeeName, "Request");
  EXPECT_EQ(handle->parameters[0].type.pointeeSize, 40U);
  EXPECT_EQ(handle->parameters[1].type.kind, Kind::Integer);
  EXPECT_EQ(handle->parameters[1].type.size, 8U);
  EXPECT_FALSE(handle->variadic);

  auto weigh = debug->signature(symbol(*file, "weigh"));
  ASSERT_TRUE(weigh);
  EXPECT_EQ(weigh->result.kind, Kind::Float);
  EXPECT_EQ(weigh->result.size, 8U);
  ASSERT_EQ(weigh->parameters.size(), 2U);
  EXPECT_EQ(weigh->parameters[0].type.name, "Request &");
  EXPECT_EQ(weigh->parameters[1].type.size, 1U);
  EXPECT_TRUE(weigh->variadic);

  auto accept = debug->signature(symbol(*file, "Server::accept"));
  ASSERT_TRUE(accept);
  ASSERT_EQ(accept->parameters.size(), 3U);
  EXPECT_EQ(accept->parameters[0].type.pointeeName, "Server");
  EXPECT_EQ(accept->parameters[0].type.pointeeSize, 4U);
  EXPECT_EQ(accept->parameters[2].type.kind, Kind::Float);
  EXPECT_EQ(accept->parameters[2].type.size, 4U);
}

TEST_P(Dwarf, Variables) {
  EXPECT_EQ(part("shop::limit", 0).type.name, name.contains("clang") ? "long" : "long int");
  EXPECT_EQ(part("shop::last", 0).type.name, "Request *");
  EXPECT_EQ(part("shop::colour", 0).type.kind, Kind::Integer);
  EXPECT_EQ(part("shop::colour", 0).type.size, 1U);
  EXPECT_EQ(part("keepTwice", 0).type.pointee, Kind::Function);
  EXPECT_EQ(part("_ZZ6handleE5calls", 0).path, "calls");
  auto y = part("shop::first", 40 + 4 + 4 + 2); // the second request, the second point
  EXPECT_EQ(y.path, "first[].at[].y");
  EXPECT_EQ(y.type.size, 2U);
  EXPECT_TRUE(y.element);
  EXPECT_EQ(part("shop::first", 16).path, "first[].next");
  EXPECT_EQ(debug->partsAt(symbol(*file, "shop::first"), 24).size(), 2U);   // a union
  EXPECT_THAT(debug->partsAt(symbol(*file, "shop::first"), 1), IsEmpty());  // inside an int
  EXPECT_THAT(debug->partsAt(symbol(*file, "shop::first"), 32), IsEmpty()); // bits
  EXPECT_THAT(debug->partsAt(symbol(*file, "handle"), 0), IsEmpty());
}

TEST_P(Dwarf, InlinedCopies) {
  EXPECT_THAT(callers(debug->inlinedCopies(symbol(*file, "twice"))), ElementsAre("handle 2"));
  EXPECT_THAT(callers(debug->inlinedCopies(symbol(*file, "handle"))), IsEmpty());
  InlinedCopies scaled = debug->inlinedCopies(symbol(*file, "scaled"));
  if (name.contains("split") || name.contains("package")) // only the unit of its code is read
    EXPECT_THAT(callers(scaled), ElementsAre("handle 1"));
  else
    EXPECT_THAT(callers(scaled), UnorderedElementsAre("handle 1", "weigh 2"));
  EXPECT_FALSE(scaled.more);
  ASSERT_FALSE(scaled.functions.empty());
  EXPECT_THAT(scaled.functions[0].address, symbol(*file, scaled.functions[0].function).address);
}

TEST_P(Dwarf, NothingIsKnownOfWhatIsNotThere) {
  Symbol nowhere{.name = "nowhere", .version = {}, .sourceFile = {}, .address = LinkAddress{0x7fffffff0000}};
  EXPECT_FALSE(debug->signature(nowhere));
  EXPECT_THAT(debug->inlinedCopies(nowhere).functions, IsEmpty());
  EXPECT_THAT(debug->partsAt(nowhere, 0), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Forms, Dwarf, testing::Values(LPC_DWARF_FORMS),
                         [](const auto &test) { return std::string(test.param); });

// A relocatable object: its symbols have no addresses, and its strings are relocations.
TEST(DwarfOfObject, IsFoundByName) {
  Bytes bytes = readAll(madeFile("typed_one.o"));
  auto debug = DebugInfo::of(bytes, "");
  ASSERT_NE(debug, nullptr);
  auto named = [](const char *name) { return Symbol{.name = name, .version = {}, .sourceFile = {}}; };
  auto accept = debug->signature(named("_ZN6Server6acceptERK7Requestf"));
  ASSERT_TRUE(accept);
  EXPECT_EQ(accept->parameters.size(), 3U);
  EXPECT_EQ(accept->parameters[1].type.name, "Request &");
  ASSERT_TRUE(debug->signature(named("handle")));
  EXPECT_FALSE(debug->signature(named("weigh"))); // a declaration
  EXPECT_EQ(debug->partsAt(named("_ZN4shop4lastE"), 0).at(0).type.name, "Request *");
}

TEST(DwarfOfObject, MayBeSplit) {
  Bytes bytes = readAll(madeFile("typed_two.o"));
  auto debug = DebugInfo::of(bytes, madeFile("typed_two.o"));
  ASSERT_NE(debug, nullptr);
  auto weigh = debug->signature({.name = "weigh", .version = {}, .sourceFile = {}});
  ASSERT_TRUE(weigh);
  EXPECT_EQ(weigh->parameters.size(), 2U);
}

TEST(DwarfOfObject, IsNotInEveryFile) {
  EXPECT_EQ(openElf(madeFile("shapes_stripped"))->debugInfo(), nullptr);
  EXPECT_EQ(openElf(madeFile("typed_stripped"))->debugInfo(), nullptr);
  EXPECT_EQ(DebugInfo::of({}, ""), nullptr);
}

} // namespace
} // namespace lpc::target
