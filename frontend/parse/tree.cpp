// Reads ANTLR's parse tree, one function a rule of LivePatch.g4, by the position of each child: the rule stands above
// the function. The generated accessors (`node.address(0)`) search all children with dynamic_cast, which took a sixth
// of the parser's time; a visitor returns antlrcpp::Any and would be three times as long. Texts are cut out of the
// source.
#include "frontend/parse/tree.h"

#include <utility>

#include "LivePatch.h"
#include "frontend/parse/literals.h"
#include "frontend/parse/words.h"
#include "ir/support/result.h"

namespace lpc::parsing {

namespace {

using Grammar = grammar::LivePatch;

using Node = antlr4::ParserRuleContext;

class Reader {
public:
  Reader(const Words &words, Diagnostics &diagnostics) : words_(words), diagnostics_(diagnostics) {}

  // statement : patchHeader | targetHeader | …
  ast::Statement statement(Node &node) { return {.what = what(child(node, 0)), .place = place(node)}; }

  [[nodiscard]] bool failed() const { return failed_; }

private:
  using What = decltype(ast::Statement::what);

  What what(Node &node) {
    switch (node.getRuleIndex()) {
    case Grammar::RulePatchHeader: return patchHeader(node);
    case Grammar::RuleTargetHeader: return targetHeader(node);
    case Grammar::RuleObjectHeader: return objectHeader(node);
    case Grammar::RuleNewMemory: return newMemory(node);
    case Grammar::RuleLoadMemory: return loadMemory(node);
    case Grammar::RuleLinkObject: return linkObject(node);
    case Grammar::RuleOpenObject: return openObject(node);
    case Grammar::RuleSetValue: return setValue(node);
    case Grammar::RuleJump: return jump(node);
    case Grammar::RuleHook: return hook(node);
    case Grammar::RuleAssembly: return assembly(node);
    case Grammar::RuleReturnFunction: return returnFunction(node);
    case Grammar::RuleNoOps: return noOps(node);
    case Grammar::RuleBindImport: return bindImport(node);
    case Grammar::RuleExpectValue: return expectValue(node);
    case Grammar::RuleQuiesce: return quiesce(node);
    case Grammar::RuleCallFunction: return callFunction(node);
    case Grammar::RuleLetAddress: return letAddress(node);
    default: bug(__FILE__, __LINE__, "a statement of the grammar that the reader does not know");
    }
  }

  // --- statements ---------------------------------------------------------------------------------------------------

  // patchHeader : PATCH (NAME | STRING) (VERSION STRING)?
  ast::PatchHeader patchHeader(Node &node) {
    ast::PatchHeader out{.name = anyName(word(node, 1))};
    if (has(node, 2)) out.version = quotedText(word(node, 3));
    return out;
  }

  // targetHeader : TARGET fileName (BUILD_ID hexBytes)?
  ast::TargetHeader targetHeader(Node &node) {
    ast::TargetHeader out{.file = onlyName(child(node, 1))};
    if (has(node, 2)) out.buildId = hexBytes(child(node, 3));
    return out;
  }

  // objectHeader : OBJECT NAME EQUALS fileName (BUILD_ID hexBytes)?
  ast::ObjectHeader objectHeader(Node &node) {
    ast::ObjectHeader out{.name = plainName(word(node, 1)), .file = onlyName(child(node, 3))};
    if (has(node, 4)) out.buildId = hexBytes(child(node, 5));
    return out;
  }

  // newMemory : NEW NAME INT PERMISSION?
  ast::New newMemory(Node &node) {
    ast::New out{.name = plainName(word(node, 1)), .size = integer(word(node, 2))};
    if (has(node, 3)) out.permission = permission(word(node, 3));
    return out;
  }

  // loadMemory : LOAD NAME fileName PERMISSION?
  ast::Load loadMemory(Node &node) {
    ast::Load out{.name = plainName(word(node, 1)), .file = onlyName(child(node, 2))};
    if (has(node, 3)) out.permission = permission(word(node, 3));
    return out;
  }

  // openObject : DLOPEN NAME fileName
  ast::Dlopen openObject(Node &node) { return {.name = plainName(word(node, 1)), .file = onlyName(child(node, 2))}; }

  // linkObject : DL NAME fileName (WITH binding (COMMA binding)*)?
  // binding    : symbol EQUALS address
  ast::Dl linkObject(Node &node) {
    ast::Dl out{.name = plainName(word(node, 1)), .file = onlyName(child(node, 2))};
    for (size_t i = 4; has(node, i); i += 2) {
      Node &binding = child(node, i);
      out.with.push_back({onlyName(child(binding, 0)), address(child(binding, 2))});
    }
    return out;
  }

  // setValue   : SET address typedValue
  // typedValue : TYPE value (WAS value)?, but STR_TYPE REST?
  ast::Set setValue(Node &node) {
    Node &typed = child(node, 2);
    ast::Set out{.at = address(child(node, 1))};
    typedValue(typed, out.type, out.typePlace, out.value);
    if (has(typed, 2)) out.was = value(typed, 3, out.type);
    return out;
  }

  // jump : JMP address address
  ast::Jmp jump(Node &node) { return {.from = address(child(node, 1)), .to = address(child(node, 2))}; }

  // hook : HOOK address address ORIGINAL address
  ast::Hook hook(Node &node) {
    return {.function = address(child(node, 1)), .to = address(child(node, 2)), .original = address(child(node, 4))};
  }

  // assembly : ASM ATT? (NEW NAME | address) LBRACE
  ast::Asm assembly(Node &node) {
    ast::Asm out;
    size_t index = 1;
    if (isWord(node, index, Grammar::ATT)) out.att = true, index++;
    if (isWord(node, index, Grammar::NEW))
      out.where = plainName(word(node, index + 1));
    else
      out.where = address(child(node, index));
    return out; // parse() adds the text
  }

  // returnFunction : RETURN base ((PLUS | MINUS)? INT)?
  ast::Return returnFunction(Node &node) {
    Node &function = child(node, 1);
    ast::Return out{.function = {.base = base(function), .displacements = {}, .place = place(function)}, .value = {}};
    if (has(node, 3))
      out.value = signedInteger(word(node, 2), word(node, 3), out.function.place);
    else if (has(node, 2))
      out.value = integer(word(node, 2));
    return out;
  }

  // `f -1` is a function and a number, `f-1` and `f - 1` are neither.
  ast::Integer signedInteger(const Word &sign, const Word &digits, const Place &function) {
    ast::Integer out = integer(digits);
    bool apart = sign.place.column > function.endColumn && sign.place.endColumn == digits.place.column;
    if (!apart || out.negative || digits.text.starts_with('+'))
      fail({DiagnosticId::SyntaxError, "`return` takes a function, which has no displacement", 0, sign.text.size(),
            "a negative result stands apart from the function: `return FUNCTION -1`"},
           sign);
    out.negative = sign.kind == Grammar::MINUS;
    out.spelling = std::string(sign.text) + out.spelling;
    out.place = join(sign.place, digits.place);
    return out;
  }

  // noOps : NOP address INT
  ast::Nop noOps(Node &node) { return {.at = address(child(node, 1)), .size = integer(word(node, 2))}; }

  // bindImport : GOT symbol address (IN objectName)?
  ast::Got bindImport(Node &node) {
    ast::Got out{.symbol = onlyName(child(node, 1)), .to = address(child(node, 2)), .object = {}};
    if (has(node, 3)) out.object = onlyName(child(node, 4));
    return out;
  }

  // expectValue : EXPECT address statedValue
  ast::Expect expectValue(Node &node) {
    ast::Expect out{.at = address(child(node, 1))};
    typedValue(child(node, 2), out.type, out.typePlace, out.value);
    return out;
  }

  // quiesce : QUIESCE address (COMMA address)*
  ast::Quiesce quiesce(Node &node) {
    ast::Quiesce out;
    for (size_t i = 1; has(node, i); i += 2)
      out.functions.push_back(address(child(node, i)));
    return out;
  }

  // callFunction : ON MOMENT CALL base ((PLUS | MINUS)? INT)*
  ast::On callFunction(Node &node) {
    ast::On out;
    std::string_view moment = word(node, 1).text;
    using enum ir::Moment;
    for (ir::Moment each : {PreApply, PostApply, PreRevert, PostRevert})
      if (ir::name(each) == moment) out.moment = each;
    Node &function = child(node, 3);
    out.function = {.base = base(function), .displacements = {}, .place = place(function)};
    Place before = out.function.place;
    for (size_t i = 4; has(node, i); i++) {
      Word first = word(node, i);
      if (first.kind == Grammar::INT) {
        out.arguments.push_back(integer(first));
      } else {
        Word digits = word(node, ++i);
        bool apart = first.place.column > before.endColumn && first.place.endColumn == digits.place.column;
        if (out.arguments.empty() && !apart) {
          out.function.displacements.push_back({first.kind == Grammar::MINUS, integer(digits)});
          out.function.place = join(out.function.place, digits.place);
        } else {
          out.arguments.push_back(signedArgument(first, digits, apart));
        }
      }
      before = word(node, i).place;
    }
    return out;
  }

  ast::Integer signedArgument(const Word &sign, const Word &digits, bool apart) {
    ast::Integer out = integer(digits);
    if (!apart || out.negative || digits.text.starts_with('+'))
      fail({DiagnosticId::SyntaxError, "an argument is a number, not a sum", 0, sign.text.size(),
            "a negative argument stands apart from what is before it: `call FUNCTION 1 -1`"},
           sign);
    out.negative = sign.kind == Grammar::MINUS;
    out.spelling = std::string(sign.text) + out.spelling;
    out.place = join(sign.place, digits.place);
    return out;
  }

  // letAddress : LET NAME EQUALS address
  ast::Let letAddress(Node &node) { return {.name = plainName(word(node, 1)), .address = address(child(node, 3))}; }

  // --- values -------------------------------------------------------------------------------------------------------

  // TYPE value, but STR_TYPE REST?
  void typedValue(Node &typed, ast::Type &type, Place &typePlace, ast::Value &out) {
    Word typeWord = word(typed, 0);
    auto named = ast::typeNamed(typeWord.text);
    LPC_CHECK(named.has_value());
    type = *named;
    typePlace = typeWord.place;
    if (has(typed, 1)) {
      out = value(typed, 1, type);
    } else { // `str` and the end of the line
      Place end = typeWord.place;
      end.column = end.endColumn;
      out = {Bytes{}, end};
    }
  }

  // The child of `typed` at `index`: a word or, for `hex` and `addr`, a rule.
  ast::Value value(Node &typed, size_t index, ast::Type type) {
    using enum ast::Type;
    switch (type) {
    case Int:
    case I8:
    case I16:
    case I32:
    case I64:
    case U8:
    case U16:
    case U32:
    case U64: return {integer(word(typed, index)), word(typed, index).place};
    case F32:
    case F64: {
      Word number = word(typed, index);
      return {take(readReal(number.text), number), number.place};
    }
    case Str: {
      Word rest = word(typed, index);
      return {Bytes(rest.text.begin(), rest.text.end()), rest.place};
    }
    case Text:
    case Cstr: {
      Word literal = word(typed, index);
      std::string content = take(readString(literal.text), literal);
      if (type == Cstr) content += '\0';
      return {Bytes(content.begin(), content.end()), literal.place};
    }
    case Hex: return {hexBytes(child(typed, index)), place(child(typed, index))};
    case Addr: return {address(child(typed, index)), place(child(typed, index))};
    }
    bug(__FILE__, __LINE__, "a type that the reader does not know");
  }

  ast::Integer integer(const Word &word) {
    ast::Integer out = take(readInteger(word.text), word);
    out.place = word.place;
    return out;
  }

  // hexBytes : HEX+
  Bytes hexBytes(Node &node) {
    Bytes out;
    for (size_t i = 0; has(node, i); i++) {
      Bytes run = take(readHex(word(node, i).text), word(node, i));
      out.insert(out.end(), run.begin(), run.end());
    }
    return out;
  }

  static ir::Permission permission(const Word &word) {
    if (word.text == "r") return ir::Permission::R;
    if (word.text == "rw") return ir::Permission::RW;
    if (word.text == "rx") return ir::Permission::RX;
    LPC_CHECK(word.text == "rwx");
    return ir::Permission::RWX;
  }

  // --- addresses ----------------------------------------------------------------------------------------------------

  // address      : base displacement*
  // displacement : (PLUS | MINUS) INT
  ast::Address address(Node &node) { // calls itself as deep as parse() lets brackets be
    ast::Address out{.base = base(child(node, 0)), .place = place(node)};
    for (size_t i = 1; has(node, i); i++) {
      Node &displacement = child(node, i);
      out.displacements.push_back({word(displacement, 0).kind == Grammar::MINUS, integer(word(displacement, 1))});
    }
    return out;
  }

  // base : INT | SOURCE_OF? symbol | OBJECT_OF (INT | SOURCE_OF? symbol) | MEMORY | MEMORY_OF (INT | symbol)
  //      | LBRACKET address RBRACKET
  decltype(ast::Address::base) base(Node &node) {
    Word first = words_.word(*node.getStart());
    bool numbered = words_.word(*node.getStop()).kind == Grammar::INT;
    switch (first.kind) {
    case Grammar::LBRACKET: return ast::LoadedAddress{std::make_shared<ast::Address>(address(child(node, 1)))};
    case Grammar::INT: return ast::AbsoluteAddress{integer(first)};
    case Grammar::MEMORY: return ast::MemoryAddress{memoryName(first, 0), {}};
    case Grammar::MEMORY_OF: {
      ast::MemoryAddress out{memoryName(first, 1), {}};
      if (numbered)
        out.member = integer(word(node, 1));
      else
        out.member = onlyName(child(node, 1));
      return out;
    }
    case Grammar::OBJECT_OF:
      if (numbered) return ast::ObjectAddress{qualifier(first), integer(word(node, 1))};
      return symbolAddress(node, qualifier(first), 1);
    default: return symbolAddress(node, std::nullopt, 0);
    }
  }

  // SOURCE_OF? symbol, from child `index` on
  ast::SymbolAddress symbolAddress(Node &node, std::optional<ast::Name> object, size_t index) {
    ast::SymbolAddress out{.object = std::move(object)};
    if (has(node, index + 1)) out.sourceFile = qualifier(word(node, index++));
    out.symbol = onlyName(child(node, index));
    return out;
  }

  // --- names --------------------------------------------------------------------------------------------------------

  ast::Name plainName(const Word &word) { return {std::string(word.text), false, word.place}; }

  ast::Name quotedName(const Word &word) {
    ast::Name out{take(readString(word.text), word), true, word.place};
    if (failed_) return out;
    if (out.text.empty())
      fail({DiagnosticId::BadString, "a name cannot be empty", 0, word.text.size()}, word);
    else if (out.text.find('\0') != std::string::npos)
      fail({DiagnosticId::BadString, "a name cannot have a zero byte in it", 0, word.text.size()}, word);
    return out;
  }

  // The version of `patch` is free text.
  ast::Name quotedText(const Word &word) { return {take(readString(word.text), word), true, word.place}; }

  ast::Name anyName(const Word &word) { return word.text.starts_with('"') ? quotedName(word) : plainName(word); }

  // symbol   : SYMBOL | STRING
  // fileName : FILE | STRING
  // objectName : OBJECT_NAME | STRING
  ast::Name onlyName(Node &node) { return anyName(word(node, 0)); }

  // OBJECT!, FILE.c: without its last character.
  ast::Name qualifier(Word word) {
    word.text.remove_suffix(1);
    word.place.endColumn--;
    return anyName(word);
  }

  // $NAME, or $NAME: with one character behind it.
  ast::Name memoryName(Word word, size_t behind) {
    word.text.remove_prefix(1);
    word.place.column++;
    word.text.remove_suffix(behind);
    word.place.endColumn -= static_cast<uint32_t>(behind);
    return plainName(word);
  }

  // --- words --------------------------------------------------------------------------------------------------------

  static bool has(const Node &node, size_t index) { return index < node.children.size(); }

  static Node &child(Node &node, size_t index) {
    LPC_CHECK(has(node, index));
    return static_cast<Node &>(*node.children[index]);
  }

  static bool isWord(const Node &node, size_t index, size_t kind) {
    const auto *terminal = dynamic_cast<antlr4::tree::TerminalNode *>(node.children[index]);
    return terminal != nullptr && const_cast<antlr4::tree::TerminalNode *>(terminal)->getSymbol()->getType() == kind;
  }

  [[nodiscard]] Word word(Node &node, size_t index) const {
    LPC_CHECK(has(node, index));
    return words_.word(*static_cast<antlr4::tree::TerminalNode &>(*node.children[index]).getSymbol());
  }

  [[nodiscard]] Place place(Node &node) const {
    return join(words_.word(*node.getStart()).place, words_.word(*node.getStop()).place);
  }

  template <class T> T take(Literal<T> literal, const Word &word) {
    if (literal) return std::move(*literal);
    fail(std::move(literal.error()), word);
    return {};
  }

  void fail(LiteralError error, const Word &word) {
    if (failed_) return; // one message a line
    failed_ = true;
    auto &diagnostic = diagnostics_.report(error.id, word.part(error.offset, error.length), std::move(error.message));
    diagnostic.help = std::move(error.help);
  }

  const Words &words_;
  Diagnostics &diagnostics_;
  bool failed_ = false;
};

} // namespace

std::optional<ast::Statement> readStatement(antlr4::ParserRuleContext &statement, const Words &words,
                                            Diagnostics &diagnostics) {
  Reader reader(words, diagnostics);
  ast::Statement out = reader.statement(statement);
  if (reader.failed()) return std::nullopt;
  return out;
}

} // namespace lpc::parsing
