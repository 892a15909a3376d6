// Every symbol of real programs, compared with what readelf says.
#include <filesystem>
#include <map>
#include <set>

#include "files.h"

namespace lpc::target {
namespace {

using namespace lpc::test;

std::string typeOf(SymbolKind kind) {
  switch (kind) {
  case SymbolKind::NoType: return "NOTYPE";
  case SymbolKind::Function: return "FUNC";
  case SymbolKind::Object: return "OBJECT";
  case SymbolKind::ThreadLocal: return "TLS";
  case SymbolKind::Ifunc: return "IFUNC";
  }
  return "";
}

// Address, size, type, version: what a symbol is, whichever table shows it.
using Facts = std::tuple<uint64_t, uint64_t, std::string, std::string>;

struct Expected {
  std::set<Facts> all, defaults;
  bool global = false;
};

class Readelf : public testing::TestWithParam<std::string> {};

TEST_P(Readelf, ShowsTheSameSymbols) {
  const std::string &path = GetParam();
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not installed";
  auto file = openElf(path);
  ASSERT_TRUE(file);
  std::map<std::string, std::map<std::pair<uint64_t, std::string>, ReadelfSymbol>> expected;
  size_t defined = 0;
  for (const ReadelfSymbol &symbol : readelfSymbols(path)) {
    if (symbol.section == "UND" || symbol.name.empty() || symbol.type == "SECTION" || symbol.type == "FILE") continue;
    if (symbol.name.find("[...]") != std::string::npos) continue; // some readelf cut long names
    if (symbol.section == "ABS" && symbol.name.find('_') != std::string::npos && symbol.type == "OBJECT" &&
        symbol.address == 0)
      continue; // a version's own symbol, whose version readelf does not show
    defined++;
    auto &known = expected[symbol.name];
    // .dynsym comes first and says more; .symtab's entry of the same symbol adds nothing.
    bool again = false;
    for (auto &[key, other] : known)
      again = again ||
              (key.first == symbol.address && !symbol.dynamic &&
               (other.version == symbol.version || other.version.empty() || symbol.version.empty()) && other.dynamic);
    if (!again) known.try_emplace({symbol.address, symbol.version}, symbol);
  }
  ASSERT_GT(defined, 0U);
  std::vector<std::string> names;
  for (const auto &[name, symbols] : expected) {
    names.push_back(name);
    for (const auto &[key, symbol] : symbols)
      if (!symbol.version.empty()) names.push_back(name + "@" + symbol.version);
  }
  auto found = file->find(names);
  size_t compared = 0;
  for (size_t i = 0; i < names.size(); i++) {
    std::string name = names[i], version;
    if (size_t at = name.find('@', 1); at != std::string::npos) version = name.substr(at + 1), name.resize(at);
    std::vector<ReadelfSymbol> wanted;
    for (const auto &[key, symbol] : expected[name])
      if (version.empty() ? symbol.isDefault || symbol.version.empty() : symbol.version == version)
        wanted.push_back(symbol);
    bool global =
        std::ranges::any_of(wanted, [](const auto &s) { return s.binding == "GLOBAL" || s.binding == "UNIQUE"; });
    // Sets: constants that the linker has merged stand there once for each file that has them.
    std::set<Facts> those, these;
    for (const ReadelfSymbol &symbol : wanted)
      if (!(global && symbol.binding == "WEAK"))
        those.insert({symbol.address, symbol.size, symbol.type, symbol.version});
    for (const Symbol &symbol : found[i])
      these.insert({symbol.address.value, symbol.size, typeOf(symbol.kind), symbol.version});
    ASSERT_EQ(these, those) << names[i];
    compared += these.size();
  }
  RecordProperty("symbols", static_cast<int>(compared));
}

INSTANTIATE_TEST_SUITE_P(Programs, Readelf,
                         testing::Values(ownProgram(), "/usr/bin/git", "/usr/bin/gdb", "/bin/bash",
                                         "/lib/x86_64-linux-gnu/libc.so.6", "/lib/x86_64-linux-gnu/libm.so.6",
                                         "/lib64/ld-linux-x86-64.so.2", "/usr/lib/x86_64-linux-gnu/libstdc++.so.6",
                                         "/usr/lib/x86_64-linux-gnu/libcrypto.so.3", madeFile("shapes_pie"),
                                         madeFile("shapes_static"), madeFile("libversions.so"), madeFile("names")),
                         [](const auto &test) {
                           std::string name = std::filesystem::path(test.param).filename();
                           std::ranges::replace_if(name, [](char c) { return !isalnum(c); }, '_');
                           return name;
                         });

} // namespace
} // namespace lpc::target
