// Parts and copies of functions by name; slots of imports.
#include "files.h"

namespace lpc::target {
namespace {

using namespace lpc::test;
using testing::ElementsAre;

std::vector<std::string> namesOf(const std::vector<Symbol> &symbols) {
  std::vector<std::string> names;
  for (const Symbol &symbol : symbols)
    names.push_back(symbol.name);
  return names;
}

TEST(Clones, AreFoundByTheNamesThatCompilersMake) {
  auto file = openMade("clones");
  ASSERT_TRUE(file);
  auto found = file->clonesOf({"f", "of", "longer_name", "_start", "", "f"}); // a name twice
  EXPECT_THAT(namesOf(found[0]), ElementsAre("f.cold", "f.part.0", "f.isra.0.constprop.1", "f.lto_priv.3"));
  EXPECT_THAT(namesOf(found[1]), ElementsAre("of.cold"));
  EXPECT_THAT(namesOf(found[2]), ElementsAre("longer_name.cold.2"));
  EXPECT_THAT(namesOf(found[3]), ElementsAre());
  EXPECT_THAT(namesOf(found[4]), ElementsAre());
  EXPECT_EQ(found[5], found[0]);
  EXPECT_EQ(found[0][0].kind, SymbolKind::Function);
}

TEST(Clones, OfAFileWithoutSymbols) {
  auto file = openMade("shapes_stripped");
  ASSERT_TRUE(file);
  EXPECT_THAT(file->clonesOf({"twice"})[0], ElementsAre());
}

TEST(ImportSlots, AreThoseOfTheRelocations) {
  for (const char *name : {"shapes_pie", "shapes_nopie", "shapes_stripped"}) {
    auto file = openMade(name);
    ASSERT_TRUE(file);
    auto slots = file->importSlots("__libc_start_main");
    ASSERT_EQ(slots.size(), 1U) << name;
    EXPECT_TRUE(slots[0].function);
    EXPECT_TRUE(file->isRelocated(slots[0].address, 8));
    EXPECT_THAT(file->importSlots("__libc_start_mai"), ElementsAre());
    EXPECT_THAT(file->importSlots("main"), ElementsAre());
    EXPECT_THAT(file->importSlots(""), ElementsAre());
  }
  EXPECT_THAT(openMade("shapes_static")->importSlots("write"), ElementsAre());
}

} // namespace
} // namespace lpc::target
