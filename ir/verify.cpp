// Each rule is a function of its own that looks at the patch and says what it found; the table at the end runs them.
// They are independent of each other, so a patch with several faults gets all of its sentences, and none may rely on
// another having passed: indexes are looked up through find(), which gives null where there is nothing.
#include "ir/verify.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>

#include "ir/uses.h"

namespace lpc::ir {
namespace {

template <class... F> struct Overloaded : F... {
  using F::operator()...;
};

using Findings = std::vector<std::string>;

const Object *find(const Patch &patch, ObjectId id) {
  auto i = static_cast<size_t>(id);
  return i < patch.objects.size() ? &patch.objects[i] : nullptr;
}
const Memory *find(const Patch &patch, MemoryId id) {
  auto i = static_cast<size_t>(id);
  return i < patch.memories.size() ? &patch.memories[i] : nullptr;
}
const Payload *find(const Patch &patch, PayloadId id) {
  auto i = static_cast<size_t>(id);
  return i < patch.payloads.size() ? &patch.payloads[i] : nullptr;
}
template <class Id> std::string number(Id id) { return std::to_string(static_cast<uint32_t>(id)); }

std::string operation(size_t index) { return "operation " + std::to_string(index); }

// One past the last address of the machine; 0 stands for 2^64.
uint64_t addressSpaceEnd(Machine machine) { return pointerSize(machine) == 8 ? 0 : uint64_t{1} << 32; }

bool fits(Machine machine, uint64_t address, uint64_t size) {
  uint64_t last = address + (size == 0 ? 0 : size - 1);
  return last >= address && last <= addressSpaceEnd(machine) - 1;
}

// NAME of the language: [A-Za-z_][A-Za-z0-9_]*
bool isName(std::string_view text) {
  auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return !text.empty() && letter(text[0]) && std::ranges::all_of(text, [&](char c) { return letter(c) || digit(c); });
}

// A name that is passed on as a C string somewhere (symbol look-up, a path, the registry).
bool isText(std::string_view text) { return !text.empty() && text.find('\0') == std::string_view::npos; }

// --- rules --------------------------------------------------------------------------------------------------

void headerIsComplete(const Patch &patch, Findings &out) {
  if (!isText(patch.name)) out.push_back("the patch has no name, or one with a zero byte");
  if (patch.name.size() > kMaxPatchName)
    out.push_back("the patch's name is longer than " + std::to_string(kMaxPatchName) + " bytes");
  if (!machineKnown(patch)) out.push_back("the machine is not known");
}

void objectsAreNamed(const Patch &patch, Findings &out) {
  if (patch.objects.empty()) out.push_back("there is no object 0, the target program");
  for (size_t i = 0; i < patch.objects.size(); i++)
    if (!isText(patch.objects[i].name))
      out.push_back("object " + std::to_string(i) + " has no name, or one with a zero byte");
}

void payloadsAreNamed(const Patch &patch, Findings &out) {
  for (size_t i = 0; i < patch.payloads.size(); i++)
    if (!isText(patch.payloads[i].name))
      out.push_back("payload " + std::to_string(i) + " has no name, or one with a zero byte");
}

void memoriesAreNamed(const Patch &patch, Findings &out) {
  std::unordered_set<std::string_view> seen;
  for (size_t i = 0; i < patch.memories.size(); i++) {
    const Memory &memory = patch.memories[i];
    if (!isName(memory.name))
      out.push_back("memory " + std::to_string(i) + " has no valid name");
    else if (!seen.insert(memory.name).second)
      out.push_back("memory " + std::to_string(i) + " has the name of another, `" + memory.name + "`");
  }
}

void memoriesHaveASize(const Patch &patch, Findings &out) {
  for (size_t i = 0; i < patch.memories.size(); i++) {
    const Memory &memory = patch.memories[i];
    if (memory.size == 0 || memory.size > kMaxMemorySize)
      out.push_back("memory " + std::to_string(i) + " has " + std::to_string(memory.size) + " bytes, not 1 to " +
                    std::to_string(kMaxMemorySize));
    if (memory.permission > Permission::RWX)
      out.push_back("memory " + std::to_string(i) + " has an unknown permission");
    if (memory.payload && !find(patch, *memory.payload))
      out.push_back("memory " + std::to_string(i) + " is filled by payload " + number(*memory.payload) +
                    ", which does not exist");
  }
}

void memoriesAreMadeOnce(const Patch &patch, Findings &out) {
  std::vector<unsigned> made(patch.memories.size());
  for (size_t i = 0; i < patch.operations.size(); i++) {
    std::optional<MemoryId> id = memoryMadeBy(patch.operations[i].action);
    if (!id) continue;
    if (!find(patch, *id))
      out.push_back(operation(i) + " makes memory " + number(*id) + ", which does not exist");
    else if (++made[static_cast<size_t>(*id)] == 2)
      out.push_back(operation(i) + " makes memory " + number(*id) + " a second time");
  }
  for (size_t i = 0; i < made.size(); i++)
    if (made[i] == 0) out.push_back("memory " + std::to_string(i) + " is made by no operation");
}

// `new` has no payload; `load`, `dl` and `dlopen` have one, and `load` is exactly as long as its file.
void memoriesAreMadeFromWhatTheyNeed(const Patch &patch, Findings &out) {
  auto payloadOf = [&](MemoryId id) {
    const Memory *memory = find(patch, id);
    return memory && memory->payload ? find(patch, *memory->payload) : nullptr;
  };
  for (size_t i = 0; i < patch.operations.size(); i++) {
    const Action &action = patch.operations[i].action;
    std::optional<MemoryId> id = memoryMadeBy(action);
    if (!id || !find(patch, *id)) continue;
    const Payload *payload = payloadOf(*id);
    if (std::holds_alternative<Alloc>(action)) {
      if (find(patch, *id)->payload)
        out.push_back(operation(i) + " allocates memory " + number(*id) + ", which has a payload");
    } else if (!payload) {
      out.push_back(operation(i) + " fills memory " + number(*id) + ", which has no payload");
    } else if (std::holds_alternative<Load>(action) && payload->bytes.size() != find(patch, *id)->size) {
      out.push_back(operation(i) + " loads " + std::to_string(payload->bytes.size()) + " bytes into memory " +
                    number(*id) + " of " + std::to_string(find(patch, *id)->size));
    }
  }
}

void memoriesAreMadeBeforeUse(const Patch &patch, Findings &out) {
  std::vector<size_t> madeBy(patch.memories.size(), SIZE_MAX);
  for (size_t i = patch.operations.size(); i-- > 0;)
    if (auto id = memoryMadeBy(patch.operations[i].action); id && find(patch, *id))
      madeBy[static_cast<size_t>(*id)] = i;
  forEachAddress(patch, [&](const Use &use) {
    std::optional<MemoryId> id = memoryOf(use.address);
    if (id && find(patch, *id) && madeBy[static_cast<size_t>(*id)] >= use.operation)
      out.push_back(operation(use.operation) + ", " + use.what + ": memory " + number(*id) +
                    " is not made before it is used");
  });
}

void payloadSymbolsAreOfLinkedMemory(const Patch &patch, Findings &out) {
  std::vector<bool> linked(patch.memories.size());
  for (const Operation &each : patch.operations)
    if (auto id = memoryMadeBy(each.action); id && find(patch, *id))
      linked[static_cast<size_t>(*id)] =
          std::holds_alternative<Link>(each.action) || std::holds_alternative<Open>(each.action);
  forEachAddress(patch, [&](const Use &use) {
    const auto *in = std::get_if<InPayload>(&use.address.where);
    if (!in || !find(patch, in->memory)) return;
    std::string where = operation(use.operation) + ", " + use.what + ": ";
    if (!linked[static_cast<size_t>(in->memory)])
      out.push_back(where + "memory " + number(in->memory) + " is not linked, so it has no symbols");
    if (!isText(in->symbol)) out.push_back(where + "the symbol has no name, or one with a zero byte");
  });
}

void addressesAreInRange(const Patch &patch, Findings &out) {
  if (!machineKnown(patch)) return;
  forEachAddress(patch, [&](const Use &use) {
    auto say = [&](const std::string &what) {
      out.push_back(operation(use.operation) + ", " + use.what + ": " + what);
    };
    auto checkSpan = [&](uint64_t address) {
      if (!fits(patch.machine, address, use.size))
        say(std::to_string(use.size) + " bytes at " + hexAddress(address) + " do not fit into the address space");
    };
    std::visit(Overloaded{[&](const InObject &in) {
                            if (!find(patch, in.object)) say("object " + number(in.object) + " does not exist");
                            checkSpan(in.address.value);
                          },
                          [&](const InMemory &in) {
                            const Memory *memory = find(patch, in.memory);
                            if (!memory) return say("memory " + number(in.memory) + " does not exist");
                            if (in.offset > memory->size || use.size > memory->size - in.offset)
                              say(std::to_string(use.size) + " bytes at offset " + std::to_string(in.offset) +
                                  " run past the end of memory " + number(in.memory) + " of " +
                                  std::to_string(memory->size));
                          },
                          [&](const InPayload &in) {
                            if (!find(patch, in.memory)) say("memory " + number(in.memory) + " does not exist");
                          },
                          [&](const Absolute &absolute) { checkSpan(absolute.address.value); },
                          [&](const Loaded &loaded) {
                            if (!loaded.pointer) say("a pointer is loaded from nowhere");
                          }},
               use.address.where);
  });
}

void loadsAreNotDeep(const Patch &patch, Findings &out) {
  forEachUse(patch, [&](const Use &use) {
    unsigned depth = 0;
    for (const Address *address = &use.address; address != nullptr && depth <= kMaxLoadDepth;) {
      const auto *loaded = std::get_if<Loaded>(&address->where);
      if (!loaded) return;
      address = loaded->pointer.get();
      depth++;
    }
    if (depth > kMaxLoadDepth)
      out.push_back(operation(use.operation) + ", " + use.what + ": pointers are followed more than " +
                    std::to_string(kMaxLoadDepth) + " times");
  });
}

// What the file shows can be recorded only where a file decides what stands there.
bool mayBeRecorded(const Address &address) {
  return !std::holds_alternative<Absolute>(address.where) && !std::holds_alternative<Loaded>(address.where);
}

void bindingsAreUnique(const Patch &patch, Findings &out) {
  for (size_t i = 0; i < patch.operations.size(); i++) {
    const auto *link = std::get_if<Link>(&patch.operations[i].action);
    if (!link) continue;
    std::unordered_set<std::string_view> seen;
    for (const Binding &binding : link->with) {
      if (!isText(binding.symbol))
        out.push_back(operation(i) + " binds a symbol without a name, or with a zero byte in it");
      else if (!seen.insert(binding.symbol).second)
        out.push_back(operation(i) + " binds `" + binding.symbol + "` twice");
    }
  }
}

void writesAgreeWithTheirWidth(const Patch &patch, Findings &out) {
  if (!machineKnown(patch)) return;
  for (size_t i = 0; i < patch.operations.size(); i++) {
    const auto *write = std::get_if<Write>(&patch.operations[i].action);
    if (!write) continue;
    auto widthOf = [&](const Value &value) -> uint64_t {
      if (const auto *bytes = std::get_if<Bytes>(&value)) return bytes->size();
      return pointerSize(patch.machine);
    };
    auto check = [&](const char *what, uint64_t width) {
      if (width != write->width)
        out.push_back(operation(i) + ", " + what + ": " + std::to_string(width) + " bytes in a write of " +
                      std::to_string(write->width));
    };
    if (write->width == 0) out.push_back(operation(i) + " writes nothing");
    check("value", widthOf(write->value));
    if (write->was) {
      check("was", widthOf(*write->was));
      if (write->was->index() != write->value.index())
        out.push_back(operation(i) + ", was: of another kind than the value");
    }
    if (write->recorded) {
      check("recorded", write->recorded->size());
      if (!mayBeRecorded(write->at))
        out.push_back(operation(i) + ", recorded: no file shows what stands at this address");
    }
  }
}

void writesHaveAType(const Patch &patch, Findings &out) {
  for (size_t i = 0; i < patch.operations.size(); i++) {
    const auto *write = std::get_if<Write>(&patch.operations[i].action);
    if (!write) continue;
    if (!isName(write->type)) out.push_back(operation(i) + " has no type word");
    if (std::holds_alternative<Address>(write->value) != (write->type == "addr"))
      out.push_back(operation(i) + ": the type `addr` and a value that is an address belong together");
  }
}

void checkFunction(size_t index, const std::string &what, const std::optional<Function> &function,
                   const Address &address, Findings &out) {
  if (!function) return;
  if (!std::holds_alternative<InObject>(address.where))
    out.push_back(operation(index) + ", " + what + ": it is in no object");
  if (function->size == 0 || !function->start.plus(static_cast<int64_t>(function->size)))
    out.push_back(operation(index) + ", " + what + ": no function has " + std::to_string(function->size) + " bytes");
}

void originalsAreWhole(const Patch &patch, Findings &out) {
  if (!machineKnown(patch)) return;
  for (size_t i = 0; i < patch.operations.size(); i++) {
    const auto *branch = std::get_if<Branch>(&patch.operations[i].action);
    if (!branch || !branch->original) continue;
    const Original &original = *branch->original;
    checkFunction(i, "replacement", original.replacement, branch->to, out);
    if (!original.recorded) continue;
    if (original.recorded->size() != pointerSize(patch.machine))
      out.push_back(operation(i) + ", original-recorded: " + std::to_string(original.recorded->size()) +
                    " bytes are no pointer");
    if (!mayBeRecorded(original.at))
      out.push_back(operation(i) + ", original-recorded: no file shows what stands at this address");
  }
}

void branchesAgreeWithTheirRoom(const Patch &patch, Findings &out) {
  if (!machineKnown(patch)) return;
  for (size_t i = 0; i < patch.operations.size(); i++) {
    const auto *branch = std::get_if<Branch>(&patch.operations[i].action);
    if (!branch) continue;
    if (branch->room != 0 && branch->room < nearJumpSize(patch.machine))
      out.push_back(operation(i) + ", room: " + std::to_string(branch->room) + " bytes are too few for a jump");
    if (branch->room != 0 && !mayBeRecorded(branch->from))
      out.push_back(operation(i) + ", room: no file shows what stands at this address");
    if (branch->recorded && (branch->room == 0 || branch->recorded->size() != branch->room))
      out.push_back(operation(i) + ", recorded: " + std::to_string(branch->recorded->size()) + " bytes for a room of " +
                    std::to_string(branch->room));
    checkFunction(i, "function", branch->function, branch->from, out);
    if (branch->from == branch->to) out.push_back(operation(i) + " jumps to itself");
  }
}

void codeAgreesWithItsRoom(const Patch &patch, Findings &out) {
  for (size_t i = 0; i < patch.operations.size(); i++) {
    const auto *code = std::get_if<Code>(&patch.operations[i].action);
    if (!code) continue;
    if (code->bytes.empty()) out.push_back(operation(i) + " has no instructions");
    if (code->room != 0 && code->room < code->bytes.size())
      out.push_back(operation(i) + ", room: " + std::to_string(code->room) + " bytes are too few for " +
                    std::to_string(code->bytes.size()));
    constexpr uint64_t kLongest = 15; // bytes of an instruction
    if (code->room >= code->bytes.size() + kLongest)
      out.push_back(operation(i) + ", room: " + std::to_string(code->room) + " bytes are more than " +
                    std::to_string(code->bytes.size()) + " need");
    if (code->room != 0 && !mayBeRecorded(code->at))
      out.push_back(operation(i) + ", room: no file shows what stands at this address");
    if (code->recorded && (code->room == 0 || code->recorded->size() != code->room))
      out.push_back(operation(i) + ", recorded: " + std::to_string(code->recorded->size()) + " bytes for a room of " +
                    std::to_string(code->room));
    uint64_t end = 0; // of the reference before
    for (const Reference &reference : code->references) {
      uint64_t width = reference.kind == ReferenceKind::Whole64 ? 8 : 4;
      if (reference.kind > ReferenceKind::Whole64)
        out.push_back(operation(i) + ", reference: of no known kind");
      else if (reference.offset < end || reference.offset + width > code->bytes.size())
        out.push_back(operation(i) + ", reference: its bytes are not in the code, or another's too");
      end = reference.offset + width;
    }
  }
}

void returnsAgreeWithTheirRoom(const Patch &patch, Findings &out) {
  if (!machineKnown(patch)) return;
  for (size_t i = 0; i < patch.operations.size(); i++) {
    const auto *statement = std::get_if<Return>(&patch.operations[i].action);
    if (!statement) continue;
    uint32_t least = returnSize(patch.machine, statement->value);
    if (statement->room != 0 && statement->room < least)
      out.push_back(operation(i) + ", room: " + std::to_string(statement->room) + " bytes are too few for " +
                    std::to_string(least));
    if (statement->room != 0 && !mayBeRecorded(statement->at))
      out.push_back(operation(i) + ", room: no file shows what stands at this address");
    if (statement->recorded && (statement->room == 0 || statement->recorded->size() != statement->room))
      out.push_back(operation(i) + ", recorded: " + std::to_string(statement->recorded->size()) +
                    " bytes for a room of " + std::to_string(statement->room));
    checkFunction(i, "function", statement->function, statement->at, out);
  }
}

void nopsAgreeWithTheirSize(const Patch &patch, Findings &out) {
  for (size_t i = 0; i < patch.operations.size(); i++) {
    const auto *nop = std::get_if<Nop>(&patch.operations[i].action);
    if (!nop) continue;
    if (nop->size == 0 || nop->size > kMaxNopSize)
      out.push_back(operation(i) + " makes " + std::to_string(nop->size) + " bytes no-ops, not 1 to " +
                    std::to_string(kMaxNopSize));
    if (!nop->recorded) continue;
    if (nop->recorded->size() != nop->size)
      out.push_back(operation(i) + ", recorded: " + std::to_string(nop->recorded->size()) + " bytes of " +
                    std::to_string(nop->size));
    if (!mayBeRecorded(nop->at)) out.push_back(operation(i) + ", recorded: no file shows what stands at this address");
  }
}

void expectationsAgreeWithTheirWidth(const Patch &patch, Findings &out) {
  if (!machineKnown(patch)) return;
  for (size_t i = 0; i < patch.operations.size(); i++) {
    const auto *expect = std::get_if<Expect>(&patch.operations[i].action);
    if (!expect) continue;
    const auto *bytes = std::get_if<Bytes>(&expect->value);
    uint64_t width = bytes ? bytes->size() : pointerSize(patch.machine);
    if (expect->width == 0 || width != expect->width)
      out.push_back(operation(i) + ", value: " + std::to_string(width) + " bytes in an expectation of " +
                    std::to_string(expect->width));
    if (!isName(expect->type)) out.push_back(operation(i) + " has no type word");
    if ((bytes == nullptr) != (expect->type == "addr"))
      out.push_back(operation(i) + ": the type `addr` and a value that is an address belong together");
    if (memoryOf(expect->at)) out.push_back(operation(i) + " expects something of memory that the patch makes");
  }
}

void importsHaveASlot(const Patch &patch, Findings &out) {
  for (size_t i = 0; i < patch.operations.size(); i++) {
    const auto *import = std::get_if<Import>(&patch.operations[i].action);
    if (!import) continue;
    if (!isText(import->symbol)) out.push_back(operation(i) + ": the import has no name, or one with a zero byte");
    if (!std::holds_alternative<InObject>(import->slot.where))
      out.push_back(operation(i) + ", slot: it is in no object");
  }
}

void quietFunctionsAreSound(const Patch &patch, Findings &out) {
  for (size_t i = 0; i < patch.operations.size(); i++)
    if (const auto *quiesce = std::get_if<Quiesce>(&patch.operations[i].action))
      checkFunction(i, "function", quiesce->function, quiesce->at, out);
}

void callsAreSound(const Patch &patch, Findings &out) {
  for (size_t i = 0; i < patch.operations.size(); i++) {
    const auto *call = std::get_if<Call>(&patch.operations[i].action);
    if (!call) continue;
    if (call->moment > Moment::PostRevert) out.push_back(operation(i) + ": its moment is not known");
    if (call->arguments.size() > kMostCallArguments)
      out.push_back(operation(i) + " calls with more than " + std::to_string(kMostCallArguments) + " arguments");
  }
}

using Rule = void (*)(const Patch &, Findings &);
constexpr Rule kRules[] = {
    headerIsComplete,
    objectsAreNamed,
    payloadsAreNamed,
    memoriesAreNamed,
    memoriesHaveASize,
    memoriesAreMadeOnce,
    memoriesAreMadeFromWhatTheyNeed,
    memoriesAreMadeBeforeUse,
    payloadSymbolsAreOfLinkedMemory,
    addressesAreInRange,
    loadsAreNotDeep,
    bindingsAreUnique,
    writesAgreeWithTheirWidth,
    writesHaveAType,
    branchesAgreeWithTheirRoom,
    originalsAreWhole,
    codeAgreesWithItsRoom,
    returnsAgreeWithTheirRoom,
    nopsAgreeWithTheirSize,
    expectationsAgreeWithTheirWidth,
    importsHaveASlot,
    quietFunctionsAreSound,
    callsAreSound,
};

} // namespace

std::vector<std::string> verify(const Patch &patch) {
  Findings out;
  for (Rule rule : kRules)
    rule(patch, out);
  return out;
}

} // namespace lpc::ir
