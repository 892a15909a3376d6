// Random statements of the language, as trees without places.
#pragma once

#include <random>

#include "frontend/ast/ast.h"

namespace lpc::test {

using namespace ast;

class RandomStatements {
public:
  explicit RandomStatements(unsigned seed) : random_(seed) {}

  Statement statement() {
    switch (below(18)) {
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
    case 17: return {.what = Dlopen{name(), file()}};
    case 6: return {.what = set()};
    case 7: {
      Address function = address(3);
      function.displacements.clear();
      return {.what = Return{std::move(function), maybe([&] { return integer(); })}};
    }
    case 8: return {.what = Nop{address(3), positive()}};
    case 9: {
      Set made = set();
      return {.what = Expect{made.at, made.type, {}, made.value}};
    }
    case 10: {
      Quiesce quiesce;
      for (size_t i = 1 + below(3); i > 0; i--)
        quiesce.functions.push_back(address(2));
      return {.what = std::move(quiesce)};
    }
    case 11: return {.what = Let{name(), address(3)}};
    case 16: {
      On on{static_cast<ir::Moment>(below(4)), address(3), {}};
      for (size_t i = below(4); i > 0; i--)
        on.arguments.push_back(integer());
      return {.what = std::move(on)};
    }
    case 14: {
      std::string text = from("mov ,1;[]$+:\t", 12) + (below(2) == 0 ? "{k1}" : "\"}\"");
      Asm code{below(2) == 0, name(), text, {}};
      if (below(2) == 0) code.where = address(2);
      return {.what = std::move(code)};
    }
    case 13: return {.what = Hook{address(3), address(3), address(2)}};
    case 12: return {.what = Got{symbol(), address(2), maybe([&] { return prefix(); })}};
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
    constexpr std::string_view kWords[] = {"set", "int", "was",     "with", "str",      "addr",
                                           "jmp", "r",   "version", "nan",  "original", "in"};
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
  Integer positive() {
    Integer out = integer();
    return out.negative || out.spelling[0] == '+' ? Integer{false, 8, "010"} : out;
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
        std::get<Boxed<MemoryAddress>>(out.base)->member = symbol();
      else if (kind == 2)
        std::get<Boxed<MemoryAddress>>(out.base)->member = integer();
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

} // namespace lpc::test
