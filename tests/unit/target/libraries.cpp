// Libraries and debug files, found as ld.so and gdb find them.
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <map>
#include <sstream>

#include "files.h"
#include "frontend/target/ld_cache.h"
#include "frontend/target/library_search.h"
#include "frontend/target/paths.h"

namespace lpc::target {
namespace {

using namespace lpc::test;
namespace fs = std::filesystem;

std::map<std::string, std::string> found(const std::string &path) {
  std::map<std::string, std::string> libraries;
  auto file = openElf(path);
  if (!file) return libraries;
  for (const FoundLibrary &library : findLibraries(*file, path)) {
    EXPECT_TRUE(libraries.emplace(library.soname, library.path).second) << library.soname << " twice";
    EXPECT_EQ(library.path.empty(), library.file == nullptr);
  }
  return libraries;
}

// What the program's own dynamic linker says: "\tlibz.so.1 => /lib/… (0x…)", "\t/lib64/ld-linux-x86-64.so.2 (0x…)".
std::map<std::string, std::string> traced(const std::string &path) {
  std::map<std::string, std::string> libraries;
  std::istringstream lines(
      run({"env", "-u", "LD_LIBRARY_PATH", "-u", "LD_PRELOAD", "LD_TRACE_LOADED_OBJECTS=1", path}).out);
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string name, arrow, file;
    words >> name >> arrow >> file;
    if (name.starts_with("linux-vdso")) continue;
    if (name.starts_with('/')) // as needed by the interpreter's own name
      libraries[fs::path(name).filename()] = name;
    else
      libraries[name] = file == "not" ? "" : file;
  }
  return libraries;
}

class Libraries : public testing::TestWithParam<std::string> {};

TEST_P(Libraries, AreWhatTheDynamicLinkerFinds) {
  if (!fs::exists(GetParam())) GTEST_SKIP() << GetParam() << " is not installed";
  auto expected = traced(GetParam());
  ASSERT_FALSE(expected.empty());
  EXPECT_EQ(found(GetParam()), expected);
}
INSTANTIATE_TEST_SUITE_P(Programs, Libraries,
                         testing::Values("/usr/bin/git", "/usr/bin/gdb", "/usr/bin/clang-19", "/usr/bin/cmake",
                                         "/usr/bin/python3", "/bin/bash", ownProgram(), madeFile("tree_runpath"),
                                         madeFile("tree_rpath"), madeFile("tree_lost"), madeFile("shapes_relr")));

TEST(LibrarySearch, BreadthFirstInTheOrderOfNeeds) {
  std::string path = madeFile("tree_runpath");
  std::vector<std::string> order;
  for (const FoundLibrary &library : findLibraries(*openElf(path), path))
    order.push_back(library.soname);
  EXPECT_THAT(order, testing::ElementsAre("libbranch.so", "libc.so.6", "libleaf.so", "ld-linux-x86-64.so.2"));
}

TEST(LibrarySearch, RunpathIsNotInheritedAndRpathIs) {
  EXPECT_EQ(found(madeFile("tree_lost"))["libleaf.so"], "");
  EXPECT_EQ(found(madeFile("tree_rpath"))["libleaf.so"], madeFile("sub/deep/libleaf.so"));
}

TEST(LibrarySearch, StaticProgramsNeedNone) {
  std::string path = madeFile("shapes_static");
  EXPECT_TRUE(findLibraries(*openElf(path), path).empty());
}

TEST(LibrarySearch, BelowAnotherRoot) {
  // A root with absolute symbolic links, as containers have them: they lead to places below it.
  std::string root = madeFile("root");
  fs::remove_all(root);
  fs::create_directories(root + "/opt/app/bin");
  fs::create_directories(root + "/usr/lib/x86_64-linux-gnu");
  fs::create_directory_symlink("/usr/lib", root + "/lib");
  fs::copy_file(madeFile("sub/libbare.so"), root + "/opt/libbare.so.real");
  fs::create_symlink("/opt/libbare.so.real", root + "/usr/lib/x86_64-linux-gnu/libbare.so");
  fs::copy_file(madeFile("sub/deep/libleaf.so"), root + "/usr/lib/libleaf.so");
  fs::copy_file(madeFile("tree_lost"), root + "/opt/app/bin/tree");
  auto program = openElf(root + "/opt/app/bin/tree");
  ASSERT_TRUE(program);
  std::map<std::string, std::string> libraries;
  for (const FoundLibrary &library : findLibraries(*program, "/opt/app/bin/tree", root))
    libraries[library.soname] = library.path;
  EXPECT_EQ(libraries["libbare.so"], root + "/opt/libbare.so.real");
  EXPECT_EQ(libraries["libleaf.so"], root + "/usr/lib/libleaf.so");
  EXPECT_EQ(libraries["libc.so.6"], "");
}

TEST(Paths, LinksStayBelowTheRoot) {
  std::string root = madeFile("jail");
  fs::remove_all(root);
  fs::create_directories(root + "/a/b");
  writeAll(root + "/a/file", asBytes("x"));
  fs::create_symlink("/a/file", root + "/absolute");
  fs::create_symlink("../../../../../../a/file", root + "/a/b/up");
  fs::create_symlink("loop", root + "/loop");
  EXPECT_EQ(canonical(root, "/absolute"), "/a/file");
  EXPECT_EQ(canonical(root, "/a/b/up"), "/a/file");
  EXPECT_EQ(canonical(root, "/a/./b/../file"), "/a/file");
  EXPECT_EQ(canonical(root, "/loop"), std::nullopt);
  EXPECT_EQ(canonical(root, "/missing"), std::nullopt);
  EXPECT_EQ(openable(root, "/absolute"), root + "/a/file");
}

// --- /etc/ld.so.cache -------------------------------------------------------------------------------------------

// The new format with one entry of each kind.
Bytes cacheWith(std::initializer_list<std::tuple<uint32_t, uint64_t, std::string, std::string>> entries) {
  Bytes bytes(asBytes("glibc-ld.so.cache1.1").begin(), asBytes("glibc-ld.so.cache1.1").end());
  size_t stringsAt = 48 + entries.size() * 24;
  Bytes strings;
  appendLittle(bytes, entries.size(), 4);
  appendLittle(bytes, 0, 4);
  bytes.resize(48);
  for (const auto &[flags, hwcap, name, path] : entries) {
    appendLittle(bytes, flags, 4);
    for (const std::string &text : {name, path}) {
      appendLittle(bytes, stringsAt + strings.size(), 4);
      strings.insert(strings.end(), text.begin(), text.end());
      strings.push_back(0);
    }
    appendLittle(bytes, 0, 4);
    appendLittle(bytes, hwcap, 8);
  }
  bytes.insert(bytes.end(), strings.begin(), strings.end());
  return bytes;
}

TEST(LdCacheFile, EntriesByMachine) {
  Bytes bytes = cacheWith({{0x0303, 0, "libz.so.1", "/wide/libz.so.1"},
                           {0x0003, 0, "libz.so.1", "/narrow/libz.so.1"},
                           {0x0a03, 0, "libz.so.1", "/arm/libz.so.1"},
                           {0x0303, 4, "liblegacy.so", "/legacy/liblegacy.so"},
                           {0x0303, uint64_t{1} << 62, "libvariant.so", "/variant/libvariant.so"}});
  LdCache cache(bytes);
  EXPECT_EQ(cache.find("libz.so.1", Machine::X86_64), "/wide/libz.so.1");
  EXPECT_EQ(cache.find("libz.so.1", Machine::I386), "/narrow/libz.so.1");
  EXPECT_EQ(cache.find("libz.so.1", Machine::AArch64), "/arm/libz.so.1");
  EXPECT_EQ(cache.find("libz.so", Machine::X86_64), std::nullopt);
  EXPECT_EQ(cache.find("liblegacy.so", Machine::X86_64), std::nullopt);
  EXPECT_EQ(cache.find("libvariant.so", Machine::X86_64), std::nullopt); // a variant without a name
  // Behind the old format.
  Bytes old(asBytes("ld.so-1.7.0").begin(), asBytes("ld.so-1.7.0").end());
  old.resize(12);
  appendLittle(old, 1, 4);
  old.resize(32); // one entry, then up to a multiple of 8
  old.insert(old.end(), bytes.begin(), bytes.end());
  EXPECT_EQ(LdCache(old).find("libz.so.1", Machine::X86_64), "/wide/libz.so.1");
}

TEST(LdCacheFile, DamagedOnesAreEmptyOrInBounds) {
  Bytes whole = cacheWith({{0x0303, uint64_t{1} << 62, "libz.so.1", "/wide/libz.so.1"}, {0x0303, 0, "liba.so", "/a"}});
  for (size_t size = 0; size < whole.size(); size++)
    (void)LdCache({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)})
        .find("libz.so.1", Machine::X86_64);
  for (size_t at = 0; at < whole.size(); at++)
    for (uint8_t value : {uint8_t{0}, uint8_t{0x7f}, uint8_t{0xff}}) {
      Bytes bad = whole;
      bad[at] = value;
      (void)LdCache(std::move(bad)).find("libz.so.1", Machine::X86_64);
    }
  EXPECT_EQ(LdCache::read("/nonexistent").find("libc.so.6", Machine::X86_64), std::nullopt);
  const std::string pipe = madeFile("pipe"); // of a container, maybe, whose files are not ours
  ASSERT_TRUE(mkfifo(pipe.c_str(), 0600) == 0 || errno == EEXIST);
  EXPECT_EQ(LdCache::read(pipe).find("libc.so.6", Machine::X86_64), std::nullopt);
}

// --- debug files ------------------------------------------------------------------------------------------------

class DebugFiles : public testing::Test {
protected:
  void SetUp() override {
    folder_ = madeFile("debug-" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void objcopy(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), LPC_OBJCOPY);
    RunResult result = run(arguments);
    ASSERT_EQ(result.status, 0) << result.err;
  }
  std::string folder_;
};

TEST_F(DebugFiles, ByLinkBesideTheFile) {
  fs::copy_file(madeFile("shapes_pie.debug"), folder_ + "/shapes_pie.debug");
  objcopy(
      {"--strip-all", "--add-gnu-debuglink=" + folder_ + "/shapes_pie.debug", madeFile("shapes_pie"), folder_ + "/p"});
  auto file = openElf(folder_ + "/p");
  ASSERT_TRUE(file && file->debugLink());
  EXPECT_EQ(file->debugLink()->first, "shapes_pie.debug");
  EXPECT_EQ(findDebugFile(*file, folder_ + "/p"), folder_ + "/shapes_pie.debug");
  // In .debug, too.
  fs::create_directories(folder_ + "/.debug");
  fs::rename(folder_ + "/shapes_pie.debug", folder_ + "/.debug/shapes_pie.debug");
  EXPECT_EQ(findDebugFile(*file, folder_ + "/p"), folder_ + "/.debug/shapes_pie.debug");

  auto whole = openMade("shapes_pie");
  auto debug = openElf(folder_ + "/.debug/shapes_pie.debug");
  ASSERT_TRUE(debug && whole);
  EXPECT_TRUE(debug->isDebugFile());
  EXPECT_EQ(debug->bytesAt(only(*whole, "twice").address, 4), std::nullopt); // it has no code
  EXPECT_TRUE(file->find({"helper"})[0].empty());
  ASSERT_TRUE(file->attachDebugFile(debug));
  EXPECT_TRUE(file->hasSymbolTable());
  EXPECT_EQ(file->find({"helper"}), whole->find({"helper"}));
  EXPECT_EQ(only(*file, "twice"), only(*whole, "twice")); // exported by .dynsym, in .symtab of the debug file: once
  Symbol helper = file->find({"helper"})[0].front();
  EXPECT_EQ(file->symbolAt(helper.address + 1), helper);
}

TEST_F(DebugFiles, WithoutBuildIdTheCrcDecides) {
  objcopy({"--remove-section=.note.gnu.build-id", madeFile("shapes_nopie"), folder_ + "/whole"});
  objcopy({"--only-keep-debug", folder_ + "/whole", folder_ + "/p.debug"});
  objcopy({"--strip-all", "--add-gnu-debuglink=" + folder_ + "/p.debug", folder_ + "/whole", folder_ + "/p"});
  auto file = openElf(folder_ + "/p");
  ASSERT_TRUE(file);
  EXPECT_TRUE(file->buildId().empty());
  EXPECT_EQ(findDebugFile(*file, folder_ + "/p"), folder_ + "/p.debug");
  Bytes changed = readAll(folder_ + "/p.debug");
  changed.push_back(0);
  writeAll(folder_ + "/p.debug", changed);
  std::vector<std::string> others;
  EXPECT_EQ(findDebugFile(*file, folder_ + "/p", "", &others), std::nullopt);
  EXPECT_THAT(others, testing::ElementsAre(folder_ + "/p.debug"));
}

TEST_F(DebugFiles, ByBuildIdBelowTheRoot) {
  auto file = openMade("shapes_stripped");
  ASSERT_TRUE(file);
  std::string id = toHex(file->buildId());
  std::string inside = "/usr/lib/debug/.build-id/" + id.substr(0, 2) + "/" + id.substr(2) + ".debug";
  fs::create_directories(folder_ + fs::path(inside).parent_path().string());
  fs::copy_file(madeFile("shapes_pie.debug"), folder_ + inside);
  EXPECT_EQ(findDebugFile(*file, "/shapes_stripped", folder_), folder_ + inside);
  EXPECT_EQ(findDebugFile(*file, madeFile("shapes_stripped")), std::nullopt);
}

TEST_F(DebugFiles, OfAnotherBuild) {
  auto file = openMade("shapes_stripped"), other = openMade("shapes_nopie.debug");
  ASSERT_TRUE(file && other);
  auto attached = file->attachDebugFile(other);
  ASSERT_FALSE(attached);
  EXPECT_EQ(attached.error().id, DiagnosticId::DebugFileMismatch);
  EXPECT_EQ(attached.error().notes.size(), 2U);
  EXPECT_FALSE(file->hasSymbolTable());
  auto machine = file->attachDebugFile(openMade("i386"));
  ASSERT_FALSE(machine);
  EXPECT_THAT(machine.error().message, testing::HasSubstr("another machine"));
}

} // namespace
} // namespace lpc::target
