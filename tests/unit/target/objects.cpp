// The list of objects that a patch can speak of.
#include "frontend/target/objects.h"

#include <filesystem>

#include "files.h"

namespace lpc::target {
namespace {

using namespace lpc::test;
using testing::ElementsAre;
using testing::HasSubstr;

ObjectSource sourceOf(const std::string &made, const std::string &name = "target") {
  return {name, name == "target" ? "" : name, madeFile(made), made};
}

Objects openObjects(std::vector<ObjectSource> sources, bool closed = false) {
  auto objects = Objects::open(std::move(sources), closed);
  if (!objects) throw std::runtime_error(objects.error().message);
  return std::move(*objects);
}

TEST(Objects, ProgramAndItsLibrariesInSearchOrder) {
  Objects objects = openObjects({sourceOf("tree_runpath")});
  std::vector<std::string> names;
  for (size_t i = 0; i < objects.size(); i++)
    names.push_back(objects.source(i).name);
  EXPECT_THAT(names, ElementsAre("target", "libbranch.so", "libc.so.6", "libleaf.so", "ld-linux-x86-64.so.2"));
  EXPECT_THAT(objects.named("target"), ElementsAre(0U));
  EXPECT_THAT(objects.named("tree_runpath"), ElementsAre(0U));
  EXPECT_THAT(objects.named("libc.so.6"), ElementsAre(2U));
  EXPECT_TRUE(objects.named("libnone.so").empty());
  auto leaf = objects.file(3);
  ASSERT_TRUE(leaf);
  EXPECT_EQ(only(**leaf, "leaf").kind, SymbolKind::Function);
  EXPECT_EQ(objects.file(3)->get(), leaf->get()); // opened once
  EXPECT_TRUE(objects.takeWarnings().empty());
}

TEST(Objects, MissingLibraryIsToldToWhoNeedsIt) {
  Objects objects = openObjects({sourceOf("tree_lost")});
  ASSERT_EQ(objects.named("libleaf.so").size(), 1U);
  auto file = objects.file(objects.named("libleaf.so")[0]);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().id, DiagnosticId::MissingLibrary);
  EXPECT_THAT(file.error().message, HasSubstr("`libleaf.so` of `tree_lost`"));
  // An `object` statement says where it is.
  auto index = objects.addAlias("leaf", madeFile("sub/deep/libleaf.so"), "libleaf.so");
  ASSERT_TRUE(index);
  EXPECT_THAT(objects.named("leaf"), ElementsAre(*index));
  EXPECT_THAT(objects.named("libleaf.so"), ElementsAre(*index));
  EXPECT_TRUE(objects.file(*index));
}

TEST(Objects, AliasJoinsTheLibraryOfTheSameBuild) {
  Objects objects = openObjects({sourceOf("tree_runpath")});
  size_t count = objects.size();
  auto branch = objects.addAlias("mine", madeFile("sub/libbranch.so"), "sub/libbranch.so");
  ASSERT_TRUE(branch);
  EXPECT_EQ(*branch, 1U);
  auto again = objects.addAlias("yours", madeFile("sub/libbranch.so"), "sub/libbranch.so");
  EXPECT_EQ(*again, 1U);
  EXPECT_THAT(objects.named("mine"), ElementsAre(1U));
  EXPECT_THAT(objects.named("yours"), ElementsAre(1U));
  EXPECT_THAT(objects.named("libbranch.so"), ElementsAre(1U));
  EXPECT_EQ(objects.size(), count);
  EXPECT_EQ(objects.addAlias("self", madeFile("tree_runpath"), "x").value(), 0U);
}

TEST(Objects, AliasThatNobodyNeedsIsAdded) {
  Objects objects = openObjects({sourceOf("tree_runpath")});
  size_t count = objects.size();
  auto index = objects.addAlias("plugin", madeFile("libversions.so"), "libversions.so");
  ASSERT_TRUE(index);
  EXPECT_EQ(*index, count);
  EXPECT_EQ(objects.source(*index).soname, "libversions.so.2");
  EXPECT_THAT(objects.named("libversions.so.2"), ElementsAre(count));
  auto missing = objects.addAlias("none", madeFile("nothing.so"), "nothing.so");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().id, DiagnosticId::CannotOpen);
}

// `object branch = libbranch.so`, and the patch is elsewhere than the library.
TEST(Objects, AliasOfALibraryByItsName) {
  for (bool closed : {false, true}) {
    std::vector<ObjectSource> sources{sourceOf("tree_runpath")};
    if (closed) sources.push_back(sourceOf("sub/libbranch.so", "libbranch.so"));
    Objects objects = openObjects(std::move(sources), closed);
    auto index = objects.addAlias("branch", "/nowhere/libbranch.so", "libbranch.so");
    ASSERT_TRUE(index) << index.error().message;
    EXPECT_EQ(*index, 1U);
    EXPECT_THAT(objects.named("branch"), ElementsAre(1U));
    EXPECT_THAT(objects.named("libbranch.so"), ElementsAre(1U));
    EXPECT_TRUE(objects.file(1));
    // A path means a file.
    EXPECT_EQ(objects.addAlias("there", "/nowhere/libbranch.so", "/nowhere/libbranch.so").error().id,
              DiagnosticId::CannotOpen);
    EXPECT_EQ(objects.addAlias("other", "/nowhere/libother.so", "libother.so").error().id, DiagnosticId::CannotOpen);
    // The program is no library.
    EXPECT_EQ(objects.addAlias("self", "/nowhere/target", "target").error().id, DiagnosticId::CannotOpen);
  }
}

TEST(Objects, ListOfAProcessIsClosed) {
  Objects objects = openObjects({sourceOf("tree_runpath"), sourceOf("sub/libbranch.so", "libbranch.so")}, true);
  EXPECT_EQ(objects.size(), 2U);
  EXPECT_TRUE(objects.named("libc.so.6").empty());
  EXPECT_EQ(objects.addAlias("branch", madeFile("sub/libbranch.so"), "b").value(), 1U);
  auto foreign = objects.addAlias("plugin", madeFile("libversions.so"), "libversions.so");
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().id, DiagnosticId::UnknownObject);
  auto narrow = objects.addAlias("narrow", madeFile("i386"), "i386");
  ASSERT_FALSE(narrow);
  EXPECT_EQ(narrow.error().id, DiagnosticId::WrongMachine);
}

TEST(Objects, SameNameOfTwoFilesIsAmbiguous) {
  Objects objects = openObjects({sourceOf("tree_runpath"),
                                 {"/a/libx.so", "", "/a/libx.so", "/a/libx.so"},
                                 {"/b/libx.so", "", "/b/libx.so", "/b/libx.so"}},
                                true);
  EXPECT_THAT(objects.named("libx.so"), ElementsAre(1U, 2U));
  EXPECT_THAT(objects.named("/b/libx.so"), ElementsAre(2U));
}

TEST(Objects, ProgramMustBeOne) {
  auto missing = Objects::open({sourceOf("nothing")}, false);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().id, DiagnosticId::CannotOpen);
  auto debug = Objects::open({sourceOf("shapes_pie.debug")}, false);
  ASSERT_FALSE(debug);
  EXPECT_EQ(debug.error().id, DiagnosticId::NotElf);
  EXPECT_THAT(debug.error().message, HasSubstr("separate debug file"));
}

TEST(Objects, DebugFileIsFoundAndAttached) {
  std::string folder = madeFile("objects-debug");
  std::filesystem::create_directories(folder);
  std::filesystem::copy_file(madeFile("shapes_pie.debug"), folder + "/p.debug",
                             std::filesystem::copy_options::overwrite_existing);
  ASSERT_EQ(run({LPC_OBJCOPY, "--strip-all", "--add-gnu-debuglink=" + folder + "/p.debug", madeFile("shapes_pie"),
                 folder + "/p"})
                .status,
            0);
  Objects objects = openObjects({{"target", "", folder + "/p", "p"}});
  auto file = objects.file(0);
  ASSERT_TRUE(file);
  EXPECT_EQ((*file)->find({"helper"})[0].size(), 2U);
  EXPECT_TRUE(objects.takeWarnings().empty());

  // The debug file of another build is not used, and that is said once.
  std::filesystem::copy_file(madeFile("shapes_nopie.debug"), folder + "/p.debug",
                             std::filesystem::copy_options::overwrite_existing);
  Objects others = openObjects({{"target", "", folder + "/p", "p"}});
  ASSERT_TRUE(others.file(0));
  ASSERT_TRUE(others.file(0));
  EXPECT_TRUE((*others.file(0))->find({"helper"})[0].empty());
  auto warnings = others.takeWarnings();
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_EQ(warnings[0].id, DiagnosticId::DebugFileMismatch);
  EXPECT_EQ(warnings[0].severity, Severity::Warning);
  EXPECT_TRUE(others.takeWarnings().empty());
}

} // namespace
} // namespace lpc::target
