// From the assembler's view of a block, bytes of one text, to the patch's: places in a file, names of the language.
#include "frontend/sema/assemblies.h"

#include <algorithm>
#include <unordered_set>

#include "ir/support/cat.h"
#include "ir/support/utf8.h"

namespace lpc::sema {
namespace {

class Block {
public:
  Block(const ast::Asm &code, Context &context) : code_(code), context_(context) {}

  std::optional<Assembly> assembled(const std::unordered_set<std::string> &memories) {
    auto isMemory = [&](std::string_view name) { return memories.contains(std::string(name)); };
    AssemblySyntax syntax = code_.att ? AssemblySyntax::Att : AssemblySyntax::Intel;
    auto text = AssemblyText::prepare(code_.text, syntax, isMemory);
    if (!text) return report(text.error());
    auto assembled = assemble(context_.machine, *text, syntax);
    if (!assembled) return report(assembled.error());
    if (assembled->bytes.empty()) return report({{.message = "there is nothing to assemble between the braces"}});

    Assembly out{.code = std::move(*assembled), .targets = {}};
    for (const AssembledReference &reference : out.code.references)
      out.targets.push_back(
          reference.identifier.empty() ? std::nullopt : std::optional(addressOf(text->nameOf(reference.identifier))));
    return out;
  }

private:
  std::nullopt_t report(const std::vector<AssemblyFault> &faults) {
    for (const AssemblyFault &fault : faults)
      context_.report(fault.id, placeOf(fault.offset, fault.length), fault.message).help = fault.help;
    return std::nullopt;
  }

  ast::Address addressOf(const AssemblyName &name) const {
    Place place = placeOf(name.offset, name.length);
    auto part = [&](const std::string &text) { return ast::Name{text, false, place}; };
    ast::Address out{.base = {}, .displacements = {}, .place = place};
    if (!name.memory.empty()) {
      ast::MemoryAddress memory{part(name.memory), {}};
      memory.memory.place.column++; // without its $
      if (!name.symbol.empty()) memory.member = part(name.symbol);
      out.base = std::move(memory);
      return out;
    }
    ast::SymbolAddress symbol{.object = {}, .sourceFile = {}, .symbol = {name.symbol, name.quoted, place}};
    if (!name.object.empty()) symbol.object = part(name.object);
    if (!name.sourceFile.empty()) symbol.sourceFile = part(name.sourceFile);
    out.base = std::move(symbol);
    return out;
  }

  // Bytes of the block as a place in the file. What has no length (the end of a line) is shown as one column.
  [[nodiscard]] Place placeOf(size_t offset, size_t length) const {
    std::string_view before = std::string_view(code_.text).substr(0, offset);
    size_t newline = before.rfind('\n');
    bool first = newline == std::string_view::npos;
    auto line = code_.textPlace.line + static_cast<uint32_t>(std::ranges::count(before, '\n'));
    uint32_t column = codePoints(first ? before : before.substr(newline + 1)) + (first ? code_.textPlace.column : 1);
    std::string_view text = std::string_view(code_.text).substr(before.size(), length);
    text = text.substr(0, text.find('\n'));
    return {line, column, line, column + std::max<uint32_t>(codePoints(text), 1)};
  }

  const ast::Asm &code_;
  Context &context_;
};

// The name that a statement defines, or none.
const ast::Name *defines(const ast::Statement &statement) {
  if (const auto *fresh = std::get_if<ast::New>(&statement.what)) return &fresh->name;
  if (const auto *load = std::get_if<ast::Load>(&statement.what)) return &load->name;
  if (const auto *dl = std::get_if<ast::Dl>(&statement.what)) return &dl->name;
  if (const auto *open = std::get_if<ast::Dlopen>(&statement.what)) return &open->name;
  if (const auto *code = std::get_if<ast::Asm>(&statement.what)) return std::get_if<ast::Name>(&code->where);
  return nullptr;
}

} // namespace

Assemblies assembleBlocks(const ast::File &file, Context &context) {
  Assemblies out;
  if (!context.decoder) return out; // of a machine that can't be assembled for either, which has been reported
  std::unordered_set<std::string> memories;
  size_t index = 0;
  for (const ast::Statement &statement : file.statements) {
    if (const auto *code = std::get_if<ast::Asm>(&statement.what))
      if (auto assembled = Block(*code, context).assembled(memories)) out.emplace(index, std::move(*assembled));
    if (const ast::Name *name = defines(statement)) memories.insert(name->text);
    index++;
  }
  return out;
}

} // namespace lpc::sema
