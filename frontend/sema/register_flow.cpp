// gcc's -fipa-ra (part of -O2) lets a function keep a value in a register that it may lose by the calling convention,
// across the call of a function of the same file which does not change it. Nothing in the file tells that it did so;
// but it shows in the code: behind the call the register is used and nobody has set it.
//
// Everything here errs towards silence: what is not known to the end (calls through pointers or the PLT, jump tables,
// code without a symbol) changes every register, so that nobody can have relied on it, and where a caller's flow cannot
// be followed, nothing is found behind.
#include "frontend/sema/register_flow.h"

#include <algorithm>

namespace lpc::sema {
namespace {

constexpr unsigned kDeepest = 8;                   // calls below each other
constexpr size_t kMostFunctions = 512;             // that are decoded
constexpr uint64_t kMostCode = uint64_t{64} << 20; // bytes in which callers are looked for
constexpr size_t kLongestFunction = 256 << 10;
constexpr size_t kMostBefore = 64; // instructions in front of a call

std::vector<RegisterUse> usesOf(const Function &function, const Decoder &decoder) {
  std::vector<RegisterUse> uses;
  uses.reserve(function.code.size());
  for (const Instruction &each : function.code)
    uses.push_back(decoder.registers(function.bytesOf(each), each.address));
  return uses;
}

// What is saved before anything else is done with it, and restored after: in the order of the code.
RegisterSet restored(const std::vector<RegisterUse> &uses) {
  RegisterSet seen = 0, saved = 0, last = 0;
  for (const RegisterUse &use : uses) {
    saved |= use.saves & ~seen;
    seen |= use.reads | use.changes;
    last = (last & ~use.changes) | use.restores;
  }
  return saved & last;
}

bool leads(const Instruction &instruction, const Function &function) {
  return instruction.target && LinkAddress{*instruction.target} >= function.begin &&
         LinkAddress{*instruction.target} < function.end;
}

} // namespace

RegisterFlow::RegisterFlow(const target::ElfFile &file, const Context &context)
    : file_(file), context_(context), convention_(callingConvention(context.machine)) {}

RegisterSet RegisterFlow::changedAlone(const Function &function, const Context &context) {
  const RegisterSet all = callingConvention(context.machine).all();
  std::vector<RegisterUse> uses = usesOf(function, *context.decoder);
  RegisterSet changed = function.undecodable ? all : 0;
  for (size_t i = 0; i < uses.size(); i++) {
    const Instruction &instruction = function.code[i];
    bool leaves = instruction.isCall || (instruction.isBranch && !leads(instruction, function));
    changed |= leaves ? all : uses[i].changes;
  }
  return changed & ~restored(uses);
}

// Nothing where no symbol tells where the function ends.
RegisterFlow::Code *RegisterFlow::codeAt(LinkAddress address) {
  auto symbol = file_.symbolAt(address);
  if (!symbol || symbol->kind != target::SymbolKind::Function || symbol->size == 0 || symbol->size > kLongestFunction ||
      address < symbol->address || address - symbol->address >= symbol->size)
    return nullptr;
  auto found = codes_.find(symbol->address);
  if (found == codes_.end()) {
    if (codes_.size() >= kMostFunctions) return nullptr;
    found = codes_.emplace(symbol->address, std::nullopt).first;
    if (auto function = functionOf(*symbol, file_, "", context_); function && !function->undecodable) {
      std::vector<RegisterUse> uses = usesOf(*function, *context_.decoder);
      RegisterSet kept = restored(uses);
      found->second =
          Code{.function = std::move(*function), .uses = std::move(uses), .restored = kept, .changed = {}, .read = {}};
    }
  }
  std::optional<Code> &code = found->second;
  return code ? &*code : nullptr;
}

RegisterSet RegisterFlow::changedBy(LinkAddress entry) {
  Code *code = codeAt(entry);
  if (code == nullptr) return convention_.all();
  if (code->changed) return *code->changed;
  if (code->open) return 0; // it calls itself: what it does is counted where this began
  if (depth_ >= kDeepest) return convention_.all();
  code->open = true;
  depth_++;
  RegisterSet changed = 0;
  for (size_t i = 0; i < code->uses.size() && changed != convention_.all(); i++) {
    const Instruction &instruction = code->function.code[i];
    changed |= code->uses[i].changes;
    if (!instruction.isCall && (!instruction.isBranch || leads(instruction, code->function))) continue;
    changed |= instruction.target ? changedBy({*instruction.target}) : convention_.all();
  }
  depth_--;
  code->open = false;
  code->changed = changed & ~code->restored;
  return *code->changed;
}

// The parameters of a function: registers that it reads before it sets them.
RegisterSet RegisterFlow::readBy(LinkAddress entry) {
  Code *code = codeAt(entry);
  if (code == nullptr || code->open || depth_ >= kDeepest) return 0;
  if (!code->read) {
    code->open = true;
    depth_++;
    code->read = usedFrom(*code, entry.value, convention_.all(), std::nullopt);
    depth_--;
    code->open = false;
  }
  return *code->read;
}

// Of the registers asked for, those whose value of `address` is used from there on. A function that is not known uses
// those of them that are certain to be `parameters` of somebody. Without these, it is the start of the function: there
// registers are stored on the stack that may hold nothing, for functions with a variable number of parameters.
RegisterSet RegisterFlow::usedFrom(Code &code, uint64_t address, RegisterSet asked,
                                   std::optional<RegisterSet> parameters) {
  const std::vector<Instruction> &all = code.function.code;
  std::map<size_t, RegisterSet> seen; // what has been asked for at an instruction
  std::vector<std::pair<uint64_t, RegisterSet>> open{{address, asked}};
  RegisterSet used = 0;
  auto callee = [&](const Instruction &instruction, RegisterSet left) -> RegisterSet { // what it leaves of them
    if (!instruction.target || codeAt({*instruction.target}) == nullptr) {
      used |= left & parameters.value_or(0);
      return 0;
    }
    used |= left & readBy({*instruction.target});
    return left & ~changedBy({*instruction.target});
  };
  while (!open.empty()) {
    auto [at, left] = open.back();
    open.pop_back();
    auto first = std::ranges::lower_bound(all, at, {}, &Instruction::address);
    if (first == all.end() || first->address != at) continue;
    for (auto i = static_cast<size_t>(first - all.begin()); i < all.size(); i++) {
      left &= ~used & ~seen[i];
      if (left == 0) break;
      seen[i] |= left;
      const Instruction &instruction = all[i];
      const RegisterUse &use = code.uses[i];
      used |= left & use.reads & ~(parameters ? use.saves & code.restored : use.saves);
      left &= ~use.replaces;
      if (instruction.isCall) {
        left = callee(instruction, left);
      } else if (instruction.isBranch) {
        if (instruction.target && leads(instruction, code.function))
          open.emplace_back(*instruction.target, left);
        else
          callee(instruction, left);
      }
      if (instruction.endsFlow) break;
    }
  }
  return used;
}

// Registers that were set for somebody, but not for the function that is called here: parameters take registers in
// order, and one in front of them holds nothing, because another call has just been.
RegisterSet RegisterFlow::parametersOfOthers(const Code &code, size_t call, LinkAddress callee) {
  RegisterSet set = 0, unread = 0, read = 0;
  const Instruction *before = nullptr; // the call
  for (size_t i = call; i > 0 && call - i < kMostBefore;) {
    i--;
    const Instruction &instruction = code.function.code[i];
    if (instruction.isCall) {
      before = &instruction;
      break;
    }
    if (instruction.isBranch || instruction.endsFlow) return 0; // what is set here may be for the other way
    unread |= code.uses[i].replaces & ~read & ~set;
    set |= code.uses[i].replaces;
    read |= code.uses[i].reads;
  }
  if (before == nullptr) return 0;
  RegisterSet changed = before->target ? changedBy({*before->target}) : convention_.all();
  RegisterSet others = 0;
  for (const auto &order : {convention_.integers, convention_.vectors}) {
    bool behind = false;
    for (uint8_t each : order) {
      RegisterSet bit = RegisterSet{1} << each;
      if (behind) others |= bit;
      if ((set & bit) == 0 && (changed & bit) != 0) behind = true;
    }
  }
  return others & unread & ~readBy(callee);
}

std::vector<RegisterFlow::Caller> RegisterFlow::callersOf(LinkAddress entry, RegisterSet asked) {
  if (!haveSections_) {
    haveSections_ = true;
    uint64_t size = 0;
    for (const target::Section &section : file_.sections()) {
      if (!section.executable || !section.loaded || section.zeroFilled) continue;
      size += section.size;
      if (size > kMostCode) break;
      if (auto bytes = file_.bytesAt(section.address, section.size))
        sections_.emplace_back(section.address, std::move(*bytes));
    }
  }
  std::vector<Caller> callers;
  for (const auto &[address, bytes] : sections_)
    for (uint64_t at : context_.decoder->callsOf(entry.value, bytes, address.value)) {
      Code *code = codeAt({at});
      if (code == nullptr || code->function.begin == entry) continue;
      const std::vector<Instruction> &all = code->function.code;
      auto call = std::ranges::lower_bound(all, at, {}, &Instruction::address);
      if (call == all.end() || call->address != at || call->target != entry.value) continue;
      Caller caller{.entry = code->function.begin,
                    .call = {at},
                    .function = code->function.name,
                    .at = code->function.at({at}),
                    .kept = 0,
                    .ends = !call->isCall};
      if (call->isCall) {
        RegisterSet parameters = parametersOfOthers(*code, static_cast<size_t>(call - all.begin()), entry);
        caller.kept = usedFrom(*code, at + call->length, asked, parameters);
      }
      callers.push_back(std::move(caller));
    }
  return callers;
}

} // namespace lpc::sema
