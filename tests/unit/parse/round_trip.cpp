// statementText() and parse() are inverses: random trees, written and read again, are the same but for places.
#include <gtest/gtest.h>

#include "parse_helpers.h"
#include "random_statements.h"

namespace lpc {
namespace {

using namespace ast;

// --- a tree without places ------------------------------------------------------------------------------------------

void forget(Name &name) { name.place = {}; }
void forget(Integer &integer) { integer.place = {}; }
void forget(Address &address);
void forget(ObjectAddress &address);
void forget(MemoryAddress &address);
void forget(Value &value);
template <class T> void forget(std::optional<T> &value) {
  if (value) forget(*value);
}
template <class T> void forget(Seldom<T> &value) {
  if (value) forget(*value);
}
template <class T> void forget(Boxed<T> &value) { forget(*value); }
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
void forget(Dlopen &open) {
  forget(open.name);
  forget(open.file);
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
void forget(Return &statement) {
  forget(statement.function);
  forget(statement.value);
}
void forget(Nop &nop) {
  forget(nop.at);
  forget(nop.size);
}
void forget(Got &got) {
  forget(got.symbol);
  forget(got.to);
  forget(got.object);
}
void forget(Expect &expect) {
  forget(expect.at);
  expect.typePlace = {};
  forget(expect.value);
}
void forget(Quiesce &quiesce) {
  for (Address &function : quiesce.functions)
    forget(function);
}
void forget(On &on) {
  forget(on.function);
  for (Integer &argument : on.arguments)
    forget(argument);
}
void forget(Let &let) {
  forget(let.name);
  forget(let.address);
}
Statement withoutPlaces(Statement statement) {
  statement.place = {};
  std::visit([](auto &what) { forget(what); }, statement.what);
  return statement;
}

TEST(RoundTrip, RandomStatements) {
  test::RandomStatements generator(4);
  for (int i = 0; i < 100'000; i++) {
    Statement made = generator.statement();
    std::string text = statementText(made);
    ASSERT_EQ(text.find('\n'), std::string::npos) << text;
    auto parsed = test::parseText(text);
    ASSERT_EQ(test::summary(parsed.diagnostics), "") << text;
    ASSERT_EQ(parsed.file.statements.size(), 1U) << text;
    ASSERT_EQ(withoutPlaces(parsed.file.statements.front()), made)
        << text << "\n"
        << outline({{made}}) << outline({{withoutPlaces(parsed.file.statements.front())}});
    ASSERT_EQ(statementText(parsed.file.statements.front()), text);
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
    const auto &set = std::get<Set>(parsed.file.statements.front().what);
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
