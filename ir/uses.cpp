#include "ir/uses.h"

#include <algorithm>

#include "ir/verify.h" // kMaxLoadDepth

namespace lpc::ir {
namespace {

template <class... F> struct Overloaded : F... {
  using F::operator()...;
};

void visitValue(size_t index, const char *what, const Value &value, const VisitUse &visit) {
  if (const auto *address = std::get_if<Address>(&value)) visit({index, what, *address, 0});
}

} // namespace

void forEachUse(const Patch &patch, const VisitUse &visit) {
  for (size_t i = 0; i < patch.operations.size(); i++) {
    std::visit(
        Overloaded{
            [](const Alloc &) {}, [](const Load &) {}, [](const Open &) {},
            [&](const Link &link) {
              for (const Binding &binding : link.with)
                visit({i, "with", binding.address, 0});
            },
            [&](const Write &write) {
              visit({i, "at", write.at, write.width});
              visitValue(i, "value", write.value, visit);
              if (write.was) visitValue(i, "was", *write.was, visit);
            },
            [&](const Branch &branch) {
              visit({i, "from", branch.from, std::max<uint64_t>(branch.room, 1)});
              visit({i, "to", branch.to, 0});
              if (branch.original)
                visit({i, "original", branch.original->at, machineKnown(patch) ? pointerSize(patch.machine) : 1});
            },
            [&](const Code &code) {
              visit({i, "at", code.at, std::max<uint64_t>(code.room, code.bytes.size())});
              for (const Reference &reference : code.references)
                visit({i, "reference", reference.target, 0});
            },
            [&](const Return &statement) { visit({i, "at", statement.at, std::max<uint64_t>(statement.room, 1)}); },
            [&](const Nop &nop) { visit({i, "at", nop.at, nop.size}); },
            [&](const Import &import) {
              visit({i, "slot", import.slot, machineKnown(patch) ? pointerSize(patch.machine) : 1});
              visit({i, "to", import.to, 0});
            },
            [&](const Expect &expect) {
              visit({i, "at", expect.at, expect.width});
              visitValue(i, "value", expect.value, visit);
            },
            [&](const Quiesce &quiesce) { visit({i, "at", quiesce.at, 0}); },
            [&](const Call &call) { visit({i, "function", call.function, 0}); }},
        patch.operations[i].action);
  }
}

void forEachAddress(const Patch &patch, const VisitUse &visit) {
  uint64_t pointer = machineKnown(patch) ? pointerSize(patch.machine) : 1;
  forEachUse(patch, [&](const Use &use) {
    const Address *address = &use.address;
    uint64_t size = use.size;
    for (unsigned depth = 0; address != nullptr && depth <= kMaxLoadDepth; depth++) {
      visit({use.operation, use.what, *address, size});
      const auto *loaded = std::get_if<Loaded>(&address->where);
      address = loaded ? loaded->pointer.get() : nullptr;
      size = pointer;
    }
  });
}

std::optional<MemoryId> memoryMadeBy(const Action &action) {
  using Made = std::optional<MemoryId>;
  return std::visit(Overloaded{[](const Alloc &a) { return Made(a.memory); },
                               [](const Load &a) { return Made(a.memory); },
                               [](const Link &a) { return Made(a.memory); },
                               [](const Open &a) { return Made(a.memory); }, [](const Write &) { return Made(); },
                               [](const Branch &) { return Made(); }, [](const Code &) { return Made(); },
                               [](const Return &) { return Made(); }, [](const Nop &) { return Made(); },
                               [](const Import &) { return Made(); }, [](const Expect &) { return Made(); },
                               [](const Quiesce &) { return Made(); }, [](const Call &) { return Made(); }},
                    action);
}

std::optional<MemoryId> memoryOf(const Address &address) {
  if (const auto *in = std::get_if<InMemory>(&address.where)) return in->memory;
  if (const auto *in = std::get_if<InPayload>(&address.where)) return in->memory;
  return std::nullopt;
}

} // namespace lpc::ir
