// Binding by name. All names that are still open are looked up together, one scan an object (elf_file.h), and files are
// opened through the path that leads to the very file that is mapped (runtime/modules.h), never by name alone.
//
// The search stops at the first object that defines a name, as the dynamic linker's does; unlike there a weak
// definition does not yield to a strong one further on (ld.so(8), LD_DYNAMIC_WEAK: the same rule since glibc 2.2).
#include "backend/bind.h"

#include <algorithm>

#include "backend/module_files.h"
#include "frontend/target/type_info.h"
#include "ir/support/cat.h"
#include "runtime/thread_storage.h"

namespace lpc::backend {
namespace {

struct Wanted {
  const UndefinedSymbol *symbol;
  ir::MemoryId memory;
  Place place;
};

std::unexpected<Error> at(const Place &place, DiagnosticId id, std::string message, std::vector<Note> notes = {},
                          std::string help = {}) {
  return std::unexpected(Error{id, std::move(message), std::move(notes), std::move(help), place});
}

// Thread-local or not, and as large: as the payload takes it.
Result<void> checkKind(const target::Symbol &symbol, const std::string &object, const Wanted &wanted) {
  const bool threadLocal = symbol.kind == target::SymbolKind::ThreadLocal;
  if (threadLocal != wanted.symbol->threadLocal)
    return at(wanted.place, DiagnosticId::ThreadLocalSymbol,
              cat("`", symbol.name, "`, which the payload needs", threadLocal ? "" : " as a thread-local variable",
                  ", is a ", threadLocal ? "thread-local variable of " : "common symbol of ", object));
  if (wanted.symbol->own && symbol.size != 0 && wanted.symbol->size != 0 && symbol.size != wanted.symbol->size)
    return at(wanted.place, DiagnosticId::UnsupportedPayload,
              cat("`", symbol.name, "` has ", wanted.symbol->size, " bytes in the payload and ", symbol.size, " in ",
                  object, ", and it is one variable that all of them share"),
              {}, "give the payload's variable a name of its own");
  return {};
}

// The one definition among what one object has under a name. Nothing: it has none that counts.
Result<std::optional<target::Symbol>> choose(const std::vector<target::Symbol> &found, const std::string &object,
                                             bool localsToo, const Wanted &wanted) {
  std::vector<target::Symbol> candidates;
  for (const target::Symbol &symbol : found)
    if (localsToo || symbol.exported) candidates.push_back(symbol);
  auto best = [&](target::Binding binding) {
    return std::ranges::count(candidates, binding, &target::Symbol::binding) > 0;
  };
  for (target::Binding binding : {target::Binding::Global, target::Binding::Weak, target::Binding::Local}) {
    if (!best(binding)) continue;
    std::erase_if(candidates, [&](const target::Symbol &s) { return s.binding != binding; });
    break;
  }
  // A static variable of that name is another one than the copies that objects share.
  if (wanted.symbol->own && !candidates.empty() && candidates[0].binding == target::Binding::Local) candidates.clear();
  // A type that the payload has changed is another type.
  if (wanted.symbol->own && target::describesType(wanted.symbol->name))
    std::erase_if(candidates, [&](const target::Symbol &s) { return s.size != wanted.symbol->size; });
  if (candidates.empty()) return std::nullopt;
  bool same =
      std::ranges::all_of(candidates, [&](const target::Symbol &s) { return s.address == candidates[0].address; });
  if (!same) {
    Note note{"candidates:"};
    for (const target::Symbol &s : candidates)
      note.lines.push_back(cat(hexAddress(s.address), "  ", s.size, " bytes  ",
                               s.sourceFile.empty() ? "(source unknown)" : s.sourceFile));
    return at(
        wanted.place, DiagnosticId::AmbiguousSymbol,
        cat("`", wanted.symbol->name, "`, which the payload needs, stands ", candidates.size(), " times in ", object),
        {note}, cat("say which: `with ", wanted.symbol->name, " = FILE.c:", wanted.symbol->name, "`"));
  }
  if (auto good = checkKind(candidates[0], object, wanted); !good) return std::unexpected(std::move(good.error()));
  return candidates[0];
}

const ir::Binding *bindingOf(const ir::Link &link, const std::string &name) {
  auto found = std::ranges::find(link.with, name, &ir::Binding::symbol);
  return found == link.with.end() ? nullptr : &*found;
}

// Names bound inside the patch: by `with`, or by another payload. Copies that objects share come after the process's.
std::optional<BoundSymbol> inPatch(const ir::Patch &patch, const ir::Link &link,
                                   const std::map<ir::MemoryId, PayloadImage> &images, const UndefinedSymbol &wanted) {
  if (const ir::Binding *binding = bindingOf(link, wanted.name)) return binding->address;
  if (wanted.own) return std::nullopt;
  for (const ir::Operation &operation : patch.operations)
    if (const auto *other = std::get_if<ir::Link>(&operation.action); other && other->memory != link.memory) {
      const PayloadSymbol *symbol = images.at(other->memory).find(wanted.name);
      if (symbol && symbol->exported) return ir::Address{ir::InPayload{other->memory, wanted.name, 0}};
    }
  return std::nullopt;
}

// Names that an object of `dlopen` exports: it is loaded before the payload is linked.
Result<std::optional<BoundSymbol>> inOpenings(const OpenImages &opens, const Wanted &wanted) {
  if (wanted.symbol->own) return std::nullopt;
  for (const auto &[id, image] : opens) {
    auto symbol = image.exported(wanted.symbol->name);
    if (!symbol) continue;
    if (wanted.symbol->threadLocal || symbol->kind == target::SymbolKind::ThreadLocal)
      return at(wanted.place, DiagnosticId::ThreadLocalSymbol,
                cat("`", symbol->name, "`, which the payload needs, is a thread-local variable of ", image.file(),
                    ", which is loaded later"),
                {}, "use a function of it that returns its address");
    if (symbol->kind == target::SymbolKind::Ifunc) return IfuncResolver{image.of(symbol->address)};
    return image.of(symbol->address);
  }
  return std::nullopt;
}

// The first payload that has a copy, for all of them.
BoundSymbol firstCopy(const ir::Patch &patch, const std::map<ir::MemoryId, PayloadImage> &images,
                      const std::string &name) {
  for (const ir::Operation &operation : patch.operations)
    if (const auto *link = std::get_if<ir::Link>(&operation.action)) {
      const PayloadSymbol *symbol = images.at(link->memory).find(name);
      if (symbol && symbol->exported) return ir::Address{ir::InPayload{link->memory, name, 0}};
    }
  LPC_CHECK(!"the payload that asks has one");
}

// Looks names up in the objects of the process, in their order.
class ProcessBinder {
public:
  ProcessBinder(const runtime::Process &process, const Snapshot &snapshot, Bindings &bindings)
      : process_(process), snapshot_(snapshot), bindings_(bindings) {}

  // Takes those out of `open` that the module defines.
  Result<void> bindIn(const runtime::Module &module, bool localsToo, std::vector<Wanted> &open) {
    const target::ElfFile *file = snapshot_.files->of(module);
    if (!file) return {}; // not readable: its symbols are unknown, which the list of undefined ones will show
    std::vector<std::string> names;
    for (const Wanted &wanted : open) {
      names.push_back(wanted.symbol->name);
      names.push_back(wanted.symbol->versionedName());
    }
    auto found = file->find(names, target::Spelling::AsInTable);
    std::vector<Wanted> rest;
    for (size_t i = 0; i < open.size(); i++) {
      auto symbol = choose(ofVersion(found[2 * i], found[2 * i + 1]), module.path, localsToo, open[i]);
      if (!symbol) return std::unexpected(std::move(symbol.error()));
      const std::optional<target::Symbol> &definition = *symbol;
      if (!definition) {
        rest.push_back(open[i]);
        continue;
      }
      auto bound = placed(*definition, module, open[i]);
      if (!bound) return std::unexpected(std::move(bound.error()));
      bindings_[open[i].memory][open[i].symbol->versionedName()] = std::move(*bound);
    }
    open = std::move(rest);
    return {};
  }

  // Of a thread-local variable the patch states the place in the thread-local block of its object.
  Result<BoundSymbol> threadLocalOf(const ir::Binding &binding, const std::vector<size_t> &modules,
                                    const Wanted &wanted) {
    const auto *in = std::get_if<ir::InObject>(&binding.address.where);
    if (in == nullptr)
      return at(
          wanted.place, DiagnosticId::ThreadLocalSymbol,
          cat("`", binding.symbol, "`, which the payload needs as a thread-local variable, is bound to an address"));
    target::Symbol symbol;
    symbol.name = binding.symbol;
    symbol.address = in->address;
    return threadLocal(symbol, snapshot_.modules[modules[static_cast<size_t>(in->object)]], wanted);
  }

private:
  // What has the wanted version, else what has none; where no version is wanted, the default one.
  static const std::vector<target::Symbol> &ofVersion(const std::vector<target::Symbol> &plain,
                                                      const std::vector<target::Symbol> &versioned) {
    return versioned.empty() ? plain : versioned;
  }

  Result<BoundSymbol> placed(const target::Symbol &symbol, const runtime::Module &module, const Wanted &wanted) {
    if (symbol.kind == target::SymbolKind::ThreadLocal) return threadLocal(symbol, module, wanted);
    RemoteAddress address = symbol.absolute ? RemoteAddress{symbol.address.value} : module.bias.of(symbol.address);
    if (symbol.kind == target::SymbolKind::Ifunc) return IfuncResolver{address};
    return address;
  }

  Result<BoundSymbol> threadLocal(const target::Symbol &symbol, const runtime::Module &module, const Wanted &wanted) {
    auto [known, fresh] = storages_.try_emplace(&module);
    if (fresh) known->second = runtime::readThreadStorage(process_, snapshot_.maps, snapshot_.modules, module);
    const auto &storage = known->second;
    if (!storage || symbol.address.value > storage->size)
      return at(wanted.place, DiagnosticId::ThreadLocalSymbol,
                cat("`", symbol.name, "`, which the payload needs, is a thread-local variable of ", module.path,
                    ", and where the process keeps these is not known"),
                {}, "use a function of the program that returns its address");
    ThreadLocalPlace place{storage->module, symbol.address.value, {}};
    if (storage->fromThread) place.fromThread = *storage->fromThread + static_cast<int64_t>(symbol.address.value);
    return place;
  }

  const runtime::Process &process_;
  const Snapshot &snapshot_;
  Bindings &bindings_;
  std::map<const runtime::Module *, std::optional<runtime::ThreadStorage>> storages_;
};

std::unexpected<Error> undefined(const ir::Patch &patch, const std::vector<Wanted> &open) {
  const ir::Memory &memory = patch.memories[static_cast<size_t>(open[0].memory)];
  const std::string &payload = patch.payloads[static_cast<size_t>(*memory.payload)].name;
  Note note{"nobody defines:"};
  for (const Wanted &wanted : open)
    note.lines.push_back(wanted.symbol->name);
  return at(open[0].place, DiagnosticId::UndefinedPayloadSymbol,
            cat("`", payload, "` needs ", open.size() == 1 ? "a symbol" : "symbols",
                " that neither the patch, nor the program, nor its libraries define"),
            {note}, "bind it to an address: `dl NAME FILE with SYMBOL = ADDR`");
}

} // namespace

Result<Bindings> bindPayloads(const ir::Patch &patch, const std::map<ir::MemoryId, PayloadImage> &images,
                              const OpenImages &opens, const runtime::Process &process, const Snapshot &snapshot,
                              const std::vector<size_t> &modules) {
  Bindings bindings;
  std::vector<Wanted> open;
  ProcessBinder binder(process, snapshot, bindings);
  for (const ir::Operation &operation : patch.operations) {
    const auto *link = std::get_if<ir::Link>(&operation.action);
    if (!link) continue;
    for (const UndefinedSymbol &symbol : images.at(link->memory).undefined) {
      Wanted wanted{&symbol, link->memory, operation.place};
      const ir::Binding *binding = bindingOf(*link, symbol.name);
      if (binding != nullptr && symbol.threadLocal) {
        auto place = binder.threadLocalOf(*binding, modules, wanted);
        if (!place) return std::unexpected(std::move(place.error()));
        bindings[link->memory][symbol.versionedName()] = std::move(*place);
      } else if (auto bound = inPatch(patch, *link, images, symbol)) {
        bindings[link->memory][symbol.versionedName()] = std::move(*bound);
      } else if (auto exported = inOpenings(opens, wanted); !exported || *exported) {
        if (!exported) return std::unexpected(std::move(exported.error()));
        bindings[link->memory][symbol.versionedName()] = std::move(**exported);
      } else {
        open.push_back(wanted);
      }
    }
  }
  for (size_t i = 0; i < snapshot.modules.size() && !open.empty(); i++)
    if (auto bound = binder.bindIn(snapshot.modules[i], i == modules[0], open); !bound)
      return std::unexpected(std::move(bound.error()));
  std::erase_if(open, [&](const Wanted &wanted) {
    const UndefinedSymbol &symbol = *wanted.symbol;
    if (symbol.own)
      bindings[wanted.memory][symbol.versionedName()] = firstCopy(patch, images, symbol.name);
    else if (symbol.weak && !symbol.threadLocal)
      bindings[wanted.memory][symbol.versionedName()] = RemoteAddress{0};
    return symbol.own || (symbol.weak && !symbol.threadLocal);
  });
  if (!open.empty()) return undefined(patch, open);
  return bindings;
}

} // namespace lpc::backend
