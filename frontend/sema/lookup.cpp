// Looking one name up, and everything that is said when it has no meaning or several.
#include "frontend/sema/lookup.h"

#include <algorithm>

#include "frontend/sema/spelling.h"
#include "frontend/sema/suggest.h"
#include "ir/support/cat.h"

namespace lpc::sema {
namespace {

using target::ElfFile;
using target::Symbol;
using target::SymbolKind;

constexpr size_t kNamesForSuggestions = 1'000'000;

// The name with a version that is not the default one is as near as can be.
std::vector<std::string> nearOrVersions(const std::string &wanted, const std::vector<std::string> &names) {
  std::vector<std::string> versions;
  for (const std::string &name : names)
    if (name.size() > wanted.size() && name.starts_with(wanted) && name[wanted.size()] == '@') versions.push_back(name);
  return versions.empty() ? nearest(wanted, names) : versions;
}

// `libc` for `libc.so.6`.
std::vector<std::string> longerNames(const std::string &wanted, const std::vector<std::string> &names) {
  std::vector<std::string> longer;
  for (const std::string &name : names)
    if (name.starts_with(wanted + ".") || name.starts_with(wanted + "-")) longer.push_back(name);
  return longer;
}

std::vector<std::string> near(const std::string &wanted, const ElfFile &file, Context &context) {
  if (context.suggestionsLeft == 0) return {};
  context.suggestionsLeft--;
  return nearOrVersions(wanted, file.symbolNames(kNamesForSuggestions));
}

// In all libraries together.
std::vector<std::string> nearInLibraries(const std::string &wanted, const Symbols &symbols, Context &context) {
  if (context.suggestionsLeft == 0) return {};
  context.suggestionsLeft--;
  std::vector<std::string> names;
  for (size_t library : symbols.libraries())
    for (std::string &name : (*context.objects.file(library))->symbolNames(kNamesForSuggestions))
      names.push_back(std::move(name));
  return nearOrVersions(wanted, names);
}

// What an address can't be made of, although the name has one meaning.
bool addressable(const Symbol &symbol, const std::string &written, Place place, Context &context) {
  if (symbol.kind == SymbolKind::ThreadLocal) {
    Diagnostic &d =
        context.report(DiagnosticId::ThreadLocalSymbol, place,
                       cat("`", written, "` is a thread-local variable: it has an address of its own in every thread"));
    d.help = "change it with code that runs in the thread: a function of a `dl` object";
    return false;
  }
  if (symbol.kind == SymbolKind::Ifunc) {
    Diagnostic &d = context.report(DiagnosticId::IfuncSymbol, place,
                                   cat("`", written,
                                       "` is an IFUNC: what stands at its address is the resolver that picked an "
                                       "implementation when the process started"));
    d.help = "with a process (`--pid PID`) the implementation that it uses is meant; or name that implementation";
    return false;
  }
  return true;
}

// The function that an IFUNC of the process stands for, as if it had been named itself; and it is said.
const Symbol *implementationOf(const Symbol &ifunc, size_t object, const std::string &written, Place place,
                               Context &context) {
  std::vector<LinkAddress> found = context.options.implementationsOf(object, ifunc);
  auto elf = context.objects.file(object); // open: the symbol comes from it
  auto named = [&](LinkAddress address) {
    auto symbol = (*elf)->symbolAt(address);
    return symbol && symbol->address == address ? cat("`", symbol->name, "`")
                                                : cat("the code at ", hexAddress(address));
  };
  if (found.size() != 1) {
    Diagnostic &d = context.report(
        DiagnosticId::IfuncSymbol, place,
        found.empty()
            ? cat("`", written, "` is an IFUNC, and nothing in the process shows which implementation it uses")
            : cat("`", written, "` is an IFUNC, and the process uses ", found.size(),
                  " different implementations of it"));
    if (!found.empty()) d.notes.push_back({"implementations:"});
    for (LinkAddress address : found)
      d.notes.back().lines.push_back(cat(hexAddress(address), "  ", named(address)));
    d.help = cat("name the implementation that is meant, or its address: `OBJECT!ADDRESS`");
    return nullptr;
  }
  Diagnostic &d = context.report(
      DiagnosticId::IfuncSymbol, place,
      cat("`", written, "` is an IFUNC; ", named(found[0]), ", which the process uses for it, is what is meant here"));
  d.severity = Severity::Warning;
  Symbol implementation = ifunc;
  implementation.kind = target::SymbolKind::Function;
  if (auto symbol = (*elf)->symbolAt(found[0]); symbol && symbol->address == found[0]) implementation = *symbol;
  implementation.address = found[0];
  if (implementation.name == ifunc.name) implementation.size = 0; // a stripped file does not tell
  return &context.implementations.emplace_back(std::move(implementation));
}

class Lookup {
public:
  Lookup(const ast::SymbolAddress &wanted, const Symbols &symbols, Context &context)
      : wanted_(wanted), symbols_(symbols), context_(context), place_(wanted.symbol.place) {
    if (wanted.sourceFile) place_ = join(wanted.sourceFile->place, wanted.symbol.place);
    selector_.version = splitVersion(wanted.symbol.text).version;
    if (wanted.sourceFile) selector_.sourceFile = wanted.sourceFile->text;
  }

  std::optional<FoundSymbol> run() {
    if (wanted_.object) {
      auto object = namedObject(*wanted_.object, context_);
      if (!object || !fileOf(*object, wanted_.object->place, context_)) return std::nullopt;
      Candidates here = in(*object);
      return here.empty() ? unknownIn(*object) : one(*object, here);
    }
    if (!context_.program) return std::nullopt;
    if (Candidates here = in(0); !here.empty()) return one(0, here);
    return inLibraries();
  }

private:
  [[nodiscard]] Candidates in(size_t object) const {
    const std::vector<Symbol> &found = symbols_.inObject(object, wanted_.symbol.text);
    // A name that the table has with its `@` needs no version from elsewhere.
    bool literal = !found.empty() && found[0].name == wanted_.symbol.text;
    Selector selector = selector_;
    if (literal) selector.version = {};
    return narrow(found, selector, false);
  }

  std::optional<FoundSymbol> one(size_t object, const Candidates &candidates) {
    if (candidates.size() > 1) return ambiguous(object, candidates);
    const Symbol *symbol = candidates[0];
    if (symbol->kind == SymbolKind::Ifunc && context_.options.implementationsOf)
      symbol = implementationOf(*symbol, object, spelled(wanted_), place_, context_);
    else if (!addressable(*symbol, spelled(wanted_), place_, context_))
      symbol = nullptr;
    return symbol ? std::optional(FoundSymbol{object, symbol}) : std::nullopt;
  }

  // A symbol that is exported is what the name means to the dynamic linker; local ones of other libraries don't count
  // beside it.
  std::optional<FoundSymbol> inLibraries() {
    std::vector<std::pair<size_t, Candidates>> found;
    for (size_t library : symbols_.libraries())
      if (Candidates here = in(library); !here.empty()) found.emplace_back(library, std::move(here));
    auto exports = [](const auto &entry) {
      return std::ranges::any_of(entry.second, [](const Symbol *s) { return s->exported; });
    };
    if (std::ranges::any_of(found, exports)) std::erase_if(found, [&](const auto &entry) { return !exports(entry); });
    if (found.empty()) return unknownIn(0);
    if (found.size() == 1) return one(found[0].first, found[0].second);

    Diagnostic &d = context_.report(DiagnosticId::AmbiguousSymbol, place_,
                                    cat("`", spelled(wanted_), "` is not a symbol of `", shown(context_, 0), "`, and ",
                                        found.size(), " of its libraries have one"));
    Note note{"candidates:"};
    for (const auto &[library, candidates] : found)
      for (const std::string &line : describe(candidates))
        note.lines.push_back(cat(context_.objects.source(library).name, "  ", line));
    d.notes.push_back(std::move(note));
    d.help = cat("say which: `", context_.objects.source(found[0].first).name, "!", spelled(wanted_), "`");
    return std::nullopt;
  }

  std::optional<FoundSymbol> ambiguous(size_t object, const Candidates &candidates) {
    Diagnostic &d = context_.report(DiagnosticId::AmbiguousSymbol, place_,
                                    cat("`", shown(context_, object), "` has ", candidates.size(), " symbols that `",
                                        spelled(wanted_), "` can mean"));
    d.notes.push_back({"candidates:", {}, describe(candidates)});
    std::string name = wanted_.object ? spelled(*wanted_.object) : context_.objects.source(object).name;
    d.help = cat("say which: ", distinctName(candidates, name, wanted_));
    return std::nullopt;
  }

  std::optional<FoundSymbol> unknownIn(size_t object) {
    const std::string file = shown(context_, object);
    bool elsewhere = !wanted_.object && context_.objects.size() > 1;
    Diagnostic &d = context_.report(
        DiagnosticId::UnknownSymbol, place_,
        cat("`", file, "`", elsewhere ? " and its libraries have" : " has", " no symbol `", withoutObject(), "`"));
    const std::vector<Symbol> &others = symbols_.inObject(object, wanted_.symbol.text);
    if (!others.empty()) d.notes.push_back({"what has this name:", {}, describe(narrow(others, {}, false))});
    auto elf = object == 0 ? context_.program : context_.objects.file(object).value();
    if (!elf->hasSymbolTable())
      d.notes.push_back({cat("`", file, "` is stripped: only the names that it exports are known")});
    if (elsewhere && symbols_.librariesAreMissing())
      d.notes.push_back({"some of its libraries were not found, so their symbols are not known"});
    if (others.empty()) d.help = remedy(*elf);
    return std::nullopt;
  }

  std::string remedy(const ElfFile &elf) {
    const std::string &first = wanted_.sourceFile ? wanted_.sourceFile->text : wanted_.symbol.text;
    if (!wanted_.object && context_.memoryNames.contains(first)) return cat("did you mean `$", withoutObject(), "`?");
    std::string help = didYouMean(near(wanted_.symbol.text, elf, context_));
    if (help.empty() && !wanted_.object) help = didYouMean(nearInLibraries(wanted_.symbol.text, symbols_, context_));
    if (help.empty() && !elf.hasSymbolTable()) help = "install its debug symbols: they are found by build-id";
    return help;
  }

  [[nodiscard]] std::string withoutObject() const {
    ast::SymbolAddress rest = wanted_;
    rest.object.reset();
    return spelled(rest);
  }

  const ast::SymbolAddress &wanted_;
  const Symbols &symbols_;
  Context &context_;
  Place place_;
  Selector selector_;
};

} // namespace

std::optional<FoundSymbol> findSymbol(const ast::SymbolAddress &wanted, const Symbols &symbols, Context &context) {
  return Lookup(wanted, symbols, context).run();
}

std::optional<size_t> namedObject(const ast::Name &name, Context &context) {
  if (context.brokenObjects.contains(name.text)) return std::nullopt;
  std::vector<size_t> found = context.objects.named(name.text);
  if (found.size() == 1) return found[0];
  if (found.empty()) {
    std::vector<std::string> known;
    known.reserve(context.objects.size());
    for (size_t i = 0; i < context.objects.size(); i++)
      known.push_back(context.objects.source(i).name);
    Diagnostic &d = context.report(
        DiagnosticId::UnknownObject, name.place,
        cat("`", name.text, "` is neither an object of this patch nor a library of `", shown(context, 0), "`"));
    d.help = didYouMean(nearest(name.text, known));
    if (d.help.empty()) d.help = didYouMean(longerNames(name.text, known));
    if (d.help.empty()) d.help = cat("say which file it is: `object NAME = FILE`");
    return std::nullopt;
  }
  Diagnostic &d = context.report(DiagnosticId::AmbiguousObject, name.place,
                                 cat("`", name.text, "` is the name of ", found.size(), " objects"));
  Note note{"candidates:"};
  for (size_t i : found)
    note.lines.push_back(shown(context, i));
  d.notes.push_back(std::move(note));
  d.help = "give the one that is meant a name of its own: `object NAME = FILE`";
  return std::nullopt;
}

std::shared_ptr<const ElfFile> fileOf(size_t object, Place place, Context &context) {
  if (object == 0) return context.program;
  auto file = context.objects.file(object);
  if (file) return *file;
  Diagnostic diagnostic = toDiagnostic(std::move(file.error()), place);
  diagnostic.severity = Severity::Error; // a library that is not found is a warning only as long as nobody names it
  context.diagnostics.add(std::move(diagnostic));
  return nullptr;
}

const Symbol *findInPayload(const ast::Name &name, const Memory &memory, const Symbols &symbols, Context &context) {
  // The process's dynamic linker knows what an object exports, and so does who looks into the process later.
  const std::vector<Symbol> &all = symbols.inPayload(memory, name.text);
  const bool literal = !all.empty() && all[0].name == name.text;
  Candidates found = narrow(all, {.version = literal ? std::string_view{} : splitVersion(name.text).version}, false);
  const bool opened = memory.kind == MemoryKind::Opened;
  if (opened) std::erase_if(found, [](const Symbol *symbol) { return !symbol->exported; });
  const std::string &file = memory.file->text;
  if (found.empty()) {
    Diagnostic &d =
        context.report(DiagnosticId::UnknownSymbol, name.place,
                       cat("`", file, "` ", opened ? "exports" : "has", " no symbol `", spelled(name), "`"));
    d.help = didYouMean(near(name.text, *memory.payload, context));
    return nullptr;
  }
  if (found.size() > 1) {
    Diagnostic &d =
        context.report(DiagnosticId::AmbiguousSymbol, name.place,
                       cat("`", file, "` has ", found.size(), " symbols that `", spelled(name), "` can mean"));
    d.notes.push_back({"candidates:", {}, describe(found)});
    d.help = "give the one that is meant a name of its own in the source";
    return nullptr;
  }
  const std::string written = cat("$", memory.name->text, ":", spelled(name));
  if (found[0]->kind == SymbolKind::Ifunc && opened) {
    context
        .report(
            DiagnosticId::IfuncSymbol, name.place,
            cat("`", written, "` is an IFUNC of an object that is yet to be loaded, which picks its implementation"))
        .help = "name that implementation, or let a payload of `dl` refer to the IFUNC";
    return nullptr;
  }
  // An indirect function of a payload is what its resolver says: the linker makes a stub for it (backend/link.h).
  bool good = found[0]->kind == SymbolKind::Ifunc || addressable(*found[0], written, name.place, context);
  return good ? found[0] : nullptr;
}

} // namespace lpc::sema
