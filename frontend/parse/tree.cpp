// Reads ANTLR's parse tree, one function a rule of LivePatch.g4.
//
// The functions read by hand what the rules promise, instead of through ANTLR's visitor: a visitor returns
// antlrcpp::Any, and would be three times as long. Texts are cut out of the source; Token::getText() would convert
// every one of them from UTF-32.
#include "frontend/parse/tree.h"

#include <utility>

#include "LivePatch.h"
#include "frontend/parse/literals.h"
#include "ir/support/result.h"

namespace lpc::parsing {

namespace {

using Grammar = grammar::LivePatch;

class Reader {
public:
  Reader(const Excerpt &excerpt, Diagnostics &diagnostics) : excerpt_(excerpt), diagnostics_(diagnostics) {}

  ast::Statement statement(Grammar::StatementContext &node) {
    ast::Statement out{.what = what(node), .place = place(node)};
    return out;
  }
  [[nodiscard]] bool failed() const { return failed_; }

private:
  using What = decltype(ast::Statement::what);

  What what(Grammar::StatementContext &node) {
    if (auto *rule = node.setValue()) return setValue(*rule);
    if (auto *rule = node.jump()) return jump(*rule);
    if (auto *rule = node.newMemory()) return newMemory(*rule);
    if (auto *rule = node.loadMemory()) return loadMemory(*rule);
    if (auto *rule = node.linkObject()) return linkObject(*rule);
    if (auto *rule = node.patchHeader()) return patchHeader(*rule);
    if (auto *rule = node.targetHeader()) return targetHeader(*rule);
    auto *rule = node.objectHeader();
    LPC_CHECK(rule != nullptr);
    return objectHeader(*rule);
  }

  // --- statements ---------------------------------------------------------------------------------------------------

  What patchHeader(Grammar::PatchHeaderContext &node) {
    ast::PatchHeader out;
    bool quoted = node.NAME() == nullptr;
    out.name = quoted ? quotedName(word(node.STRING(0))) : plainName(word(node.NAME()));
    if (node.VERSION() != nullptr) out.version = quotedName(word(node.STRING(quoted ? 1 : 0)));
    return out;
  }

  What targetHeader(Grammar::TargetHeaderContext &node) {
    ast::TargetHeader out{.file = fileName(*node.fileName())};
    if (auto *id = node.hexBytes()) out.buildId = hexBytes(*id);
    return out;
  }

  What objectHeader(Grammar::ObjectHeaderContext &node) {
    ast::ObjectHeader out{.name = plainName(word(node.NAME())), .file = fileName(*node.fileName())};
    if (auto *id = node.hexBytes()) out.buildId = hexBytes(*id);
    return out;
  }

  What newMemory(Grammar::NewMemoryContext &node) {
    return ast::New{.name = plainName(word(node.NAME())),
                    .size = integer(word(node.INT())),
                    .permission = permission(node.PERMISSION())};
  }

  What loadMemory(Grammar::LoadMemoryContext &node) {
    return ast::Load{.name = plainName(word(node.NAME())),
                     .file = fileName(*node.fileName()),
                     .permission = permission(node.PERMISSION())};
  }

  What linkObject(Grammar::LinkObjectContext &node) {
    ast::Dl out{.name = plainName(word(node.NAME())), .file = fileName(*node.fileName())};
    for (auto *binding : node.binding())
      out.with.push_back({symbol(*binding->symbol()), address(*binding->address())});
    return out;
  }

  What setValue(Grammar::SetValueContext &node) {
    ast::Set out{.at = address(*node.address())};
    auto &typed = *node.typedValue();
    Word typeWord = excerpt_.word(*typed.getStart());
    auto type = ast::typeNamed(typeWord.text);
    LPC_CHECK(type.has_value());
    out.type = *type;
    out.typePlace = typeWord.place;
    out.value = *value(typed, *type, typeWord, 0);
    out.was = value(typed, *type, typeWord, 1);
    return out;
  }

  What jump(Grammar::JumpContext &node) {
    return ast::Jmp{.from = address(*node.address(0)), .to = address(*node.address(1))};
  }

  // --- values -------------------------------------------------------------------------------------------------------

  // The value itself (index 0) or that of `was` (index 1), if there is one.
  std::optional<ast::Value> value(Grammar::TypedValueContext &node, ast::Type type, const Word &typeWord,
                                  size_t index) {
    if (node.INTEGER_TYPE() != nullptr) {
      if (auto *leaf = node.INT(index)) return ast::Value{integer(word(leaf)), word(leaf).place};
    } else if (node.REAL_TYPE() != nullptr) {
      if (auto *leaf = node.REAL(index)) return ast::Value{real(word(leaf)), word(leaf).place};
    } else if (node.TEXT_TYPE() != nullptr) {
      if (auto *leaf = node.STRING(index)) return ast::Value{text(word(leaf), type), word(leaf).place};
    } else if (node.HEX_TYPE() != nullptr) {
      if (auto *rule = node.hexBytes(index)) return ast::Value{hexBytes(*rule), place(*rule)};
    } else if (node.ADDR_TYPE() != nullptr) {
      if (auto *rule = node.address(index)) return ast::Value{address(*rule), place(*rule)};
    } else if (index == 0) { // str, which may be empty
      const Place behindType{typeWord.place.endLine, typeWord.place.endColumn, typeWord.place.endLine,
                             typeWord.place.endColumn};
      if (node.REST() == nullptr) return ast::Value{Bytes{}, behindType};
      Word rest = word(node.REST());
      return ast::Value{Bytes(rest.text.begin(), rest.text.end()), rest.place};
    }
    return std::nullopt;
  }

  ast::Integer integer(const Word &word) {
    ast::Integer out = take(readInteger(word.text), word);
    out.place = word.place;
    return out;
  }

  ast::Real real(const Word &word) { return take(readReal(word.text), word); }

  Bytes text(const Word &word, ast::Type type) {
    std::string content = take(readString(word.text), word);
    Bytes out(content.begin(), content.end());
    if (type == ast::Type::Cstr) out.push_back(0);
    return out;
  }

  Bytes hexBytes(Grammar::HexBytesContext &node) {
    Bytes out;
    for (auto *leaf : node.HEX()) {
      Bytes run = take(readHex(word(leaf).text), word(leaf));
      out.insert(out.end(), run.begin(), run.end());
    }
    return out;
  }

  std::optional<ir::Permission> permission(antlr4::tree::TerminalNode *leaf) {
    if (leaf == nullptr) return std::nullopt;
    std::string_view text = word(leaf).text;
    if (text == "r") return ir::Permission::R;
    if (text == "rw") return ir::Permission::RW;
    if (text == "rx") return ir::Permission::RX;
    LPC_CHECK(text == "rwx");
    return ir::Permission::RWX;
  }

  // --- addresses ----------------------------------------------------------------------------------------------------

  ast::Address address(Grammar::AddressContext &node) { // as deep as parse() lets brackets be
    ast::Address out{.base = base(*node.base()), .place = place(node)};
    for (auto *displacement : node.displacement())
      out.displacements.push_back({displacement->MINUS() != nullptr, integer(word(displacement->INT()))});
    return out;
  }

  decltype(ast::Address::base) base(Grammar::BaseContext &node) {
    if (auto *inner = node.address()) return ast::LoadedAddress{std::make_shared<ast::Address>(address(*inner))};
    if (auto *leaf = node.MEMORY()) return ast::MemoryAddress{memoryName(word(leaf), 0), {}};
    if (auto *leaf = node.MEMORY_OF()) {
      ast::MemoryAddress out{memoryName(word(leaf), 1), {}};
      if (node.INT() != nullptr)
        out.member = integer(word(node.INT()));
      else
        out.member = symbol(*node.symbol());
      return out;
    }
    std::optional<ast::Name> object;
    if (auto *leaf = node.OBJECT_OF()) object = qualifier(word(leaf));
    if (node.INT() != nullptr) {
      ast::Integer value = integer(word(node.INT()));
      if (object) return ast::ObjectAddress{std::move(*object), std::move(value)};
      return ast::AbsoluteAddress{std::move(value)};
    }
    ast::SymbolAddress out{.object = std::move(object)};
    if (auto *leaf = node.SOURCE_OF()) out.sourceFile = qualifier(word(leaf));
    out.symbol = symbol(*node.symbol());
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

  ast::Name anyName(const Word &word) { return word.text.starts_with('"') ? quotedName(word) : plainName(word); }

  ast::Name symbol(Grammar::SymbolContext &node) { return anyName(excerpt_.word(*node.getStart())); }
  ast::Name fileName(Grammar::FileNameContext &node) { return anyName(excerpt_.word(*node.getStart())); }

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

  [[nodiscard]] Word word(antlr4::tree::TerminalNode *leaf) const { return excerpt_.word(*leaf->getSymbol()); }

  [[nodiscard]] Place place(antlr4::ParserRuleContext &node) const {
    return join(excerpt_.word(*node.getStart()).place, excerpt_.word(*node.getStop()).place);
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

  const Excerpt &excerpt_;
  Diagnostics &diagnostics_;
  bool failed_ = false;
};

} // namespace

Word Excerpt::word(const antlr4::Token &token) const {
  Word out{.kind = token.getType()};
  auto line = static_cast<uint32_t>(token.getLine());
  auto column = static_cast<uint32_t>(token.getCharPositionInLine()) + 1;
  out.place = {line, column, line, column};
  size_t begin = token.getStartIndex(), end = token.getStopIndex() + 1;
  if (token.getType() == antlr4::Token::EOF || begin >= end) return out;
  out.text = text.substr(decoded.offset(begin), decoded.offset(end) - decoded.offset(begin));
  out.place.endColumn = column + static_cast<uint32_t>(end - begin);
  return out;
}

std::optional<ast::Statement> readStatement(antlr4::ParserRuleContext &statement, const Excerpt &excerpt,
                                            Diagnostics &diagnostics) {
  Reader reader(excerpt, diagnostics);
  ast::Statement out = reader.statement(dynamic_cast<Grammar::StatementContext &>(statement));
  if (reader.failed()) return std::nullopt;
  return out;
}

} // namespace lpc::parsing
