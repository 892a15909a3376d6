// A resolver is never run by us: it is code of the program, on a thread that is not ours. It need not be, for whoever
// uses the function has its result: the object itself where it has IRELATIVE relocations (psABI, "Relocation Types":
// the slot gets what the resolver at the addend returns), and every object that imports the name in its GOT.
//
// A slot that is bound lazily leads into its own object's PLT until then; one that another definition has taken leads
// elsewhere. Both lie outside of the code of the object that defines the IFUNC. A lazy slot of that object itself lies
// inside, but such objects call their own IFUNCs through IRELATIVE slots, which are filled at the start.
#include "frontend/driver/bound_ifuncs.h"

#include <algorithm>
#include <set>

namespace lpc::driver {
namespace {

// The module of the process that an object of the list is.
const runtime::Module *moduleOf(size_t object, target::Objects &objects, const LiveProcess &live) {
  const auto &modules = live.snapshot.modules;
  auto same = [&](const runtime::Module &m) { return m.openPath == objects.source(object).path; };
  if (object == 0) { // given by the user, and perhaps a library
    auto file = objects.withoutDebugFile(0);
    Bytes build = file ? (*file)->buildId() : Bytes();
    auto found = std::ranges::find(modules, build, &runtime::Module::buildId);
    return build.empty() || found == modules.end() ? &modules.front() : &*found;
  }
  auto found = std::ranges::find_if(modules, same);
  return found == modules.end() ? nullptr : &*found;
}

} // namespace

std::vector<LinkAddress> boundImplementations(size_t object, const target::Symbol &ifunc, target::Objects &objects,
                                              const LiveProcess &live) {
  const runtime::Module *owner = moduleOf(object, objects, live);
  if (owner == nullptr) return {};
  std::set<RemoteAddress> found;
  auto look = [&](RemoteAddress slot) {
    auto word = live.process.readWord(slot);
    if (!word || !owner->range.contains({*word}) || RemoteAddress{*word} == owner->bias.of(ifunc.address)) return;
    const runtime::Mapping *mapping = runtime::mappingAt(live.snapshot.maps, {*word});
    if (mapping && mapping->executable) found.insert({*word});
  };
  for (size_t i = 0; i < objects.size(); i++) {
    const runtime::Module *module = moduleOf(i, objects, live);
    auto file = objects.file(i);
    if (module == nullptr || !file) continue;
    if (i == object)
      for (LinkAddress slot : (*file)->resolvedSlots(ifunc.address))
        look(module->bias.of(slot));
    else if (ifunc.exported)
      for (const target::ElfFile::ImportSlot &slot : (*file)->importSlots(ifunc.name))
        look(module->bias.of(slot.address));
  }
  std::vector<LinkAddress> implementations;
  for (RemoteAddress address : found)
    implementations.push_back(owner->bias.linkOf(address));
  return implementations;
}

} // namespace lpc::driver
