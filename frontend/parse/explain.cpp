// From "this word is not among those expected" to a message that helps.
//
// ANTLR's own messages list token names; none of them is shown to a user. The kinds of word that could have stood in
// the place become one phrase ("an address", "a type"), the lexer's BAD_ words get the message of their literal, and
// the instruction's line in ir/instructions.def is the remedy where there is no better one.
#include "frontend/parse/explain.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "LivePatch.h"
#include "frontend/ast/ast.h"
#include "frontend/parse/literals.h"
#include "ir/support/cat.h"

namespace lpc::parsing {

namespace {

using Grammar = grammar::LivePatch;

struct Instruction {
  std::string_view keyword, operands;
};
constexpr std::array kInstructions = {
#define LPC_INSTRUCTION(keyword, operands, what) Instruction{keyword, operands},
#include "ir/instructions.def"
#undef LPC_INSTRUCTION
};

// What people write who know other languages' names of the types.
constexpr std::array<std::pair<std::string_view, std::string_view>, 22> kOtherTypeNames = {{
    {"char", "i8"},      {"byte", "u8"},      {"short", "i16"},   {"long", "i64"},     {"unsigned", "u32"},
    {"int8_t", "i8"},    {"int16_t", "i16"},  {"int32_t", "i32"}, {"int64_t", "i64"},  {"uint8_t", "u8"},
    {"uint16_t", "u16"}, {"uint32_t", "u32"}, {"size_t", "u64"},  {"uint64_t", "u64"}, {"bool", "u8"},
    {"float", "f32"},    {"double", "f64"},   {"string", "cstr"}, {"bytes", "hex"},    {"pointer", "addr"},
    {"ptr", "addr"},     {"void*", "addr"},
}};

// "`a`", "`a` or `b`", "`a`, `b` or `c`".
std::string listed(std::span<const std::string> words) {
  std::string out;
  for (size_t i = 0; i < words.size(); i++) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += inTicks(words[i]);
  }
  return out;
}

std::string suggestion(std::string_view wanted, const std::vector<std::string> &candidates) {
  auto near = nearest(wanted, candidates);
  return near.empty() ? "" : cat("did you mean ", listed(near), "?");
}

std::vector<std::string> typeWords() {
  std::vector<std::string> out;
  for (unsigned type = 0; type <= static_cast<unsigned>(ast::Type::Addr); type++)
    out.emplace_back(ast::name(static_cast<ast::Type>(type)));
  return out;
}

class Explainer {
public:
  explicit Explainer(const Fault &fault) : fault_(fault), found_(fault.found) {}

  Diagnostic explain() {
    switch (found_.kind) {
    case Grammar::BAD_INT:
      if (typeAfterWas()) return wasWithType();
      if (expects(Grammar::INT)) return literal(readInteger(found_.text));
      break;
    case Grammar::BAD_REAL:
      if (typeAfterWas()) return wasWithType();
      if (expects(Grammar::REAL)) return literal(readReal(found_.text));
      break;
    case Grammar::BAD_HEX:
      if (typeAfterWas()) return wasWithType();
      if (expects(Grammar::HEX)) return literal(readHex(found_.text));
      break;
    case Grammar::BAD_STRING:
      if (expects(Grammar::STRING)) return literal(readString(trimmed()));
      break;
    case Grammar::BAD_NAME:
      if (expects(Grammar::NAME)) return badName();
      break;
    case Grammar::BAD_SYMBOL:
      if (expects(Grammar::SYMBOL)) return needsQuotes();
      break;
    case Grammar::OTHER:
      if (typeAfterWas()) return wasWithType();
      if (expects(Grammar::INTEGER_TYPE)) return badType();
      if (expectsOnlyStrings()) return literal(readString(found_.text));
      break;
    default: break;
    }
    return generic();
  }

private:
  // --- specific messages --------------------------------------------------------------------------------------------

  // `readX` of a word that the lexer has refused always has an error; a word that is right after all is generic().
  template <class T> Diagnostic literal(Literal<T> result) {
    if (result) return generic();
    LiteralError &error = result.error();
    return {.id = error.id,
            .place = found_.part(error.offset, error.length),
            .message = std::move(error.message),
            .help = std::move(error.help)};
  }

  // `was int 5`
  [[nodiscard]] bool typeAfterWas() const {
    return !fault_.before.empty() && fault_.before.back().kind == Grammar::WAS &&
           ast::typeNamed(found_.text).has_value();
  }
  [[nodiscard]] Diagnostic wasWithType() const {
    return {.id = DiagnosticId::WasNotAllowed,
            .place = found_.place,
            .message = "`was` has the type of the new value, and none of its own",
            .help = cat("leave out ", inTicks(found_.text))};
  }

  [[nodiscard]] Diagnostic badName() const {
    Diagnostic out = at(found_.place, cat(inTicks(found_.text), " is not a name"));
    out.help = "a name has letters, digits and `_`, and does not start with a digit";
    if (instruction() == "patch")
      out.help = "put it in quotes";
    else if (found_.text.starts_with('$'))
      out.help = "the `$` stands only where the name is used";
    return out;
  }

  [[nodiscard]] Diagnostic needsQuotes() const {
    Diagnostic out = at(found_.place, cat(inTicks(found_.text), " is not a symbol as it stands"));
    out.help = "put the symbol in double quotes";
    return out;
  }

  [[nodiscard]] Diagnostic badType() const {
    std::string_view word = found_.text;
    bool wordLike = (word[0] >= 'a' && word[0] <= 'z') || (word[0] >= 'A' && word[0] <= 'Z') || word[0] == '_';
    if (!wordLike) {
      Diagnostic out = at(found_.place, cat("expected a type, not ", inTicks(word)));
      out.help =
          readInteger(word) ? cat("write ", inTicks(cat("int ", word)), ", or another type of integer") : usage();
      return out;
    }
    const auto *other = std::ranges::find(kOtherTypeNames, word, [](const auto &row) { return row.first; });
    std::string help = other != kOtherTypeNames.end() ? cat("did you mean ", inTicks(other->second), "?")
                                                      : suggestion(word, typeWords());
    if (help.empty()) {
      help = "the types are";
      for (const std::string &type : typeWords())
        help += " " + type;
    }
    return {.id = DiagnosticId::UnknownType,
            .place = found_.place,
            .message = cat(inTicks(word), " is not a type"),
            .help = std::move(help)};
  }

  // --- the general one ----------------------------------------------------------------------------------------------

  [[nodiscard]] Diagnostic generic() const {
    if (!found_.text.empty() && found_.kind != Grammar::NEWLINE) {
      Diagnostic out = at(found_.place, cat("expected ", expectation(), ", not ", inTicks(trimmed())));
      out.place.endColumn = out.place.column + codePoints(trimmed());
      if (trimmed().starts_with("//") || trimmed().starts_with("/*"))
        out.help = "a comment begins with `#`";
      else if (trimmed() == ";")
        out.help = "a statement ends with its line: leave out the `;`";
      return out;
    }
    Place end = fault_.before.back().place;
    end.column = end.endColumn;
    return at(end, cat("expected ", expectation(), ", but the line ends"));
  }

  [[nodiscard]] Diagnostic at(const Place &place, std::string message) const {
    return {.id = DiagnosticId::SyntaxError, .place = place, .message = std::move(message), .help = usage()};
  }

  [[nodiscard]] std::string usage() const {
    const auto *row = std::ranges::find(kInstructions, instruction(), &Instruction::keyword);
    return row == kInstructions.end() ? "" : cat("write `", row->keyword, " ", row->operands, "`");
  }

  // What must or may come next. Signs may follow every address, so they are named only where nothing else can follow.
  [[nodiscard]] std::string expectation() const {
    std::vector<std::string> out;
    auto either = [&](size_t kind, std::string_view phrase) {
      if (expects(kind)) out.emplace_back(phrase);
    };
    if (expects(Grammar::LBRACKET)) {
      out.emplace_back("an address");
    } else if (expects(Grammar::NAME)) {
      out.emplace_back("a name");
    } else if (expects(Grammar::FILE)) {
      out.emplace_back("a file");
    } else if (expects(Grammar::OBJECT_NAME)) {
      out.emplace_back("an object");
    } else {
      either(Grammar::SYMBOL, "a symbol");
      if (!expects(Grammar::SYMBOL)) either(Grammar::STRING, "a string in double quotes");
      either(Grammar::INT, instruction() == "new" || instruction() == "nop" ? "a size in bytes" : "an integer");
    }
    either(Grammar::INTEGER_TYPE, "a type");
    either(Grammar::REAL, "a floating-point number");
    either(Grammar::HEX, "hexadecimal digits");
    either(Grammar::EQUALS, "`=`");
    either(Grammar::RBRACKET, "`]`");
    either(Grammar::COMMA, "`,`");
    either(Grammar::PERMISSION, "`r`, `rw`, `rx`, `rwx`");
    either(Grammar::VERSION, "`version`");
    either(Grammar::BUILD_ID, "`build-id`");
    either(Grammar::WITH, "`with`");
    either(Grammar::WAS, "`was`");
    either(Grammar::LBRACE, "`{`");
    either(Grammar::ORIGINAL, "`original`");
    either(Grammar::IN, "`in`");
    either(Grammar::MOMENT, "`pre-apply`, `post-apply`, `pre-revert` or `post-revert`");
    either(Grammar::CALL, "`call`");
    either(antlr4::Token::EOF, "the end of the line");
    std::string phrase;
    for (size_t i = 0; i < out.size(); i++)
      phrase += (i == 0 ? "" : i + 1 == out.size() ? " or " : ", ") + out[i];
    return phrase.empty() ? "something else" : phrase;
  }

  // --- the fault ----------------------------------------------------------------------------------------------------

  [[nodiscard]] bool expects(size_t kind) const {
    return std::ranges::find(fault_.expected, kind) != fault_.expected.end();
  }
  [[nodiscard]] bool expectsOnlyStrings() const { return fault_.expected.size() == 1 && expects(Grammar::STRING); }
  [[nodiscard]] std::string_view instruction() const {
    return fault_.before.empty() ? std::string_view() : fault_.before.front().text;
  }

  // An unterminated string reaches to the end of the line; the blanks there are not what is wrong.
  [[nodiscard]] std::string_view trimmed() const {
    size_t last = found_.text.find_last_not_of(" \t\r\f\v");
    return last == std::string_view::npos ? found_.text : found_.text.substr(0, last + 1);
  }

  const Fault &fault_;
  const Word &found_;
};

} // namespace

Diagnostic explain(const Fault &fault) { return Explainer(fault).explain(); }

Diagnostic explainUnknown(const Word &word) {
  std::vector<std::string> keywords;
  for (const Instruction &instruction : kInstructions)
    keywords.emplace_back(instruction.keyword);
  std::string lower(word.text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  std::string help = std::ranges::find(keywords, lower) != keywords.end() ? cat("did you mean ", inTicks(lower), "?")
                                                                          : suggestion(lower, keywords);
  if (help.empty()) {
    help = "the instructions are";
    for (const std::string &keyword : keywords)
      help += " " + keyword;
  }
  return {.id = DiagnosticId::UnknownInstruction,
          .place = word.place,
          .message = cat(inTicks(word.text), " is not an instruction"),
          .help = std::move(help)};
}

} // namespace lpc::parsing
