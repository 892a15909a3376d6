// One pass over the text, a statement at a time. What is copied is what was understood: a comment, a string or a
// character that the assembler could read in another way is not copied but refused or rewritten.
//
// Rejected: handlers for the bad directives in the assembler's own table. Repetition and conditions are looked at
// before that table, and a new version may have a directive that is not in ours; a list of what is good needs no
// keeping up.
#include "ir/machine/assembly_text.h"

#include <algorithm>
#include <array>

#include "ir/support/cat.h"

namespace lpc {
namespace {

constexpr size_t kLongestText = 64 << 10, kLongestStatement = 1000; // bytes
constexpr size_t kDeepest = 32;                                     // brackets of all kinds in one statement
constexpr uint64_t kLargestAlignment = 64;

constexpr std::array<std::string_view, 15> kData = {".byte",  ".2byte", ".short", ".word",   ".value",
                                                    ".hword", ".4byte", ".long",  ".int",    ".8byte",
                                                    ".quad",  ".ascii", ".asciz", ".string", ".balign"};

bool isLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool inWord(char c) { return isLetter(c) || isDigit(c) || c == '.' || c == '$' || c == '?'; }
bool inName(char c) { return isLetter(c) || isDigit(c); }
bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v'; }

std::string lower(std::string_view word) {
  std::string out(word);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

} // namespace

class AssemblyReader {
public:
  AssemblyReader(std::string_view text, AssemblySyntax syntax, const std::function<bool(std::string_view)> &isMemory)
      : in_(text), syntax_(syntax), isMemory_(isMemory) {
    out_.size_ = in_.size();
    while (in_.find(prefix_) != std::string_view::npos)
      prefix_ += '_';
  }

  std::expected<AssemblyText, std::vector<AssemblyFault>> read() {
    if (in_.size() > kLongestText)
      fault(0, in_.size(), cat("the block has ", in_.size(), " bytes, and ", kLongestText, " is the most"));
    else
      while (at_ < in_.size() && faults_.empty())
        next();
    if (!faults_.empty()) return std::unexpected(std::move(faults_));
    return std::move(out_);
  }

private:
  void next() {
    char c = in_[at_];
    if (at_ - statement_ > kLongestStatement)
      return fault(statement_, at_ - statement_, cat("a line of more than ", kLongestStatement, " bytes"));
    if (c == '\n' || c == ';') return endStatement();
    if (isBlank(c)) return copy(1);
    if (c == '#' || in_.substr(at_).starts_with("//")) return comment();
    if (in_.substr(at_).starts_with("/*")) return blockComment();
    if (c == '"') return string();
    if (c == '\'') return character();
    if (c == '$') return dollar();
    if (isLetter(c) || c == '.' || c == '?') return word();
    if (isDigit(c)) return number();
    punctuation(c);
  }

  void endStatement() {
    copy(1);
    statement_ = at_;
    first_ = true;
    directive_ = false;
    depth_ = 0;
  }

  // --- comments, which the assembler does not see

  void comment() { at_ = std::min(in_.find('\n', at_), in_.size()); }

  void blockComment() {
    size_t end = in_.find("*/", at_ + 2);
    if (end == std::string_view::npos) return fault(at_, 2, "the comment that begins here does not end");
    put(" ");
    auto lines = std::ranges::count(in_.substr(at_, end - at_), '\n');
    at_ = end + 2;
    if (lines != 0) fault(end, 2, "a comment ends on the line on which it begins");
  }

  // --- words

  void word() {
    size_t end = at_;
    while (end < in_.size() && inWord(in_[end]))
      end++;
    std::string_view text = in_.substr(at_, end - at_);
    size_t behind = end;
    while (behind < in_.size() && isBlank(in_[behind]))
      behind++;
    bool colon = behind < in_.size() && in_[behind] == ':';
    if (first_ && colon && !isDirective(text)) return copy(behind + 1 - at_); // a label; a statement may follow
    if (first_ && text[0] == '.') return directive(text);
    if (!first_ && syntax_ == AssemblySyntax::Intel && lower(text) == "not") return complement(text.size());
    if (!first_ && syntax_ == AssemblySyntax::Intel && lower(text) == "mod") return division(text.size());
    first_ = first_ && isPrefix(lower(text));
    if (end < in_.size() && in_[end] == '!') return objectName(text);
    if (end + 1 < in_.size() && in_[end] == ':' && text.find('.') != std::string_view::npos && inWord(in_[end + 1]))
      return sourceName(at_, text, {});
    out_.firstUse_.try_emplace(std::string(text), at_);
    copy(text.size());
  }

  // LLVM 19 never comes to the end of an Intel expression with two of these in a row, or with one behind a sign.
  void complement(size_t length) { fault(at_, length, "an expression has no complement: write the number itself"); }

  // LLVM 19 divides in Intel expressions without a look at the divisor, and takes the smallest number by -1 in any.
  void division(size_t length) { fault(at_, length, "an expression has no division: write the number itself"); }

  static bool isPrefix(std::string_view word) { return word == "lock" || word == "xacquire" || word == "xrelease"; }

  static bool isDirective(std::string_view word) { return word[0] == '.' && !word.starts_with(".L"); }

  void directive(std::string_view word) {
    std::string name = lower(word);
    if (std::ranges::find(kData, name) == kData.end())
      return fault(at_, word.size(), cat("`", word, "` can't stand in an `asm` block"), DiagnosticId::AssemblyDirective,
                   "there are .byte .short .long .quad .ascii .asciz .string and .balign");
    first_ = false;
    directive_ = true;
    copy(word.size());
    if (name == ".balign") alignment();
  }

  // A number and the end of the statement, so that it is bounded.
  void alignment() {
    size_t begin = at_;
    while (at_ < in_.size() && isBlank(in_[at_]))
      copy(1);
    size_t digits = at_;
    uint64_t value = 0;
    for (; at_ < in_.size() && isDigit(in_[at_]) && value <= kLargestAlignment; copy(1))
      value = value * 10 + static_cast<uint64_t>(in_[at_] - '0');
    while (at_ < in_.size() && isBlank(in_[at_]))
      copy(1);
    bool ends = at_ == in_.size() || in_[at_] == '\n' || in_[at_] == ';' || in_[at_] == '#';
    if (digits == at_ || in_[digits] == '0' || !ends || value > kLargestAlignment || (value & (value - 1)) != 0)
      fault(begin, std::max<size_t>(at_ - begin, 1),
            cat("an alignment is 1, 2, 4, … or ", kLargestAlignment, ", and no more stands behind it"));
  }

  void number() {
    size_t end = at_;
    while (end < in_.size() && (inName(in_[end]) || in_[end] == '.'))
      end++;
    size_t behind = end;
    while (behind < in_.size() && isBlank(in_[behind]))
      behind++;
    bool label = first_ && behind < in_.size() && in_[behind] == ':';
    if (end < in_.size() && in_[end] == '!' && !first_) return objectName(in_.substr(at_, end - at_));
    first_ = first_ && label;
    copy((label ? behind + 1 : end) - at_);
  }

  void string() {
    size_t end = at_ + 1;
    while (end < in_.size() && in_[end] != '"' && in_[end] != '\n')
      end += in_[end] == '\\' && end + 1 < in_.size() && in_[end + 1] != '\n' ? 2U : 1U;
    if (end >= in_.size() || in_[end] != '"') return fault(at_, 1, "the string has no closing quote on its line");
    if (directive_) return copy(end + 1 - at_);
    std::string_view text = in_.substr(at_ + 1, end - at_ - 1);
    if (text.empty() || text.find('\\') != std::string_view::npos)
      return fault(at_, end + 1 - at_, "a name has no escapes and is not empty");
    if (first_) return fault(at_, end + 1 - at_, "a label has no quotes");
    replace({.symbol = std::string(text), .quoted = true}, end + 1);
  }

  void character() { // 'a'
    bool plain = at_ + 2 < in_.size() && in_[at_ + 2] == '\'' && in_[at_ + 1] >= ' ' && in_[at_ + 1] <= '~' &&
                 in_[at_ + 1] != '\\' && in_[at_ + 1] != '\'';
    if (!plain) return fault(at_, 1, "a character stands between single quotes, without escapes");
    put(std::to_string(static_cast<int>(in_[at_ + 1])));
    at_ += 3;
    first_ = false;
  }

  // --- names of the language

  void dollar() {
    size_t end = at_ + 1;
    if (end < in_.size() && isLetter(in_[end]))
      while (end < in_.size() && inName(in_[end]))
        end++;
    std::string_view name = in_.substr(at_ + 1, end - at_ - 1);
    bool memory = !name.empty() && (syntax_ == AssemblySyntax::Intel || isMemory_(name));
    first_ = false;
    if (!memory)
      return syntax_ == AssemblySyntax::Att ? copy(1) : fault(at_, 1, "a `$` begins the name of memory: `$fix`");
    AssemblyName found{.memory = std::string(name)};
    if (end + 1 < in_.size() && in_[end] == ':' && (isLetter(in_[end + 1]) || in_[end + 1] == '.')) {
      size_t begin = ++end;
      while (end < in_.size() && inWord(in_[end]))
        end++;
      found.symbol = in_.substr(begin, end - begin);
    }
    replace(std::move(found), end);
  }

  // OBJECT!SYMBOL, OBJECT!FILE.c:SYMBOL
  void objectName(std::string_view object) {
    size_t begin = at_ + object.size() + 1, end = begin;
    while (end < in_.size() && inWord(in_[end]))
      end++;
    if (end == begin) return fault(at_, object.size() + 1, "a symbol stands behind the `!`");
    std::string_view text = in_.substr(begin, end - begin);
    if (end + 1 < in_.size() && in_[end] == ':' && inWord(in_[end + 1])) return sourceName(begin, text, object);
    replace({.object = std::string(object), .symbol = std::string(text)}, end);
  }

  // FILE.c:SYMBOL; `begin`: of FILE.
  void sourceName(size_t begin, std::string_view file, std::string_view object) {
    size_t symbol = begin + file.size() + 1, end = symbol;
    while (end < in_.size() && inWord(in_[end]))
      end++;
    replace({.object = std::string(object),
             .sourceFile = std::string(file),
             .symbol = std::string(in_.substr(symbol, end - symbol))},
            end);
  }

  // Everything from here to `end` is a name: an identifier stands for it. The same name has the same one.
  void replace(AssemblyName name, size_t end) {
    std::string spelling(in_.substr(at_, end - at_));
    auto [known, fresh] = identifierOf_.try_emplace(spelling, cat(prefix_, identifierOf_.size()));
    if (fresh) {
      name.offset = at_;
      name.length = spelling.size();
      out_.identifiers_.emplace(known->second, std::move(name));
      out_.spellings_.emplace(known->second, spelling);
    }
    // What touches it is no part of it: `"a"b`.
    if (!out_.text_.empty() && inWord(out_.text_.back())) put(" ");
    put(known->second);
    at_ = end;
    if (at_ < in_.size() && inWord(in_[at_])) put(" ");
  }

  // --- all else

  void punctuation(char c) {
    constexpr std::string_view kGood = "+-*/%(),[]{}:<>&|^~!";
    if (kGood.find(c) == std::string_view::npos) {
      size_t length = 1;
      while (at_ + length < in_.size() && (static_cast<unsigned char>(in_[at_ + length]) & 0xc0) == 0x80)
        length++; // the rest of a character of several bytes
      return fault(at_, length, "this character has no meaning here");
    }
    if (c == '~' && syntax_ == AssemblySyntax::Intel) return complement(1);
    bool isRegister = syntax_ == AssemblySyntax::Att && at_ + 1 < in_.size() && isLetter(in_[at_ + 1]);
    if (c == '/' || (c == '%' && !isRegister)) return division(1);
    if (c == '(' || c == '[' || c == '{') depth_++;
    if (depth_ > kDeepest) return fault(at_, 1, cat("more than ", kDeepest, " brackets in one line"));
    first_ = false;
    copy(1);
  }

  void copy(size_t count) {
    put(in_.substr(at_, count));
    at_ += count;
  }

  void put(std::string_view text) {
    out_.anchors_.emplace_back(out_.text_.size(), at_);
    out_.text_ += text;
  }

  void fault(size_t offset, size_t length, std::string message, DiagnosticId id = DiagnosticId::AssemblyError,
             std::string help = {}) {
    faults_.push_back({id, std::move(message), offset, std::min(length, in_.size() - offset), std::move(help)});
  }

  std::string_view in_;
  AssemblySyntax syntax_;
  const std::function<bool(std::string_view)> &isMemory_;
  std::string prefix_ = "lpc_"; // of our identifiers; nowhere in the text
  std::map<std::string, std::string> identifierOf_;
  AssemblyText out_;
  std::vector<AssemblyFault> faults_;
  size_t at_ = 0, statement_ = 0, depth_ = 0;
  bool first_ = true;      // nothing but labels of the statement has been read
  bool directive_ = false; // in a directive's operands
};

std::expected<AssemblyText, std::vector<AssemblyFault>>
AssemblyText::prepare(std::string_view text, AssemblySyntax syntax,
                      const std::function<bool(std::string_view)> &isMemory) {
  return AssemblyReader(text, syntax, isMemory).read();
}

size_t AssemblyText::origin(size_t at) const {
  auto after = std::ranges::upper_bound(anchors_, at, {}, &std::pair<size_t, size_t>::first);
  if (after == anchors_.begin()) return 0;
  auto [here, there] = *std::prev(after);
  size_t origin = std::min(there + (at - here), size_); // an identifier of ours may be longer than what it stands for
  return after == anchors_.end() ? origin : std::min(origin, after->second);
}

AssemblyName AssemblyText::nameOf(const std::string &identifier) const {
  if (auto ours = identifiers_.find(identifier); ours != identifiers_.end()) return ours->second;
  auto use = firstUse_.find(identifier);
  const size_t offset = use == firstUse_.end() ? 0 : use->second;
  return {.symbol = identifier, .offset = offset, .length = std::min(identifier.size(), size_ - offset)};
}

std::string AssemblyText::inItsWords(std::string message) const {
  for (const auto &[identifier, spelling] : spellings_)
    for (size_t at = message.find(identifier); at != std::string::npos; at = message.find(identifier, at))
      message.replace(at, identifier.size(), spelling), at += spelling.size();
  return message;
}

} // namespace lpc
