// statementText() and parse() are inverses: random trees, written and read again, are the same but for places.
#include <gtest/gtest.h>

#include <random>

#include "parse_helpers.h"

namespace lpc {
namespace {

using namespace ast;

// --- a tree without places ------------------------------------------------------------------------------------------

void forget(Name &name) { name.place = {}; }
void forget(Integer &integer) { integer.place = {}; }
void forget(Address &address);
void forget(Value &value);
template <class T> void forget(std::optional<T> &value) {
  if (value) forget(*value);
}
void forget(std::monostate &) {}
void forget(Real &) {}
void forget(Bytes &) {}
void forget(SymbolAddress &address) {
  forget(address.object);
  forget(address.sourceFile);
  forget(address.symbol);
}
void forget(AbsoluteAddress &address) { forget(address.value); }
void forget(ObjectAddress &address) {
  forget(address.object);
  forget(address.value);
}
void forget(MemoryAddress &address) {
  forget(address.memory);
  std::visit([](auto &member) { forget(member); }, address.member);
}
void forget(LoadedAddress &address) {
  Address inner = *address.pointer;
  forget(inner);
  address.pointer = std::make_shared<Address>(std::move(inner));
}
void forget(Address &address) {
  address.place = {};
  std::visit([](auto &base) { forget(base); }, address.base);
  for (Displacement &displacement : address.displacements)
    forget(displacement.value);
}
void forget(Value &value) {
  value.place = {};
  std::visit([](auto &data) { forget(data); }, value.data);
}
void forget(PatchHeader &header) {
  forget(header.name);
  forget(header.version);
}
void forget(TargetHeader &header) { forget(header.file); }
void forget(ObjectHeader &header) {
  forget(header.name);
  forget(header.file);
}
void forget(New &memory) {
  forget(memory.name);
  forget(memory.size);
}
void forget(Load &load) {
  forget(load.name);
  forget(load.file);
}
void forget(Dl &dl) {
  forget(dl.name);
  forget(dl.file);
  for (With &with : dl.with) {
    forget(with.symbol);
    forget(with.address);
  }
}
void forget(Set &set) {
  forget(set.at);
  set.typePlace = {};
  forget(set.value);
  forget(set.was);
}
void forget(Jmp &jmp) {
  forget(jmp.from);
  forget(jmp.to);
}
void forget(Hook &hook) {
  forget(hook.function);
  forget(hook.to);
  forget(hook.original);
}
void forget(Asm &code) {
  std::visit([](auto &where) { forget(where); }, code.where);
  code.textPlace = {};
}
Statement withoutPlaces(Statement statement) {
  statement.place = {};
  std::visit([](auto &what) { forget(what); }, statement.what);
  return statement;
}

// --- random trees ---------------------------------------------------------------------------------------------------

class Generator {
public:
  explicit Generator(unsigned seed) : random_(seed) {}

  Statement statement() {
    switch (below(10)) {
    case 0: return {.what = PatchHeader{anyName(false), maybe([&] { return quotedName(); })}};
    case 1: return {.what = TargetHeader{file(), maybe([&] { return bytes(1); })}};
    case 2: return {.what = ObjectHeader{name(), file(), maybe([&] { return bytes(1); })}};
    case 3: return {.what = New{name(), integer(), permission()}};
    case 4: return {.what = Load{name(), file(), permission()}};
    case 5: {
      Dl dl{name(), file(), {}};
      for (size_t i = below(4); i > 0; i--)
        dl.with.push_back({symbol(), address(2)});
      return {.what = std::move(dl)};
    }
    case 6: return {.what = set()};
    case 8: {
      std::string text = from("mov ,1;[]$+:\t", 12) + (below(2) == 0 ? "{k1}" : "\"}\"");
      Asm code{below(2) == 0, name(), text, {}};
      if (below(2) == 0) code.where = address(2);
      return {.what = std::move(code)};
    }
    case 7: return {.what = Hook{address(3), address(3), address(2)}};
    default: return {.what = Jmp{address(3), address(3)}};
    }
  }

private:
  size_t below(size_t end) { return std::uniform_int_distribution<size_t>(0, end - 1)(random_); }
  std::string from(std::string_view characters, size_t most) {
    std::string out;
    for (size_t i = below(most + 1); i > 0; i--)
      out += characters[below(characters.size())];
    return out;
  }
  template <class Make> auto maybe(Make make) -> std::optional<decltype(make())> {
    if (below(2) == 0) return std::nullopt;
    return make();
  }

  static constexpr std::string_view kLetters = "abzAZ_";
  static constexpr std::string_view kInName = "abzAZ_059";
  static constexpr std::string_view kInSymbol = "abzAZ_059.$@";

  std::string keyword() {
    constexpr std::string_view kWords[] = {"set", "int", "was",     "with", "str",     "addr",
                                           "jmp", "r",   "version", "nan",  "original"};
    return std::string(kWords[below(std::size(kWords))]);
  }
  Name name() {
    if (below(4) == 0) return {keyword()};
    return {from(kLetters, 0) + kLetters[below(kLetters.size())] + from(kInName, 6)};
  }
  Name quotedName() {
    std::string text = from("a b\"\\\n\t#[]!:$\x01\x7f\xff\xc3\xa9\xe2\x82\xac", 12);
    return {text + "x", true};
  }
  Name anyName(bool isSymbol) {
    if (below(3) == 0) return quotedName();
    return isSymbol ? symbol() : name();
  }
  Name symbol() {
    switch (below(4)) {
    case 0: return quotedName();
    case 1: return {keyword()};
    case 2: return {std::string(1, ".$"[below(2)]) + "x." + from(kInSymbol, 6)};
    default: return {std::string(1, kLetters[below(kLetters.size())]) + from(kInSymbol, 8)};
    }
  }
  Name prefix() { // an object or a source file
    if (below(4) == 0) return quotedName();
    return {std::string(1, "aZ_./5"[below(6)]) + from("abz059.$@/+-", 8)}; // at most 8 signs
  }
  Name file() {
    if (below(3) == 0) return quotedName();
    if (below(4) == 0) return {keyword()};
    return {std::string(1, "aZ_./5=[$"[below(9)]) + from("abz059.$@/+-#\"=\\", 8)};
  }
  Integer integer() {
    constexpr std::string_view kSpellings[] = {"0", "5", "+5", "0x1F", "017", "0b1_0", "18446744073709551615", "1_000"};
    constexpr uint64_t kMagnitudes[] = {0, 5, 5, 31, 15, 2, UINT64_MAX, 1000};
    size_t i = below(std::size(kSpellings));
    bool negative = kSpellings[i][0] != '+' && below(3) == 0;
    return {negative, kMagnitudes[i], (negative ? "-" : "") + std::string(kSpellings[i])};
  }
  Real real() {
    constexpr std::string_view kSpellings[] = {"1.5", "-2e-3", "0x1.8p3", "nan", "-inf", "7"};
    return {0, std::string(kSpellings[below(std::size(kSpellings))])}; // compared by spelling
  }
  Bytes bytes(size_t least) {
    Bytes out;
    for (size_t i = least + below(6); i > 0; i--)
      out.push_back(static_cast<uint8_t>(below(256)));
    return out;
  }
  std::optional<ir::Permission> permission() {
    return maybe([&] { return static_cast<ir::Permission>(below(4)); });
  }
  Address address(size_t depth) {
    Address out;
    switch (below(depth > 0 ? 5 : 4)) {
    case 0: out.base = AbsoluteAddress{{false, 31, below(2) == 0 ? "31" : "0x1F"}}; break;
    case 1: out.base = ObjectAddress{prefix(), integer()}; break;
    case 2:
      out.base = MemoryAddress{name(), {}};
      if (size_t kind = below(3); kind == 1)
        std::get<MemoryAddress>(out.base).member = symbol();
      else if (kind == 2)
        std::get<MemoryAddress>(out.base).member = integer();
      break;
    case 3: out.base = SymbolAddress{maybe([&] { return prefix(); }), maybe([&] { return prefix(); }), symbol()}; break;
    default: out.base = LoadedAddress{std::make_shared<Address>(address(depth - 1))};
    }
    for (size_t i = below(3); i > 0; i--)
      out.displacements.push_back({below(2) == 0, integer()});
    return out;
  }
  Value value(Type type) {
    switch (type) {
    case Type::F32:
    case Type::F64: return {real(), {}};
    case Type::Str: {
      std::string text = "x" + from("a b\"\\\t#[]!:$\x01\x7f", 8) + "é";
      return {Bytes(text.begin(), text.end()), {}};
    }
    case Type::Text: return {bytes(0), {}};
    case Type::Cstr: {
      Bytes out = bytes(0);
      out.push_back(0);
      return {out, {}};
    }
    case Type::Hex: return {bytes(1), {}};
    case Type::Addr: return {address(2), {}};
    default: return {integer(), {}};
    }
  }
  Set set() {
    auto type = static_cast<Type>(below(static_cast<size_t>(Type::Addr) + 1));
    Set out{.at = address(3), .type = type, .value = value(type)};
    if (type != Type::Str) out.was = maybe([&] { return value(type); });
    return out;
  }

  std::mt19937 random_;
};

TEST(RoundTrip, RandomStatements) {
  Generator generator(4);
  for (int i = 0; i < 20000; i++) {
    Statement made = generator.statement();
    std::string text = statementText(made);
    ASSERT_EQ(text.find('\n'), std::string::npos) << text;
    auto parsed = test::parseText(text);
    ASSERT_EQ(test::summary(parsed.diagnostics), "") << text;
    ASSERT_EQ(parsed.file.statements.size(), 1U) << text;
    ASSERT_EQ(withoutPlaces(parsed.file.statements[0]), made)
        << text << "\n"
        << outline({{made}}) << outline({{withoutPlaces(parsed.file.statements[0])}});
    ASSERT_EQ(statementText(parsed.file.statements[0]), text);
  }
}

TEST(RoundTrip, ValuesThatStrCannotWriteBecomeText) {
  for (const char *value : {"a\nb", " a", "a\r", "\xff"}) {
    std::string text(value);
    Statement made{.what = Set{.at = {.base = SymbolAddress{.symbol = {"x"}}},
                               .type = Type::Str,
                               .value = {Bytes(text.begin(), text.end()), {}}}};
    auto parsed = test::parseText(statementText(made));
    ASSERT_EQ(parsed.file.statements.size(), 1U) << statementText(made);
    const auto &set = std::get<Set>(parsed.file.statements[0].what);
    EXPECT_EQ(set.type, Type::Text);
    EXPECT_EQ(set.value.data, std::get<Set>(made.what).value.data);
  }
}

TEST(RoundTrip, NamesOfTypes) {
  for (unsigned i = 0; i <= static_cast<unsigned>(Type::Addr); i++)
    EXPECT_EQ(typeNamed(name(static_cast<Type>(i))), static_cast<Type>(i));
  EXPECT_EQ(typeNamed("Int"), std::nullopt);
  EXPECT_EQ(typeNamed(""), std::nullopt);
}

TEST(RoundTrip, LoadedAddressesCompareByWhatTheyPointTo) {
  auto pointer = [](const char *symbol) {
    return LoadedAddress{std::make_shared<Address>(Address{.base = SymbolAddress{.symbol = {symbol}}})};
  };
  EXPECT_EQ(pointer("a"), pointer("a"));
  EXPECT_NE(pointer("a"), pointer("b"));
}

} // namespace
} // namespace lpc
