// Choosing among symbols of one name.
//
// A static function is not overruled by a global one of the same name: both are what the author could mean, and a wrong
// guess is a jump over the wrong function. (A debugger may guess; it can be corrected.) Several names of one address
// are one symbol.
#include "frontend/sema/names.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>

#include "frontend/sema/spelling.h"
#include "ir/support/cat.h"

namespace lpc::sema {
namespace {

using target::Binding;
using target::Symbol;

bool fromSource(const Symbol &symbol, std::string_view wanted) {
  std::string_view have = symbol.sourceFile;
  if (have.empty()) return false;
  // Either may be written with folders: `util.c` means `src/util.c`, and `src/util.c` a symbol table's `util.c`.
  auto endsWithPath = [](std::string_view whole, std::string_view end) {
    return whole == end || (whole.ends_with(end) && whole[whole.size() - end.size() - 1] == '/');
  };
  return endsWithPath(have, wanted) || (have.find('/') == std::string_view::npos && endsWithPath(wanted, have));
}

// The better description of one address.
bool better(const Symbol &a, const Symbol &b) {
  auto rank = [](const Symbol &s) {
    return std::pair(s.binding == Binding::Global ? 2 : s.binding == Binding::Weak ? 1 : 0, s.size);
  };
  return rank(a) > rank(b);
}

void keep(Candidates &candidates, const auto &condition) {
  std::erase_if(candidates, [&](const Symbol *s) { return !condition(*s); });
}

// keep(), unless nothing would be left.
void prefer(Candidates &candidates, const auto &condition) {
  if (std::ranges::any_of(candidates, [&](const Symbol *s) { return condition(*s); })) keep(candidates, condition);
}

} // namespace

Candidates narrow(const std::vector<Symbol> &found, const Selector &selector, bool asLinker) {
  Candidates all;
  for (const Symbol &symbol : found)
    all.push_back(&symbol);
  if (selector.version.empty())
    prefer(all, [](const Symbol &s) { return s.defaultVersion; });
  else
    keep(all, [&](const Symbol &s) { return s.version == selector.version; });
  if (!selector.sourceFile.empty()) keep(all, [&](const Symbol &s) { return fromSource(s, selector.sourceFile); });

  std::map<std::pair<uint64_t, bool>, const Symbol *> byAddress; // a thread-local symbol's address is an offset
  for (const Symbol *symbol : all) {
    auto [slot, fresh] =
        byAddress.try_emplace({symbol->address.value, symbol->kind == target::SymbolKind::ThreadLocal}, symbol);
    if (!fresh && better(*symbol, *slot->second)) slot->second = symbol;
  }
  Candidates out;
  for (const auto &[address, symbol] : byAddress)
    out.push_back(symbol);
  if (asLinker) prefer(out, [](const Symbol &s) { return s.binding != Binding::Local; });
  bool global = std::ranges::any_of(out, [](const Symbol *s) { return s->binding == Binding::Global; });
  if (global) keep(out, [](const Symbol &s) { return s.binding != Binding::Weak; });
  return out;
}

std::string readable(const std::string &symbol) {
  if (!symbol.starts_with("_Z")) return symbol;
  int status = 0;
  std::unique_ptr<char, decltype(&std::free)> text(abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status),
                                                   &std::free);
  return status == 0 && text ? text.get() : symbol;
}

std::vector<std::string> describe(const Candidates &candidates) {
  struct Row {
    std::string address, size, source, name;
  };
  std::vector<Row> rows;
  size_t addressWidth = 0, sizeWidth = 0, sourceWidth = 0;
  for (const Symbol *s : candidates) {
    std::string source = !s->sourceFile.empty()         ? s->sourceFile
                         : s->binding == Binding::Local ? "(file unknown)"
                                                        : "(global)";
    std::string name = readable(s->name);
    if (!s->version.empty()) name += cat(s->defaultVersion ? "@@" : "@", s->version);
    rows.push_back({hexAddress(s->address), s->size == 0 ? "size unknown" : cat(s->size, " bytes"), source, name});
    addressWidth = std::max(addressWidth, rows.back().address.size());
    sizeWidth = std::max(sizeWidth, rows.back().size.size());
    sourceWidth = std::max(sourceWidth, source.size());
  }
  auto padded = [](const std::string &text, size_t width) { return text + std::string(width - text.size() + 2, ' '); };
  std::vector<std::string> lines;
  lines.reserve(rows.size());
  for (const Row &row : rows)
    lines.push_back(
        cat(padded(row.address, addressWidth), padded(row.size, sizeWidth), padded(row.source, sourceWidth), row.name));
  return lines;
}

std::string distinctName(const Candidates &candidates, const std::string &object, const ast::SymbolAddress &written) {
  auto count = [&](const auto &property, const auto &value) {
    return std::ranges::count_if(candidates, [&](const Symbol *s) { return property(*s) == value; });
  };
  std::string prefix = written.object ? cat(spelled(*written.object), "!") : "";
  for (const Symbol *s : candidates) {
    if (!s->sourceFile.empty() && count([](const Symbol &o) { return o.sourceFile; }, s->sourceFile) == 1)
      return cat("`", prefix, s->sourceFile, ":", spelled(written.symbol), "`");
    if (count([](const Symbol &o) { return o.name; }, s->name) == 1)
      return cat("`", prefix, "\"", readable(s->name), "\"`");
    if (!s->version.empty() && count([](const Symbol &o) { return o.version; }, s->version) == 1)
      return cat("`", prefix, s->name, "@", s->version, "`");
  }
  return cat("`", object, "!", hexAddress(candidates[0]->address), "`");
}

} // namespace lpc::sema
