// From the replaced function to its callers, and on to theirs: whoever calls a function that calls it may rely on what
// both leave alone.
#include "frontend/sema/kept_registers.h"

#include <algorithm>
#include <set>

#include "frontend/sema/names.h"
#include "frontend/sema/register_flow.h"
#include "ir/support/cat.h"

namespace lpc::sema {
namespace {

constexpr size_t kMostShown = 8, kMostFunctions = 32;

class KeptCheck {
public:
  KeptCheck(const std::vector<Replaced> &replaced, Context &context) : replaced_(replaced), context_(context) {}

  void run() {
    for (const Replaced &each : replaced_)
      if (!each.livesOn) gone_.emplace(each.object, each.symbol.address);
    for (const Replaced &each : replaced_)
      check(each);
  }

private:
  // The registers that the new code may change.
  RegisterSet changedBy(const Replaced &each, RegisterFlow &flow) {
    const CallingConvention &convention = callingConvention(context_.machine);
    if (!each.replacement) return each.setsResult ? 1 : 0;
    const Spot &to = *each.replacement;
    if (to.file == nullptr) return to.memory != nullptr ? 0 : convention.all(); // `asm`: who writes it knows
    if (to.inProgramFile() && to.object == each.object) return flow.changedBy(to.link);
    auto function = functionAt(to, context_);
    if (!function || function->name.empty()) return convention.all();
    return RegisterFlow::changedAlone(*function, context_);
  }

  void check(const Replaced &each) {
    auto file = context_.objects.file(each.object);
    if (!file || !context_.decoder) return;
    RegisterFlow flow(**file, context_);
    const CallingConvention &convention = callingConvention(context_.machine);
    RegisterSet left = convention.all() & ~flow.changedBy(each.symbol.address) & ~convention.passedThrough;
    if (left != 0) left &= changedBy(each, flow);
    if (left == 0) return;

    std::vector<RegisterFlow::Caller> keepers;
    std::set<LinkAddress> seen{each.symbol.address};
    std::vector<std::pair<LinkAddress, RegisterSet>> open{{each.symbol.address, left}};
    for (size_t i = 0; i < open.size() && i < kMostFunctions; i++) {
      auto [entry, asked] = open[i];
      for (RegisterFlow::Caller &caller : flow.callersOf(entry, asked)) {
        if (gone_.contains({each.object, caller.entry})) continue;
        RegisterSet further = asked & ~flow.changedBy(caller.entry);
        if (further != 0 && seen.insert(caller.entry).second) open.emplace_back(caller.entry, further);
        if (caller.kept != 0) keepers.push_back(std::move(caller));
      }
    }
    if (!keepers.empty()) report(each, keepers);
  }

  void report(const Replaced &each, const std::vector<RegisterFlow::Caller> &keepers) {
    const CallingConvention &convention = callingConvention(context_.machine);
    Diagnostic &d = context_.report(
        DiagnosticId::KeptRegister, each.place,
        cat("`", keepers[0].function, "` keeps a value in `", convention.text(keepers[0].kept & -keepers[0].kept),
            "` while it calls `", readable(each.symbol.name), "`, which does not change it; what replaces it may"));
    std::vector<std::string> lines;
    for (size_t i = 0; i < std::min(keepers.size(), kMostShown); i++)
      lines.push_back(
          cat(hexAddress(keepers[i].call), "  ", keepers[i].at, "  keeps ", convention.text(keepers[i].kept)));
    if (lines.size() < keepers.size()) lines.push_back(cat("… and ", keepers.size() - lines.size(), " more"));
    d.notes.push_back({"calls that rely on it:", {}, std::move(lines)});
    d.help = "compile the replacement with `__attribute__((no_caller_saved_registers))` (gcc: and "
             "`-mgeneral-regs-only`), or replace these callers too";
  }

  const std::vector<Replaced> &replaced_;
  Context &context_;
  std::set<std::pair<size_t, LinkAddress>> gone_; // functions that nobody calls any more
};

} // namespace

void checkKeptRegisters(const std::vector<Replaced> &replaced, Context &context) { KeptCheck(replaced, context).run(); }

} // namespace lpc::sema
