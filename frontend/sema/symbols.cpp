// Collecting names and looking them up.
//
// A name without an object is looked up in the program, and only what the program lacks in its libraries: most patches
// name nothing but the program's own symbols, and then no library is opened. What payloads leave undefined takes the
// same way.
#include "frontend/sema/symbols.h"

#include <algorithm>
#include <iterator>
#include <unordered_set>

#include "frontend/sema/walk.h"

namespace lpc::sema {
namespace {

using Names = std::unordered_set<std::string>;

void want(Names &names, const std::string &symbol) {
  names.insert(symbol);
  VersionedName parts = splitVersion(symbol);
  if (!parts.version.empty()) names.emplace(parts.name);
}

// Both together, each once; sorted, so that one input always makes one order of work.
std::vector<std::string> together(const Names &some, const Names &others) {
  std::vector<std::string> out(some.begin(), some.end());
  out.insert(out.end(), others.begin(), others.end());
  std::ranges::sort(out);
  out.erase(std::ranges::unique(out).begin(), out.end());
  return out;
}

using Table = std::unordered_map<std::string, std::vector<target::Symbol>>;

void lookUp(const target::ElfFile &file, std::vector<std::string> names, Table &into,
            target::Spelling spelling = target::Spelling::AlsoCxx) {
  if (names.empty()) return;
  std::vector<std::vector<target::Symbol>> found = file.find(names, spelling);
  into.reserve(names.size());
  for (size_t i = 0; i < names.size(); i++)
    if (!found[i].empty()) into.insert_or_assign(std::move(names[i]), std::move(found[i]));
}

// Names of symbol tables, and names that may be C++ ones: in one pass, and another one only where some of the latter
// are in no table.
void lookUp(const target::ElfFile &file, const Names &asInTable, const Names &alsoCxx, Table &into) {
  lookUp(file, together(asInTable, alsoCxx), into, target::Spelling::AsInTable);
  Names lacking;
  std::ranges::copy_if(alsoCxx, std::inserter(lacking, lacking.end()),
                       [&](const std::string &name) { return !into.contains(name); });
  lookUp(file, together(lacking, {}), into, target::Spelling::Cxx);
}

Names joined(const Names &some, const Names &others) {
  Names out = some;
  out.insert(others.begin(), others.end());
  return out;
}

const std::vector<target::Symbol> kNone;

const std::vector<target::Symbol> &at(const std::unordered_map<std::string, std::vector<target::Symbol>> &table,
                                      const std::string &name) {
  if (auto found = table.find(name); found != table.end()) return found->second;
  VersionedName parts = splitVersion(name);
  if (parts.version.empty()) return kNone;
  auto found = table.find(std::string(parts.name));
  return found == table.end() ? kNone : found->second;
}

} // namespace

struct Symbols::Wanted {
  Names anywhere;                                  // in the program, else in a library
  std::unordered_map<size_t, Names> inObject;      // OBJECT!SYMBOL
  Names needed;                                    // by payloads: names of symbol tables
  std::unordered_map<size_t, Names> coldParts;     // the same
  std::unordered_map<std::string, Names> inMemory; // $NAME:SYMBOL

  Wanted(const ast::File &file, const Assemblies &assemblies, const Memories &memories, const Context &context) {
    for (const auto &[statement, assembly] : assemblies)
      for (const std::optional<ast::Address> &target : assembly.targets)
        if (target) add(*target, context);
    for (const ast::Statement &statement : file.statements) {
      forEachAddress(statement, [&](const ast::Address &address) { add(address, context); });
      if (const auto *jmp = std::get_if<ast::Jmp>(&statement.what)) addColdPart(jmp->from, context);
      if (const auto *hook = std::get_if<ast::Hook>(&statement.what)) addColdPart(hook->function, context);
      if (const auto *code = std::get_if<ast::Asm>(&statement.what))
        if (const auto *at = std::get_if<ast::Address>(&code->where)) addColdPart(*at, context);
      if (const auto *returns = std::get_if<ast::Return>(&statement.what)) addColdPart(returns->function, context);
      if (const auto *nop = std::get_if<ast::Nop>(&statement.what)) addColdPart(nop->at, context);
      if (const auto *let = std::get_if<ast::Let>(&statement.what)) addColdPart(let->address, context);
    }
    for (const Memory &memory : memories.all)
      if (memory.usable && memory.kind == MemoryKind::Linked)
        for (const target::ElfFile::Undefined &undefined : memory.payload->undefinedSymbols()) {
          needed.insert(undefined.name);
          for (const Memory &other : memories.all)
            if (&other != &memory && other.usable && other.payload) inMemory[other.name->text].insert(undefined.name);
        }
  }

private:
  void add(const ast::Address &address, const Context &context) {
    if (const auto *symbol = std::get_if<ast::SymbolAddress>(&address.base)) {
      if (Names *names = namesFor(*symbol, context)) want(*names, symbol->symbol.text);
    } else if (const auto *memory = ast::boxed<ast::MemoryAddress>(address.base)) {
      if (const auto *name = std::get_if<ast::Name>(&memory->member)) want(inMemory[memory->memory.text], name->text);
    }
  }

  void addColdPart(const ast::Address &from, const Context &context) {
    const auto *symbol = std::get_if<ast::SymbolAddress>(&from.base);
    if (symbol == nullptr) return;
    size_t object = 0;
    if (symbol->object) {
      auto named = objectNamed(context, symbol->object->text);
      if (!named) return;
      object = *named;
    }
    coldParts[object].insert(coldPart(symbol->symbol.text));
  }

  Names *namesFor(const ast::SymbolAddress &symbol, const Context &context) {
    if (!symbol.object) return &anywhere;
    auto object = objectNamed(context, symbol.object->text);
    return object ? &inObject[*object] : nullptr;
  }
};

VersionedName splitVersion(std::string_view symbol) {
  size_t at = symbol.find('@');
  if (at == 0 || at == std::string_view::npos) return {symbol, {}};
  std::string_view version = symbol.substr(at + 1);
  if (version.starts_with('@')) version.remove_prefix(1);
  return {symbol.substr(0, at), version};
}

std::optional<size_t> objectNamed(const Context &context, const std::string &name) {
  std::vector<size_t> found = context.objects.named(name);
  return found.size() == 1 ? std::optional(found[0]) : std::nullopt;
}

Symbols::Symbols(const ast::File &file, const Assemblies &assemblies, const Memories &memories, Context &context) {
  Wanted wanted(file, assemblies, memories, context);
  lookUpPayloads(memories, wanted);
  lookUpObjects(wanted, context);
}

void Symbols::lookUpPayloads(const Memories &memories, const Wanted &wanted) {
  for (const Memory &memory : memories.all) {
    if (!memory.usable || !memory.payload) continue;
    auto names = wanted.inMemory.find(memory.name->text);
    if (names != wanted.inMemory.end())
      lookUp(*memory.payload, together(names->second, {}), payloads_[memory.payload.get()]);
  }
}

void Symbols::lookUpObjects(const Wanted &wanted, Context &context) {
  const Names none;
  auto namesOf = [&](size_t object) -> const Names & {
    auto found = wanted.inObject.find(object);
    return found == wanted.inObject.end() ? none : found->second;
  };
  auto coldPartsOf = [&](size_t object) -> const Names & {
    auto found = wanted.coldParts.find(object);
    return found == wanted.coldParts.end() ? none : found->second;
  };
  Table &own = objects_[0];
  if (context.program) {
    lookUp(*context.program, joined(wanted.needed, coldPartsOf(0)), joined(wanted.anywhere, namesOf(0)), own);
  }

  auto lackingOf = [&](const Names &names) {
    Names lacking;
    std::ranges::copy_if(names, std::inserter(lacking, lacking.end()),
                         [&](const std::string &name) { return !own.contains(name); });
    return lacking;
  };
  Names lacking = lackingOf(wanted.anywhere);
  const Names exported = lackingOf(wanted.needed);
  if (!context.program || (lacking.empty() && exported.empty())) { // no need to know the libraries
    for (const auto &[object, names] : wanted.inObject)
      if (auto file = context.objects.file(object); object != 0 && file) {
        lookUp(**file, coldPartsOf(object), names, objects_[object]);
      }
    return;
  }
  for (size_t i = 1; i < context.objects.size(); i++) {
    // What payloads need, a library has to export: its own table says so.
    bool debugToo = !lacking.empty() || wanted.inObject.contains(i);
    auto file = debugToo ? context.objects.file(i) : context.objects.withoutDebugFile(i);
    if (!file) {
      librariesMissing_ = true;
      Diagnostic diagnostic = toDiagnostic(std::move(file.error()));
      diagnostic.severity = Severity::Warning; // for now: whoever needs a name of it gets an error
      context.diagnostics.add(std::move(diagnostic));
      continue;
    }
    libraries_.push_back(i);
    lookUp(**file, together(exported, {}), objects_[i], target::Spelling::Exported);
    lookUp(**file, joined(lacking, coldPartsOf(i)), namesOf(i), objects_[i]);
  }
  // A name that no library has as it stands is compared with C++ names.
  for (size_t i : libraries_)
    std::erase_if(lacking, [&](const std::string &name) { return objects_[i].contains(name); });
  if (lacking.empty()) return;
  for (size_t i : libraries_)
    if (auto file = context.objects.file(i)) lookUp(**file, together(lacking, {}), objects_[i], target::Spelling::Cxx);
}

const std::vector<target::Symbol> &Symbols::inObject(size_t object, const std::string &name) const {
  auto table = objects_.find(object);
  return table == objects_.end() ? kNone : at(table->second, name);
}

const std::vector<target::Symbol> &Symbols::inPayload(const Memory &memory, const std::string &name) const {
  auto table = payloads_.find(memory.payload.get());
  return table == payloads_.end() ? kNone : at(table->second, name);
}

} // namespace lpc::sema
