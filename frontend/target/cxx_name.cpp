// Demangling for comparison, with LLVM's Itanium demangler
// (https://itanium-cxx-abi.github.io/cxx-abi/abi.html#mangling).
//
// Not llvm::demangle: it prints the whole name, and substitutions can double the text with every few characters, so
// that a hundred characters of a hostile file print gigabytes. Here the parsed tree is weighed before it is printed: a
// node counts as often as it would be printed. The same tree also tells the name from its parameters, where cutting
// text at parentheses would err
// (`operator()`, function types as template arguments).
#include "frontend/target/cxx_name.h"

#include <llvm/Demangle/ItaniumDemangle.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <optional>
#include <type_traits>
#include <unordered_map>

namespace lpc::target {
namespace {

namespace itanium = llvm::itanium_demangle;
using itanium::Node;

// Nodes printed for one name. Real ones stay below some thousands.
constexpr uint64_t kHeaviestName = 50'000;

// The nodes of one name; all are released together (none has a destructor that matters).
class Arena {
public:
  void reset() { blocks_.clear(), used_ = kBlock; }
  template <class T, class... Args> T *makeNode(Args &&...args) {
    return new (allocate(sizeof(T))) T(std::forward<Args>(args)...);
  }
  void *allocateNodeArray(size_t count) { return allocate(sizeof(Node *) * count); }

private:
  static constexpr size_t kBlock = 4096;
  void *allocate(size_t size) {
    size = (std::max<size_t>(size, 1) + 15) & ~size_t{15}; // an empty array has a place, too
    if (size > kBlock) {                                   // a block of its own; the current one goes on being filled
      blocks_.insert(blocks_.begin(), std::make_unique<std::byte[]>(size));
      return blocks_.front().get();
    }
    if (used_ + size > kBlock) blocks_.push_back(std::make_unique<std::byte[]>(kBlock)), used_ = 0;
    return blocks_.back().get() + std::exchange(used_, used_ + size);
  }
  std::vector<std::unique_ptr<std::byte[]>> blocks_;
  size_t used_ = kBlock;
};

using Parser = itanium::ManglingParser<Arena>;

// How many nodes printing would visit, at least. Shared nodes are weighed once and counted each time.
class Scales {
public:
  uint64_t weigh(const Node *tree) { return of(tree).nodes; }

private:
  struct Weight {
    uint64_t nodes = 0; // stops growing at kHeaviestName
    uint64_t pack = 1;  // elements of the largest parameter pack inside
    void add(const Weight &other) {
      nodes = std::min(nodes + other.nodes, kHeaviestName);
      pack = std::max(pack, other.pack);
    }
  };

  Weight of(const Node *node) {
    if (!node) return {};
    auto [known, isNew] =
        weights_.try_emplace(node, Weight{kHeaviestName, 1}); // met again inside itself: as heavy as can be
    if (!isNew) return known->second;
    Weight sum{2, 1};
    node->visit([&](const auto *actual) { sum.add(inside(actual)); });
    switch (node->getKind()) {
    case Node::KParameterPackExpansion: // what is expanded is printed once for each element
    case Node::KFoldExpr:
    case Node::KSizeofParamPackExpr: sum.nodes = std::min(sum.nodes * sum.pack, kHeaviestName); break;
    default: break;
    }
    return weights_[node] = sum;
  }

  template <class T> Weight inside(const T *node) {
    Weight sum;
    node->match([&](const auto &...fields) { (sum.add(part(fields)), ...); });
    return sum;
  }
  Weight inside(const itanium::ForwardTemplateReference *node) { return of(node->Ref); }
  Weight inside(const itanium::ParameterPack *node) {
    Weight sum;
    node->match([&](const itanium::NodeArray &elements) {
      sum = part(elements);
      sum.pack = std::max<uint64_t>(sum.pack, elements.size());
    });
    return sum;
  }

  template <class Field> Weight part(const Field &field) {
    if constexpr (std::is_convertible_v<Field, const Node *>) {
      return of(field);
    } else if constexpr (std::is_same_v<Field, itanium::NodeArray>) {
      Weight sum;
      for (const Node *element : field)
        sum.add(of(element));
      return sum;
    } else if constexpr (std::is_convertible_v<Field, std::string_view>) {
      return {std::string_view(field).size() / 16, 1};
    } else {
      return {};
    }
  }
  std::unordered_map<const Node *, Weight> weights_;
};

class Text {
public:
  Text() = default;
  Text(const Text &) = delete;
  Text &operator=(const Text &) = delete;
  ~Text() { std::free(buffer.getBuffer()); }
  itanium::OutputBuffer buffer;
  [[nodiscard]] std::string_view view() const { return buffer; }
};

bool isIdentifierChar(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}

// Keeps a blank only between two words: "char const *" and "char const*", "A<B >" and "A<B>" are the same.
std::string withoutIdleBlanks(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); i++) {
    if (text[i] != ' ') {
      out += text[i];
      continue;
    }
    size_t next = text.find_first_not_of(' ', i);
    if (next == std::string_view::npos) break;
    if (!out.empty() && isIdentifierChar(out.back()) && isIdentifierChar(text[next])) out += ' ';
    i = next - 1;
  }
  return out;
}

std::string withoutAbiTags(std::string text) {
  for (size_t at; (at = text.find("[abi:")) != std::string::npos;) {
    size_t end = text.find(']', at);
    if (end == std::string::npos) break;
    text.erase(at, end - at + 1);
  }
  return text;
}

// Splits "f(int) [clone .isra.0]" (c++filt, gdb, nm) and "f(int) (.isra.0)" (LLVM) into the name and ".isra.0".
std::pair<std::string_view, std::string_view> splitClone(std::string_view text) {
  for (auto [opening, closing] : {std::pair<std::string_view, char>{" [clone .", ']'}, {" (.", ')'}}) {
    size_t at = text.find(opening);
    if (at == std::string_view::npos || !text.ends_with(closing)) continue;
    size_t dot = at + opening.size() - 1;
    return {text.substr(0, at), text.substr(dot, text.size() - dot - 1)};
  }
  return {text, {}};
}

// Position of the bracket that opens the group that ends with text.back(); npos where there is none.
size_t openingOf(std::string_view text) {
  int depth = 0;
  for (size_t i = text.size(); i-- > 0;) {
    char c = text[i];
    if (c == ')' || c == ']' || c == '}' || (c == '>' && !(i > 0 && text[i - 1] == '-'))) depth++;
    if (c == '(' || c == '[' || c == '{' || c == '<') depth--;
    if (depth == 0) return i;
  }
  return std::string_view::npos;
}

// Words that may end a name (behind the parameters), and names that the mangling abbreviates: they don't stand in
// mangled names.
constexpr std::array kNotMangled = {"const",         "volatile",      "restrict", "noexcept", "std",
                                    "allocator",     "string",        "istream",  "ostream",  "iostream",
                                    "basic_string",  "basic_istream", "operator", "new",      "delete",
                                    "basic_ostream", "basic_iostream"};

// "6accept" of "http::Server::accept(int) const".
std::string needleOf(std::string_view text) {
  while (!text.empty()) {
    char last = text.back();
    if (last == ')' || last == ']' || last == '}' || last == '>') {
      size_t opening = openingOf(text);
      if (opening == std::string_view::npos) return {};
      text = text.substr(0, opening);
    } else if (isIdentifierChar(last)) {
      size_t start = text.size();
      while (start > 0 && isIdentifierChar(text[start - 1]))
        start--;
      std::string_view word = text.substr(start);
      text = text.substr(0, start);
      // "operator int", "operator new": the word is part of the operator.
      std::string_view before = text.substr(0, text.find_last_not_of(' ') + 1);
      if (before.ends_with("operator")) continue;
      if (word[0] >= '0' && word[0] <= '9') return {}; // behind a length it could not be told from it
      // An abbreviated last name: an earlier one would be no better, so all names have to be looked at.
      if (std::ranges::find(kNotMangled, word) == kNotMangled.end()) return std::to_string(word.size()).append(word);
      if (word != "const" && word != "volatile" && word != "restrict" && word != "noexcept" && word != "operator" &&
          word != "new" && word != "delete")
        return {};
    } else {
      text.remove_suffix(1); // ':', '~', '&', blanks, an operator's signs
    }
  }
  return {};
}

} // namespace

CxxName::CxxName(std::string_view wanted) {
  auto [name, suffix] = splitClone(wanted);
  wanted_ = withoutIdleBlanks(name);
  suffix_ = suffix;
  needle_ = needleOf(name);
  tagged_ = wanted_.find("[abi:") != std::string::npos;
}

bool CxxName::matches(std::string_view mangled, uint64_t &budget) const {
  if (!mangled.starts_with("_Z") || mangled.size() > kLongestMangledName || budget == 0) return false;
  // ".isra.0" and the like: no mangled name has a dot. The demangler sees what is before it.
  size_t dot = std::min(mangled.find('.'), mangled.size());
  if (mangled.substr(dot) != suffix_) return false;
  mangled = mangled.substr(0, dot);

  Parser parser(mangled.data(), mangled.data() + mangled.size());
  const Node *tree = parser.parse();
  uint64_t weight = tree ? Scales().weigh(tree) : 0;
  budget -= std::min(budget, mangled.size() + weight);
  if (!tree || weight >= kHeaviestName) return false;

  auto same = [&](const Text &text) {
    std::string printed = withoutIdleBlanks(text.view());
    return printed == wanted_ || (!tagged_ && withoutAbiTags(std::move(printed)) == wanted_);
  };
  Text whole;
  tree->print(whole.buffer);
  if (same(whole)) return true;
  if (tree->getKind() != Node::KFunctionEncoding) return false;

  const auto &function = *static_cast<const itanium::FunctionEncoding *>(tree);
  Text name;
  function.getName()->print(name.buffer);
  if (same(name)) return true;
  if (!function.getReturnType()) return false;
  // A template's result stands before its name; people leave it out.
  name.buffer.printOpen();
  function.getParams().printWithComma(name.buffer);
  name.buffer.printClose();
  if (function.getCVQuals() & itanium::QualConst) name.buffer += " const";
  if (function.getCVQuals() & itanium::QualVolatile) name.buffer += " volatile";
  if (function.getRefQual() == itanium::FrefQualLValue) name.buffer += " &";
  if (function.getRefQual() == itanium::FrefQualRValue) name.buffer += " &&";
  return same(name);
}

} // namespace lpc::target
