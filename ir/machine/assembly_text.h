// The text of an `asm` block, made safe for an assembler that trusts its input.
//
// LLVM's assembler reads files (.incbin, .include), repeats text (.rept, macros), takes memory without limit (.fill,
// .org), changes sections, and calls itself as deep as expressions nest. So the text is read here first: only words of
// a short list may stand where a directive can stand, comments are taken out, statements have a length and a depth.
// Names that the assembler's syntax has no form for (`$fix:entry`, `libc.so.6!puts`, anything in quotes) become
// identifiers.
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ir/support/diagnostic.h"

namespace lpc {

enum class AssemblySyntax : uint8_t { Intel, Att };

// What is wrong with bytes [offset, offset + length) of the block's text.
struct AssemblyFault {
  DiagnosticId id = DiagnosticId::AssemblyError;
  std::string message;
  size_t offset = 0, length = 0;
  std::string help{};
};

// A name as the language has it, and where it stands first in the block's text.
struct AssemblyName {
  std::string memory{}, object{}, sourceFile{}; // `$MEMORY`, `$MEMORY:SYMBOL`, `OBJECT!SYMBOL`, `FILE.c:SYMBOL`
  std::string symbol{};
  bool quoted = false;
  size_t offset = 0, length = 0;
};

class AssemblyText {
public:
  // `isMemory`: whether `$NAME` is memory of the patch; in AT&T's syntax a `$` before other words is an immediate's.
  static std::expected<AssemblyText, std::vector<AssemblyFault>>
  prepare(std::string_view text, AssemblySyntax syntax, const std::function<bool(std::string_view)> &isMemory);

  // For the assembler.
  [[nodiscard]] const std::string &text() const { return text_; }
  // Where byte `at` of text() came from in the block.
  [[nodiscard]] size_t origin(size_t at) const;
  // What the assembler's identifier stands for: one of ours, or a symbol as it is.
  [[nodiscard]] AssemblyName nameOf(const std::string &identifier) const;
  // A message of the assembler's with the block's own names.
  [[nodiscard]] std::string inItsWords(std::string message) const;

private:
  friend class AssemblyReader;
  std::string text_;
  size_t size_ = 0; // of the block
  std::vector<std::pair<size_t, size_t>> anchors_;  // byte of text_ → byte of the block, both ascending
  std::map<std::string, AssemblyName> identifiers_; // ours
  std::map<std::string, size_t> firstUse_;          // of other words, in the block
  std::map<std::string, std::string> spellings_;    // of ours
};

} // namespace lpc
