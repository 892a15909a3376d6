// Two forms of the tree: an outline for people and golden tests, and lp text again.
//
// The text form keeps the spelling of numbers (0x10 stays 0x10) and chooses one spelling for everything else: single
// blanks, no blanks around the sign of a displacement, quotes only where they were, or have to be.
#include "frontend/ast/print.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "ir/support/cat.h"
#include "ir/support/display.h"
#include "ir/support/utf8.h"

namespace lpc::ast {

namespace {

template <class... Visitors> struct Overloaded : Visitors... {
  using Visitors::operator()...;
};

std::string_view word(ir::Permission permission) {
  switch (permission) {
  case ir::Permission::R: return "r";
  case ir::Permission::RW: return "rw";
  case ir::Permission::RX: return "rx";
  case ir::Permission::RWX: return "rwx";
  }
  return "";
}

std::string spelled(const Integer &integer) {
  if (!integer.spelling.empty()) return integer.spelling;
  return cat(integer.negative ? "-" : "", integer.magnitude);
}

std::string_view textOf(const Bytes &bytes) { return {reinterpret_cast<const char *>(bytes.data()), bytes.size()}; }

// --- the outline ----------------------------------------------------------------------------------------------------

class Outline {
public:
  std::string of(const File &file) {
    for (const Statement &statement : file.statements)
      std::visit([&](const auto &what) { this->statement(what, statement.place); }, statement.what);
    return std::move(out_);
  }

private:
  void line(size_t depth, std::string_view text, const Place &place) {
    out_.append(depth * 2, ' ');
    out_ += text;
    if (place.known()) out_ += cat(" ", place.line, ":", place.column, "-", place.endLine, ":", place.endColumn);
    out_ += '\n';
  }

  void name(size_t depth, std::string_view role, const Name &name) {
    line(depth, cat(role, " ", name.quoted ? quoted(name.text) : name.text), name.place);
  }
  void integer(size_t depth, std::string_view role, const Integer &integer) {
    line(depth, cat(role, " ", spelled(integer)), integer.place);
  }
  void buildId(const std::optional<Bytes> &id) {
    if (id) line(1, cat("build-id ", toHex(*id)), {});
  }
  void permission(const std::optional<ir::Permission> &permission) {
    if (permission) line(1, cat("permission ", word(*permission)), {});
  }

  void statement(const PatchHeader &header, const Place &place) {
    line(0, "patch", place);
    name(1, "name", header.name);
    if (header.version) name(1, "version", *header.version);
  }
  void statement(const TargetHeader &header, const Place &place) {
    line(0, "target", place);
    name(1, "file", header.file);
    buildId(header.buildId);
  }
  void statement(const ObjectHeader &header, const Place &place) {
    line(0, "object", place);
    name(1, "name", header.name);
    name(1, "file", header.file);
    buildId(header.buildId);
  }
  void statement(const New &memory, const Place &place) {
    line(0, "new", place);
    name(1, "name", memory.name);
    integer(1, "size", memory.size);
    permission(memory.permission);
  }
  void statement(const Load &load, const Place &place) {
    line(0, "load", place);
    name(1, "name", load.name);
    name(1, "file", load.file);
    permission(load.permission);
  }
  void statement(const Dl &dl, const Place &place) {
    line(0, "dl", place);
    name(1, "name", dl.name);
    name(1, "file", dl.file);
    for (const With &with : dl.with) {
      name(1, "with", with.symbol);
      address(2, "address", with.address);
    }
  }
  void statement(const Dlopen &open, const Place &place) {
    line(0, "dlopen", place);
    name(1, "name", open.name);
    name(1, "file", open.file);
  }
  // Set and Expect.
  void typedValue(const char *word, const auto &statement, const Place &place) {
    line(0, word, place);
    address(1, "at", statement.at);
    line(1, cat("type ", ast::name(statement.type)), statement.typePlace);
    value("value", statement.value);
  }
  void statement(const Set &set, const Place &place) {
    typedValue("set", set, place);
    if (set.was) value("was", *set.was);
  }
  void statement(const Jmp &jmp, const Place &place) {
    line(0, "jmp", place);
    address(1, "from", jmp.from);
    address(1, "to", jmp.to);
  }
  void statement(const Hook &hook, const Place &place) {
    line(0, "hook", place);
    address(1, "function", hook.function);
    address(1, "to", hook.to);
    address(1, "original", *hook.original);
  }
  void statement(const Asm &code, const Place &place) {
    line(0, code.att ? "asm att" : "asm", place);
    if (const auto *at = std::get_if<Address>(&code.where))
      address(1, "at", *at);
    else
      name(1, "new", std::get<Name>(code.where));
    line(1, cat("text ", quoted(code.text)), code.textPlace);
  }
  void statement(const Return &statement, const Place &place) {
    line(0, "return", place);
    address(1, "function", statement.function);
    if (statement.value) integer(1, "value", *statement.value);
  }
  void statement(const Nop &nop, const Place &place) {
    line(0, "nop", place);
    address(1, "at", nop.at);
    integer(1, "size", nop.size);
  }
  void statement(const Got &got, const Place &place) {
    line(0, "got", place);
    name(1, "symbol", got.symbol);
    address(1, "to", got.to);
    if (got.object) name(1, "object", *got.object);
  }
  void statement(const Expect &expect, const Place &place) { typedValue("expect", expect, place); }
  void statement(const Quiesce &quiesce, const Place &place) {
    line(0, "quiesce", place);
    for (const Address &function : quiesce.functions)
      address(1, "function", function);
  }
  void statement(const On &on, const Place &place) {
    line(0, cat("on ", ir::name(on.moment)), place);
    address(1, "function", on.function);
    for (const Integer &argument : on.arguments)
      integer(1, "argument", argument);
  }
  void statement(const Let &let, const Place &place) {
    line(0, "let", place);
    name(1, "name", let.name);
    address(1, "address", let.address);
  }

  void value(std::string_view role, const Value &value) {
    std::visit(Overloaded{
                   [&](const Integer &integer) { line(1, cat(role, " ", spelled(integer)), value.place); },
                   [&](const Real &real) { line(1, cat(role, " ", real.spelling), value.place); },
                   [&](const Bytes &bytes) {
                     line(1, cat(role, " ", bytes.size(), " bytes", bytes.empty() ? "" : " ", toHex(bytes)),
                          value.place);
                   },
                   [&](const Address &address) { this->address(1, role, address); },
               },
               value.data);
  }

  void address(size_t depth, std::string_view role, const Address &address) {
    line(depth, role, address.place);
    std::visit([&](const auto &base) { this->base(depth + 1, base); }, address.base);
    for (const Displacement &displacement : address.displacements)
      integer(depth + 1, displacement.minus ? "minus" : "plus", displacement.value);
  }
  void base(size_t depth, const SymbolAddress &symbol) {
    if (symbol.object) name(depth, "object", *symbol.object);
    if (symbol.sourceFile) name(depth, "source", *symbol.sourceFile);
    name(depth, "symbol", symbol.symbol);
  }
  void base(size_t depth, const AbsoluteAddress &absolute) { integer(depth, "absolute", absolute.value); }
  void base(size_t depth, const ObjectAddress &object) {
    name(depth, "object", object.object);
    integer(depth, "link-address", object.value);
  }
  void base(size_t depth, const MemoryAddress &memory) {
    name(depth, "memory", memory.memory);
    std::visit(Overloaded{
                   [](std::monostate) {},
                   [&](const Name &symbol) { name(depth, "symbol", symbol); },
                   [&](const Integer &offset) { integer(depth, "offset", offset); },
               },
               memory.member);
  }
  void base(size_t depth, const LoadedAddress &loaded) { address(depth, "pointer-at", *loaded.pointer); }

  std::string out_;
};

// --- lp text --------------------------------------------------------------------------------------------------------

bool isLetter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; }
bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isOneOf(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }
bool isBlank(char c) { return isOneOf(c, " \t\r\n\f\v"); }

bool isPlainName(std::string_view text) {
  return !text.empty() && isLetter(text[0]) &&
         std::ranges::all_of(text, [](char c) { return isLetter(c) || isDigit(c); });
}
// `$name` is memory; a symbol of that name needs quotes.
bool isPlainSymbol(std::string_view text) {
  auto inside = [](char c) { return isLetter(c) || isDigit(c) || isOneOf(c, ".$@"); };
  return !text.empty() && (isLetter(text[0]) || isOneOf(text[0], ".$")) && std::ranges::all_of(text, inside) &&
         !(text[0] == '$' && isPlainName(text.substr(1)));
}
bool isPlainPrefix(std::string_view text) { // before `!` and `:`
  constexpr ptrdiff_t kMostSigns = 8;       // LivePatchWords.g4
  auto inside = [](char c) { return isLetter(c) || isDigit(c) || isOneOf(c, ".$@/+-"); };
  return !text.empty() && !isOneOf(text[0], "$@+-") && std::ranges::all_of(text, inside) &&
         std::ranges::count_if(text, [&](char c) { return isOneOf(c, "+-"); }) <= kMostSigns;
}
bool isPlainFile(std::string_view text) {
  return !text.empty() && !isOneOf(text[0], "#\"") && std::ranges::none_of(text, isBlank);
}

std::string textOf(const Name &name, bool (*isPlain)(std::string_view)) {
  return name.quoted || !isPlain(name.text) ? quoted(name.text) : name.text;
}

std::string textOf(const Address &address);

std::string textOf(const Name &name) { return textOf(name, isPlainSymbol); }

struct BaseText {
  std::string operator()(const SymbolAddress &symbol) const {
    std::string out;
    if (symbol.object) out += textOf(*symbol.object, isPlainPrefix) + "!";
    if (symbol.sourceFile) out += textOf(*symbol.sourceFile, isPlainPrefix) + ":";
    return out + textOf(symbol.symbol);
  }
  // Without a plus sign, which would make the second address of `jmp` a displacement of the first. (A minus sign would
  // too, but there are no negative addresses.)
  std::string operator()(const AbsoluteAddress &absolute) const {
    std::string text = spelled(absolute.value);
    return text.starts_with('+') ? text.substr(1) : text;
  }
  std::string operator()(const ObjectAddress &object) const {
    return cat(textOf(object.object, isPlainPrefix), "!", spelled(object.value));
  }
  std::string operator()(const MemoryAddress &memory) const {
    std::string member = std::visit(Overloaded{
                                        [](std::monostate) { return std::string(); },
                                        [](const Name &symbol) { return ":" + textOf(symbol); },
                                        [](const Integer &offset) { return ":" + spelled(offset); },
                                    },
                                    memory.member);
    return "$" + memory.memory.text + member;
  }
  std::string operator()(const LoadedAddress &loaded) const { return "[" + textOf(*loaded.pointer) + "]"; }
};

std::string textOf(const Address &address) {
  std::string out = std::visit(BaseText{}, address.base);
  for (const Displacement &displacement : address.displacements)
    out += (displacement.minus ? "-" : "+") + spelled(displacement.value);
  return out;
}

// `str` takes the rest of the line as it stands, so not every value can be written with it.
bool isPlainStr(std::string_view text) {
  return text.empty() || (!isBlank(text[0]) && text.back() != '\r' && text.find('\n') == std::string_view::npos &&
                          validPrefix(text) == text.size());
}

// The type that the value can be written with.
Type writable(Type type, const Value &value) {
  const auto *bytes = std::get_if<Bytes>(&value.data);
  return type == Type::Str && bytes != nullptr && !isPlainStr(textOf(*bytes)) ? Type::Text : type;
}

std::string textOf(Type type, const Value &value) {
  return std::visit(Overloaded{
                        [](const Integer &integer) { return spelled(integer); },
                        [](const Real &real) { return real.spelling; },
                        [&](const Bytes &bytes) {
                          std::string_view text = textOf(bytes);
                          if (type == Type::Hex) return toHex(bytes);
                          if (type == Type::Str) return std::string(text);
                          if (type == Type::Cstr && text.ends_with('\0')) text.remove_suffix(1);
                          return quoted(text);
                        },
                        [](const Address &address) { return textOf(address); },
                    },
                    value.data);
}

std::string textOf(const std::optional<Bytes> &buildId) { return buildId ? cat(" build-id ", toHex(*buildId)) : ""; }
std::string textOf(const std::optional<ir::Permission> &permission) {
  return permission ? cat(" ", word(*permission)) : "";
}

struct StatementText {
  std::string operator()(const PatchHeader &header) const {
    return cat("patch ", textOf(header.name, isPlainName),
               header.version ? " version " + quoted(header.version->text) : "");
  }
  std::string operator()(const TargetHeader &header) const {
    return cat("target ", textOf(header.file, isPlainFile), textOf(header.buildId));
  }
  std::string operator()(const ObjectHeader &header) const {
    return cat("object ", header.name.text, " = ", textOf(header.file, isPlainFile), textOf(header.buildId));
  }
  std::string operator()(const New &memory) const {
    return cat("new ", memory.name.text, " ", spelled(memory.size), textOf(memory.permission));
  }
  std::string operator()(const Load &load) const {
    return cat("load ", load.name.text, " ", textOf(load.file, isPlainFile), textOf(load.permission));
  }
  std::string operator()(const Dl &dl) const {
    std::string out = cat("dl ", dl.name.text, " ", textOf(dl.file, isPlainFile));
    std::string_view separator = " with ";
    for (const With &with : dl.with) {
      out += cat(separator, textOf(with.symbol), " = ", textOf(with.address));
      separator = ", ";
    }
    return out;
  }
  std::string operator()(const Dlopen &open) const {
    return cat("dlopen ", open.name.text, " ", textOf(open.file, isPlainFile));
  }
  std::string operator()(const Set &set) const {
    Type type = writable(set.type, set.value);
    std::string out = cat("set ", textOf(set.at), " ", name(type), " ", textOf(type, set.value));
    if (set.was) out += " was " + textOf(type, *set.was);
    return out;
  }
  std::string operator()(const Jmp &jmp) const { return cat("jmp ", textOf(jmp.from), " ", textOf(jmp.to)); }
  std::string operator()(const Hook &hook) const {
    return cat("hook ", textOf(hook.function), " ", textOf(hook.to), " original ", textOf(*hook.original));
  }
  std::string operator()(const Asm &code) const {
    const auto *at = std::get_if<Address>(&code.where);
    return cat("asm ", code.att ? "att " : "", at ? textOf(*at) : "new " + std::get<Name>(code.where).text, " {",
               code.text, "}");
  }
  std::string operator()(const Return &statement) const {
    return cat("return ", textOf(statement.function), statement.value ? " " + spelled(*statement.value) : "");
  }
  std::string operator()(const Nop &nop) const {
    // A sign would make the size a displacement.
    std::string size = spelled(nop.size);
    return cat("nop ", textOf(nop.at), " ", size.starts_with('+') ? size.substr(1) : size);
  }
  std::string operator()(const Got &got) const {
    return cat("got ", textOf(got.symbol), " ", textOf(got.to),
               got.object ? " in " + textOf(*got.object, isPlainPrefix) : "");
  }
  std::string operator()(const Expect &expect) const {
    Type type = writable(expect.type, expect.value);
    return cat("expect ", textOf(expect.at), " ", name(type), " ", textOf(type, expect.value));
  }
  std::string operator()(const On &on) const {
    std::string out = cat("on ", ir::name(on.moment), " call ", textOf(on.function));
    for (const Integer &argument : on.arguments)
      out += " " + spelled(argument);
    return out;
  }
  std::string operator()(const Quiesce &quiesce) const {
    std::string out = "quiesce";
    std::string_view separator = " ";
    for (const Address &function : quiesce.functions) {
      out += cat(separator, textOf(function));
      separator = ", ";
    }
    return out;
  }
  std::string operator()(const Let &let) const { return cat("let ", let.name.text, " = ", textOf(let.address)); }
};

} // namespace

std::string outline(const File &file) { return Outline().of(file); }

std::string statementText(const Statement &statement) { return std::visit(StatementText{}, statement.what); }

} // namespace lpc::ast
