// A compiler calls `f.constprop.0`, `f.isra.0` or `f.part.0` in place of `f` where it knows more of the arguments.
// Whoever patches `f`, or one of its copies, changes some of the calls alone. A cold part is no copy: it is reached
// through the function, which does not go there any more once its entry is replaced.
//
// The symbol table does not say which file a global function comes from, so a copy counts as its own unless both are
// known to come from different files.
#include "frontend/sema/clones.h"

#include <algorithm>
#include <map>
#include <set>

#include "frontend/sema/names.h"
#include "ir/support/cat.h"

namespace lpc::sema {
namespace {

using target::Symbol;

// "f" of "f.isra.0.constprop.1".
std::string baseName(const std::string &name) {
  size_t end = name.size();
  for (std::string_view kind : {".cold", ".part.", ".isra.", ".constprop.", ".lto_priv."})
    if (size_t at = name.find(kind); at != 0) end = std::min(end, at);
  return name.substr(0, end);
}

bool isCold(const Symbol &symbol) { return symbol.name.ends_with(".cold") || symbol.name.contains(".cold."); }

bool fromOtherFile(const Symbol &a, const Symbol &b) {
  return !a.sourceFile.empty() && !b.sourceFile.empty() && a.sourceFile != b.sourceFile;
}

class CloneCheck {
public:
  CloneCheck(const std::vector<Replaced> &replaced, Context &context) : replaced_(replaced), context_(context) {
    for (const Replaced &each : replaced) {
      addresses_.emplace(each.object, each.symbol.address);
      byObject_[each.object].push_back(&each);
    }
  }

  std::vector<SplitPart> run() {
    for (const auto &[object, replaced] : byObject_)
      inObject(object, replaced);
    std::ranges::stable_sort(parts_, {}, &SplitPart::operation);
    return std::move(parts_);
  }

private:
  void inObject(size_t object, const std::vector<const Replaced *> &replaced) {
    auto file = context_.objects.file(object);
    if (!file) return;
    std::vector<std::string> bases;
    bases.reserve(replaced.size());
    for (const Replaced *each : replaced)
      bases.push_back(baseName(each->symbol.name));
    std::ranges::sort(bases);
    bases.erase(std::ranges::unique(bases).begin(), bases.end());
    auto clones = (*file)->clonesOf(bases);
    bool copyIsReplaced = std::ranges::any_of(
        replaced, [](const Replaced *each) { return baseName(each->symbol.name) != each->symbol.name; });
    if (copyIsReplaced) { // then the function itself is one of those that may stay behind
      auto wholes = (*file)->find(bases, target::Spelling::AsInTable);
      for (size_t i = 0; i < bases.size(); i++)
        std::ranges::copy_if(wholes[i], std::back_inserter(clones[i]),
                             [&](const Symbol &symbol) { return symbol.name == bases[i]; });
    }
    for (const Replaced *each : replaced) {
      auto base = std::ranges::lower_bound(bases, baseName(each->symbol.name));
      judge(*each, clones[static_cast<size_t>(base - bases.begin())]);
    }
  }

  void judge(const Replaced &replaced, const std::vector<Symbol> &family) {
    Candidates left;
    for (const Symbol &symbol : family) {
      if (symbol.kind != target::SymbolKind::Function || fromOtherFile(symbol, replaced.symbol)) continue;
      if (isCold(symbol))
        addPart(replaced, symbol);
      else if (!addresses_.contains({replaced.object, symbol.address}))
        left.push_back(&symbol);
    }
    if (left.empty()) return;
    const std::string name = readable(replaced.symbol.name);
    Diagnostic &d =
        context_.report(DiagnosticId::ClonedFunction, replaced.place,
                        cat("the compiler made ", left.size() == 1 ? "another copy" : "other copies", " of `", name,
                            "`, and what calls ", left.size() == 1 ? "it" : "them", " does not reach this change"));
    d.notes.push_back({left.size() == 1 ? "it stays as it is:" : "they stay as they are:", {}, describe(left)});
    d.help = cat("replace `\"", left[0]->name, "\"` too; a copy can have fewer parameters than the function");
  }

  void addPart(const Replaced &replaced, const Symbol &part) {
    if (replaced.livesOn || part.size == 0 || baseName(part.name) != replaced.symbol.name) return;
    auto at = replaced.at;
    auto &in = std::get<ir::InObject>(at.where);
    in = {in.object, part.address, part.name, 0};
    parts_.push_back({{std::move(at), {readable(part.name), part.address, part.size}}, replaced.operation});
  }

  const std::vector<Replaced> &replaced_;
  Context &context_;
  std::map<size_t, std::vector<const Replaced *>> byObject_;
  std::set<std::pair<size_t, LinkAddress>> addresses_;
  std::vector<SplitPart> parts_;
};

} // namespace

std::vector<SplitPart> checkClones(const std::vector<Replaced> &replaced, Context &context) {
  return replaced.empty() ? std::vector<SplitPart>{} : CloneCheck(replaced, context).run();
}

} // namespace lpc::sema
