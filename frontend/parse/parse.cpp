// The parser's table of contents: file → lines → chunks of lines → ANTLR → syntax tree.
//
// A chunk is about 100 statements: ANTLR keeps every token and the whole tree in memory until it is done, so a chunk at
// a time bounds memory and is faster than the file at once (545 against 814 ms for 100,000 lines, measured). A chunk in
// which anything is wrong is parsed again line by line, and each wrong line is explained on its own. ANTLR's error
// recovery, which guesses where the next good place is, is not used: the end of the line is that place, always.
//
// The grammar is LL(1): the generated code decides every alternative by the next word, and looks into ANTLR's tables
// only to say what could have stood in the place of a wrong one. So they are unpacked then, which is half the time of a
// small patch (grammar/lazy_tables.cmake refuses a grammar that needs them for more).
#include "frontend/parse/parse.h"

#include <algorithm>
#include <optional>

#include "LivePatch.h"
#include "frontend/parse/explain.h"
#include "frontend/parse/headers.h"
#include "frontend/parse/lines.h"
#include "frontend/parse/literals.h"
#include "frontend/parse/tree.h"
#include "frontend/parse/words.h"
#include "ir/support/cat.h"

namespace lpc {

namespace {

using namespace parsing;
using grammar::LivePatch;

constexpr size_t kChunk = 100;         // statements
constexpr size_t kDeepest = 64;        // brackets; each costs a few hundred bytes of our stack
constexpr size_t kMostWords = 200'000; // of one statement; each costs 300 bytes until that is read

// Ends the parse at the first wrong word, and remembers where the last right one stood in the grammar, for what could
// follow that one is what the author may have wanted to write.
class StopAtFirstError : public antlr4::BailErrorStrategy {
public:
  struct Stopped {
    antlr4::Token *found;
  };

  void reset(antlr4::Parser * /*parser*/) override { context_ = nullptr; }

  void reportMatch(antlr4::Parser *parser) override {
    state_ = parser->getState();
    context_ = parser->getContext();
  }
  void reportError(antlr4::Parser * /*parser*/, const antlr4::RecognitionException & /*error*/) override {}
  void recover(antlr4::Parser *parser, std::exception_ptr /*error*/) override {
    throw Stopped{parser->getCurrentToken()};
  }
  antlr4::Token *recoverInline(antlr4::Parser *parser) override { throw Stopped{parser->getCurrentToken()}; }

  [[nodiscard]] std::vector<size_t> expected(antlr4::Parser &parser) const {
    std::vector<size_t> out;
    if (context_ == nullptr) return out;
    LivePatch::unpackTables();
    const antlr4::atn::ATN &atn = parser.getATN();
    size_t next = atn.states[state_]->transitions[0]->target->stateNumber;
    for (ssize_t kind : atn.getExpectedTokens(next, context_).toList())
      out.push_back(static_cast<size_t>(kind));
    return out;
  }

private:
  size_t state_ = 0;
  antlr4::RuleContext *context_ = nullptr;
};

class Parser {
public:
  Parser(const SourceText &source, Diagnostics &diagnostics)
      : source_(source), diagnostics_(diagnostics), headers_(diagnostics) {
    parser_.removeErrorListeners();
    parser_.setErrorHandler(strategy_);
  }

  ast::File run() {
    Lines lines(source_.text());
    std::vector<Line> chunk;
    while (auto line = lines.next()) {
      switch (line->kind) {
      case Line::Kind::Blank: continue;
      case Line::Kind::Statement:
        if (line->firstWord == "asm") break;
        chunk.push_back(*line);
        if (chunk.size() < kChunk) continue;
        break;
      case Line::Kind::Unknown:
      case Line::Kind::BadEncoding: break;
      }
      parseChunk(chunk);
      chunk.clear();
      if (line->kind == Line::Kind::Statement && line->firstWord == "asm") parseAssembly(*line);
      // Behind a block that is not closed, what is no statement is the block's.
      if (line->kind == Line::Kind::Unknown && !blockIsOpen_) diagnostics_.add(explainUnknown(firstWord(*line)));
      if (line->kind == Line::Kind::BadEncoding) reportEncoding(*line);
    }
    parseChunk(chunk);
    return std::move(file_);
  }

private:
  void parseChunk(const std::vector<Line> &lines) {
    if (lines.empty()) return;
    bool plain = std::ranges::none_of(lines, [&](const Line &line) { return mayBeTooMuch(line); });
    if (plain && parseText(lines.front(), lines.back().end)) return;
    for (const Line &line : lines) {
      if (mayBeTooMuch(line) && reportTooMuch(line)) continue;
      if (parseText(line, line.end)) continue;
      diagnostics_.add(explain(fault_));
      headers_.count(line.firstWord, firstWord(line).place);
    }
  }

  // The grammar has `asm` up to its brace.
  void parseAssembly(Line line) {
    size_t end = line.end, before = file_.statements.size();
    if (line.blockEnd != 0) line.end = line.blockBegin;
    if (line.openBrace != 0) line.end = line.openBrace + 1;
    parseChunk({line});
    if (file_.statements.size() == before) return;
    ast::Statement statement = std::move(file_.statements.back());
    file_.statements.pop_back();
    if (line.openBrace != 0) {
      diagnostics_
          .report(DiagnosticId::SyntaxError, placeOf(line, line.openBrace, line.openBrace + 1),
                  "the block that begins here is not closed")
          .help = "close it with `}`";
      blockIsOpen_ = true;
      return;
    }
    std::string_view text = source_.text();
    std::string_view block = text.substr(line.blockBegin, line.blockEnd - line.blockBegin);
    if (size_t bad = validPrefix(block); bad != block.size()) {
      Place place = placeOf(line, line.blockBegin, line.blockBegin + bad);
      diagnostics_.report(DiagnosticId::BadEncoding,
                          {place.endLine, place.endColumn, place.endLine, place.endColumn + 1},
                          "this byte is not UTF-8");
      return;
    }
    size_t behind = std::min(text.find_first_not_of(" \t\r\f\v", line.blockEnd + 1), end);
    if (behind < end && text[behind] != '#') {
      diagnostics_.report(DiagnosticId::SyntaxError, placeOf(line, behind, end),
                          "expected the end of the line behind the block");
      return;
    }
    auto &code = std::get<ast::Asm>(statement.what);
    code.text = block;
    code.textPlace = placeOf(line, line.blockBegin, line.blockEnd);
    statement.place = join(statement.place, placeOf(line, line.blockEnd, line.blockEnd + 1));
    file_.statements.push_back(std::move(statement));
  }

  // Bytes of the file, from those of a line that begins before them. Ends before what is not UTF-8.
  [[nodiscard]] Place placeOf(const Line &line, size_t begin, size_t end) const {
    auto position = [&](size_t at) {
      std::string_view before = source_.text().substr(line.begin, at - line.begin);
      size_t newline = before.rfind('\n');
      std::string_view last = newline == std::string_view::npos ? before : before.substr(newline + 1);
      return std::pair(line.number + static_cast<uint32_t>(std::ranges::count(before, '\n')), codePoints(last) + 1);
    };
    auto [line1, column1] = position(begin);
    auto [line2, column2] = position(end);
    return {line1, column1, line2, column2};
  }

  // Lines from the start of `first` to byte `end`. False, and fault_ set, where there is anything that is no statement;
  // then nothing has been added.
  bool parseText(const Line &first, size_t end) {
    load(first, end);
    parser_.setTokenStream(&tokens_);
    try {
      for (auto *statement : parser_.file()->statement())
        add(*statement);
      return true;
    } catch (const StopAtFirstError::Stopped &stopped) {
      describe(*stopped.found);
      return false;
    }
  }

  void load(const Line &first, size_t end) {
    words_.assign(source_.text().substr(first.begin, end - first.begin), first.number);
    tokens_.setTokenSource(&words_);
  }

  void add(LivePatch::StatementContext &node) {
    Word instruction = words_.word(*node.getStart());
    auto statement = readStatement(node, words_, diagnostics_);
    if (!statement)
      headers_.count(instruction.text, instruction.place);
    else if (headers_.admit(instruction.text, instruction.place))
      file_.statements.push_back(std::move(*statement));
  }

  void describe(antlr4::Token &found) {
    fault_ = {.before = {}, .found = words_.word(found), .expected = strategy_->expected(parser_)};
    for (size_t i = 0; i < found.getTokenIndex(); i++)
      fault_.before.push_back(words_.word(*tokens_.get(i)));
  }

  // --- lines that do not reach the grammar --------------------------------------------------------------------------

  [[nodiscard]] std::string_view text(const Line &line) const {
    return source_.text().substr(line.begin, line.end - line.begin);
  }

  [[nodiscard]] Word firstWord(const Line &line) const {
    auto offset = static_cast<size_t>(line.firstWord.data() - text(line).data());
    auto column = static_cast<uint32_t>(offset) + 1; // only blanks stand before it
    return {.text = line.firstWord, .place = {line.number, column, line.number, column + codePoints(line.firstWord)}};
  }

  void reportEncoding(const Line &line) {
    std::string_view content = text(line);
    size_t bad = validPrefix(content);
    uint32_t column = codePoints(content.substr(0, bad)) + 1;
    constexpr std::string_view kDigits = "0123456789abcdef";
    auto byte = static_cast<unsigned char>(content[bad]);
    diagnostics_.report(DiagnosticId::BadEncoding, {line.number, column, line.number, column + 1},
                        cat("the byte 0x", kDigits[byte >> 4], kDigits[byte & 15], " is not UTF-8 here"));
  }

  [[nodiscard]] bool mayBeTooMuch(const Line &line) const {
    return text(line).size() > kMostWords || static_cast<size_t>(std::ranges::count(text(line), '[')) > kDeepest;
  }

  // The parser calls itself for every `[`, and keeps every word of a statement: so that no line exhausts the stack or
  // the memory, both are counted before.
  bool reportTooMuch(const Line &line) {
    load(line, line.end);
    size_t depth = 0, words = 0;
    for (auto token = words_.nextToken(); token->getType() != antlr4::Token::EOF; token = words_.nextToken()) {
      if (token->getType() == LivePatch::RBRACKET && depth > 0) depth--;
      if (token->getType() == LivePatch::LBRACKET) depth++;
      if (++words <= kMostWords && depth <= kDeepest) continue;
      const bool deep = depth > kDeepest;
      diagnostics_.report(DiagnosticId::SyntaxError, words_.word(*token).place,
                          deep ? cat("more than ", kDeepest, " brackets inside each other")
                               : cat("more than ", kMostWords, " words in one statement"));
      headers_.count(line.firstWord, firstWord(line).place);
      return true;
    }
    return false;
  }

  const SourceText &source_;
  Diagnostics &diagnostics_;
  Headers headers_;
  bool blockIsOpen_ = false; // a block that nothing closes has begun
  ast::File file_;
  Fault fault_;

  Words words_;
  antlr4::CommonTokenStream tokens_{&words_};
  LivePatch parser_{&tokens_};
  std::shared_ptr<StopAtFirstError> strategy_ = std::make_shared<StopAtFirstError>();
};

} // namespace

ast::File parse(const SourceText &source, Diagnostics &diagnostics) { return Parser(source, diagnostics).run(); }

} // namespace lpc
