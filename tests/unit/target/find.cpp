// Symbols by name: the rules of symbol_lookup.cpp, on files of every shape.
#include "files.h"

namespace lpc::target {
namespace {

using namespace lpc::test;

TEST(Find, KindsAndBindings) {
  for (const char *name : {"shapes_pie", "shapes_nopie", "shapes_static", "shapes_relr", "shapes_sysv"}) {
    SCOPED_TRACE(name);
    auto file = openMade(name);
    ASSERT_TRUE(file);
    EXPECT_EQ(only(*file, "twice").kind, SymbolKind::Function);
    EXPECT_EQ(only(*file, "twice").binding, Binding::Global);
    EXPECT_EQ(only(*file, "global_value").kind, SymbolKind::Object);
    EXPECT_EQ(only(*file, "global_value").size, 4U);
    EXPECT_EQ(only(*file, "maybe").binding, Binding::Weak);
    EXPECT_EQ(only(*file, "chosen").kind, SymbolKind::Ifunc);
    EXPECT_EQ(only(*file, "per_thread").kind, SymbolKind::ThreadLocal);
    EXPECT_TRUE(only(*file, "absolute_symbol").absolute);
    EXPECT_EQ(only(*file, "absolute_symbol").address.value, 0x1234U);
    EXPECT_EQ(only(*file, "unsized").size, 0U);
    // Two names of one address are two symbols.
    EXPECT_EQ(only(*file, "same_as_twice").address, only(*file, "twice").address);
    EXPECT_EQ(only(*file, "same_as_twice").name, "same_as_twice");
  }
}

TEST(Find, StaticFunctionsOfSeveralFiles) {
  auto file = openMade("shapes_pie");
  ASSERT_TRUE(file);
  auto found = file->find({"helper", "counter"});
  for (const std::vector<Symbol> &symbols : found) {
    ASSERT_EQ(symbols.size(), 2U);
    std::vector<std::string> sources{symbols[0].sourceFile, symbols[1].sourceFile};
    EXPECT_THAT(sources, testing::UnorderedElementsAre("shapes.c", "other.c"));
    EXPECT_EQ(symbols[0].binding, Binding::Local);
    EXPECT_FALSE(symbols[0].exported);
  }
  EXPECT_EQ(only(*file, "twice").sourceFile, ""); // a global one comes from anywhere
}

TEST(Find, BothTablesDescribeOneSymbol) {
  auto file = openMade("shapes_pie");
  ASSERT_TRUE(file);
  EXPECT_TRUE(only(*file, "twice").exported);
  EXPECT_TRUE(only(*file, "main").exported); // -rdynamic
  EXPECT_FALSE(only(*openMade("shapes_nopie"), "twice").exported);
}

TEST(Find, StrippedHasWhatIsExported) {
  auto whole = openMade("shapes_pie"), stripped = openMade("shapes_stripped");
  ASSERT_TRUE(whole && stripped);
  EXPECT_FALSE(stripped->hasSymbolTable());
  EXPECT_EQ(only(*stripped, "twice").address, only(*whole, "twice").address);
  EXPECT_TRUE(only(*stripped, "twice").exported);
  EXPECT_TRUE(stripped->find({"helper"})[0].empty());
}

TEST(Find, WithoutSectionHeaders) {
  auto whole = openMade("shapes_pie");
  auto headless = ElfFile::fromBytes(withoutSectionHeaders(readAll(madeFile("shapes_stripped"))), "headless");
  ASSERT_TRUE(whole && headless);
  EXPECT_TRUE((*headless)->sections().empty());
  EXPECT_EQ((*headless)->buildId(), whole->buildId()); // from PT_NOTE
  EXPECT_EQ(only(**headless, "twice"), only(*openMade("shapes_stripped"), "twice"));
  // The number of symbols comes from DT_GNU_HASH, here from DT_HASH.
  auto sysv = openMade("shapes_sysv");
  auto sysvHeadless = ElfFile::fromBytes(withoutSectionHeaders(readAll(madeFile("shapes_sysv"))), "headless");
  ASSERT_TRUE(sysv && sysvHeadless);
  EXPECT_EQ(only(**sysvHeadless, "twice").address, only(*sysv, "twice").address);
  auto names = (*headless)->symbolNames(10000);
  EXPECT_THAT(names, testing::IsSupersetOf({"main", "twice", "global_value", "chosen"}));
}

TEST(Find, Versions) {
  for (const char *name : {"libversions.so", "libversions_stripped.so"}) {
    SCOPED_TRACE(name);
    auto file = openMade(name);
    ASSERT_TRUE(file);
    Symbol now = only(*file, "shared"), old = only(*file, "shared@LPC_1.0");
    EXPECT_EQ(now.version, "LPC_2.0");
    EXPECT_TRUE(now.defaultVersion);
    EXPECT_EQ(now, only(*file, "shared@LPC_2.0"));
    EXPECT_EQ(now, only(*file, "shared@@LPC_2.0"));
    EXPECT_EQ(old.version, "LPC_1.0");
    EXPECT_FALSE(old.defaultVersion);
    EXPECT_NE(old.address, now.address);
    EXPECT_TRUE(file->find({"shared@LPC_3.0"})[0].empty());
    EXPECT_TRUE(file->find({"gone"})[0].empty()); // there is no default version
    EXPECT_EQ(only(*file, "gone@LPC_1.0").version, "LPC_1.0");
    EXPECT_THAT(file->symbolNames(1000), testing::IsSupersetOf({"gone@LPC_1.0", "shared", "shared@LPC_1.0"}));
  }
}

TEST(Find, CopiesOfLibraryVariablesHaveTheLibrarysVersion) {
  auto file = openElf(ownProgram()); // these tests use `environ` or `stdout` of libc by copy relocation
  ASSERT_TRUE(file);
  for (const ReadelfSymbol &symbol : readelfSymbols(ownProgram())) {
    if (!symbol.dynamic || symbol.version.empty() || symbol.section == "UND") continue;
    Symbol found = only(*file, symbol.name);
    EXPECT_EQ(found.version, symbol.version);
    EXPECT_TRUE(found.defaultVersion);
  }
}

TEST(Find, CxxNames) {
  auto file = openMade("names");
  ASSERT_TRUE(file);
  EXPECT_EQ(only(*file, "http::Server::accept(int) const").name, "_ZNK4http6Server6acceptEi");
  EXPECT_EQ(only(*file, "http::Server::accept(char const*)").name, "_ZN4http6Server6acceptEPKc");
  EXPECT_EQ(only(*file, "http::Server::accept(char const *)").name, "_ZN4http6Server6acceptEPKc");
  EXPECT_EQ(file->find({"http::Server::accept"})[0].size(), 2U); // overloads: ambiguous
  EXPECT_EQ(only(*file, "http::requests").kind, SymbolKind::Object);
  EXPECT_EQ(only(*file, "_ZN4http8requestsE").address, only(*file, "http::requests").address);
  EXPECT_EQ(only(*file, "http::Server::operator==(http::Server const&) const").kind, SymbolKind::Function);
  EXPECT_EQ(only(*file, "http::Server::operator int() const").kind, SymbolKind::Function);
  EXPECT_EQ(only(*file, "http::Server::operator int").kind, SymbolKind::Function);
  EXPECT_EQ(only(*file, "int http::largest<int>(int, int)").kind, SymbolKind::Function);
  EXPECT_EQ(only(*file, "http::largest<int>(int, int)").name, only(*file, "http::largest<int>").name);
  EXPECT_EQ(only(*file, "(anonymous namespace)::hidden(int)").binding, Binding::Local);
  EXPECT_EQ(only(*file, "(anonymous namespace)::hidden").sourceFile, "names.cpp");
  EXPECT_EQ(only(*file, "counterOf()::calls").kind, SymbolKind::Object);
  EXPECT_EQ(only(*file, "counterOf").kind, SymbolKind::Function);
  // The complete and the base constructor are one function under two names.
  EXPECT_EQ(only(*file, "http::Server::Server(int)").name, "_ZN4http6ServerC1Ei");
  EXPECT_EQ(only(*file, "http::Server::~Server").name, "_ZN4http6ServerD1Ev");
  EXPECT_EQ(file->find({"http::tagged"})[0].size(), 1U); // its name has an [abi:cxx11]
  EXPECT_TRUE(file->find({"Server::accept"})[0].empty());
  EXPECT_TRUE(file->find({"http::Server::accept(long)"})[0].empty());
}

TEST(Find, CxxNamesOfAStrippedLibrary) {
  auto whole = openElf("/usr/lib/x86_64-linux-gnu/libstdc++.so.6");
  ASSERT_TRUE(whole);
  EXPECT_EQ(only(*whole, "std::terminate").name, "_ZSt9terminatev");
  EXPECT_EQ(only(*whole, "operator new(unsigned long)").name, "_Znwm");
  // Abbreviated in mangled names: no identifier to filter by.
  EXPECT_EQ(only(*whole, "std::string::append(char const*)").name, "_ZNSs6appendEPKc");
  EXPECT_FALSE(whole->find({"std::allocator<char>::allocator()"})[0].empty());
}

TEST(Find, ManyNamesAtOnceAndTwice) {
  auto file = openMade("small");
  ASSERT_TRUE(file);
  auto found =
      file->find({"work", "nothing", "value", "work", "", "@", "@x", "work@", "elsewhere", "first.c", ".text"});
  EXPECT_EQ(found[0].size(), 1U);
  EXPECT_EQ(found[0], found[3]);
  EXPECT_EQ(found[2].size(), 1U);
  for (size_t i : {1U, 4U, 5U, 6U, 7U, 8U, 9U, 10U})
    EXPECT_TRUE(found[i].empty()) << i; // undefined and file symbols are none
  EXPECT_TRUE(file->find({}).empty());
}

TEST(Find, UndefinedSymbolsOfAProgram) {
  auto file = openMade("shapes_pie");
  ASSERT_TRUE(file);
  std::vector<std::string> names;
  for (const ElfFile::Undefined &each : file->undefinedSymbols())
    names.push_back(each.name);
  EXPECT_THAT(names, testing::IsSupersetOf({"printf", "__libc_start_main"}));
  EXPECT_THAT(names, testing::Not(testing::Contains("main")));
}

} // namespace
} // namespace lpc::target
