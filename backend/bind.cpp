// Binding by name. All names that are still open are looked up together, one scan an object (elf_file.h), and files are
// opened through the path that leads to the very file that is mapped (runtime/modules.h), never by name alone.
//
// The search stops at the first object that defines a name, as the dynamic linker's does; unlike there a weak
// definition does not yield to a strong one further on (ld.so(8), LD_DYNAMIC_WEAK: the same rule since glibc 2.2).
#include "backend/bind.h"

#include <algorithm>

#include "frontend/target/elf_file.h"
#include "ir/support/cat.h"

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
  if (candidates[0].kind == target::SymbolKind::ThreadLocal)
    return at(wanted.place, DiagnosticId::ThreadLocalSymbol,
              cat("`", wanted.symbol->name, "`, which the payload needs, is a thread-local variable of ", object));
  return candidates[0];
}

BoundSymbol placed(const target::Symbol &symbol, const runtime::Module &module) {
  RemoteAddress address = symbol.absolute ? RemoteAddress{symbol.address.value} : module.bias.of(symbol.address);
  if (symbol.kind == target::SymbolKind::Ifunc) return IfuncResolver{address};
  return address;
}

// Names bound inside the patch: by `with`, or by another payload.
std::optional<BoundSymbol> inPatch(const ir::Patch &patch, const ir::Link &link,
                                   const std::map<ir::MemoryId, PayloadImage> &images, const std::string &name) {
  for (const ir::Binding &binding : link.with)
    if (binding.symbol == name) return binding.address;
  for (const ir::Operation &operation : patch.operations)
    if (const auto *other = std::get_if<ir::Link>(&operation.action); other && other->memory != link.memory) {
      const PayloadSymbol *symbol = images.at(other->memory).find(name);
      if (symbol && symbol->exported) return ir::Address{ir::InPayload{other->memory, name, 0}};
    }
  return std::nullopt;
}

// Looks the names that are still open up in one module, and takes out those it defines.
Result<void> bindIn(const runtime::Module &module, bool localsToo, std::vector<Wanted> &open, Bindings &bindings) {
  auto file = target::ElfFile::open(module.openPath, module.path);
  if (!file) return {}; // not readable: its symbols are unknown, which the list of undefined ones will show
  std::vector<std::string> names;
  for (const Wanted &wanted : open)
    names.push_back(wanted.symbol->name);
  auto found = (*file)->find(names);
  std::vector<Wanted> rest;
  for (size_t i = 0; i < open.size(); i++) {
    auto symbol = choose(found[i], module.path, localsToo, open[i]);
    if (!symbol) return std::unexpected(std::move(symbol.error()));
    if (*symbol)
      bindings[open[i].memory][open[i].symbol->name] = placed(**symbol, module);
    else
      rest.push_back(open[i]);
  }
  open = std::move(rest);
  return {};
}

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
                              const Snapshot &snapshot, const std::vector<size_t> &modules) {
  Bindings bindings;
  std::vector<Wanted> open;
  for (const ir::Operation &operation : patch.operations) {
    const auto *link = std::get_if<ir::Link>(&operation.action);
    if (!link) continue;
    for (const UndefinedSymbol &symbol : images.at(link->memory).undefined)
      if (auto bound = inPatch(patch, *link, images, symbol.name))
        bindings[link->memory][symbol.name] = std::move(*bound);
      else
        open.push_back({&symbol, link->memory, operation.place});
  }
  for (size_t i = 0; i < snapshot.modules.size() && !open.empty(); i++)
    if (auto bound = bindIn(snapshot.modules[i], i == modules[0], open, bindings); !bound)
      return std::unexpected(std::move(bound.error()));
  std::erase_if(open, [&](const Wanted &wanted) {
    if (wanted.symbol->weak) bindings[wanted.memory][wanted.symbol->name] = RemoteAddress{0};
    return wanted.symbol->weak;
  });
  if (!open.empty()) return undefined(patch, open);
  return bindings;
}

} // namespace lpc::backend
