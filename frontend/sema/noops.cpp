// A jump into the middle of the no-ops would land inside one of them, since they are written as few and long as they
// can be; where the old code has such a jump, two statements that meet at its target say the same and are right.
#include "frontend/sema/noops.h"

#include <algorithm>

#include "frontend/sema/code.h"
#include "frontend/sema/recorded.h"
#include "frontend/sema/spelling.h"
#include "ir/support/cat.h"
#include "ir/verify.h"

namespace lpc::sema {
namespace {

class NoOpsCheck {
public:
  NoOpsCheck(const Spot &at, const ast::Integer &size, const Symbols &symbols, Context &context)
      : at_(at), written_(size), symbols_(symbols), context_(context) {}

  std::optional<NoOps> run() {
    if (!readSize()) return std::nullopt;
    if (at_.file == nullptr) return withoutFile();
    if (!executable(*at_.file, at_.link)) {
      notCode(at_, "no-ops take the place of instructions", context_);
      return std::nullopt;
    }
    if (!context_.decoder) return std::nullopt;
    auto function = functionAt(at_, context_);
    if (!function) {
      notCode(at_, "the file has no instructions there", context_);
      return std::nullopt;
    }
    if (!startsInstruction(*function, at_, context_) || !coversWholeInstructions(*function)) return std::nullopt;
    for (const auto &from : {function, coldPartOf(at_, symbols_, context_)})
      if (from && !unreached(*function, *from)) return std::nullopt;
    NoOps out{.size = size_};
    if (at_.inProgramFile()) out.recorded = recordedBytes(*at_.file, at_.link, size_);
    return out;
  }

private:
  bool readSize() {
    if (!written_.negative && written_.magnitude >= 1 && written_.magnitude <= ir::kMaxNopSize) {
      size_ = static_cast<uint32_t>(written_.magnitude);
      return true;
    }
    context_.report(DiagnosticId::IntegerOutOfRange, written_.place,
                    cat("`", written_.spelling, "` bytes can't become no-ops: 1 to ", ir::kMaxNopSize, " can"));
    return false;
  }

  std::optional<NoOps> withoutFile() {
    bool good = at_.memory == nullptr || runnable(at_, {"`nop`", size_}, context_); // the process proves the rest
    return good ? std::optional(NoOps{.size = size_}) : std::nullopt;
  }

  bool coversWholeInstructions(const Function &function) {
    LinkAddress end = at_.link + size_;
    if (end > function.end) {
      uint64_t left = function.end - at_.link;
      std::string name = function.name.empty() ? "the code that is known here" : cat("`", function.name, "`");
      context_
          .report(DiagnosticId::SiteTooShort, written_.place,
                  cat(name, " has ", left, left == 1 ? " byte" : " bytes", " left at `", spelled(*at_.written), "`"))
          .notes.push_back(listing(function, at_.link, context_));
      return false;
    }
    const Instruction *last = function.covering(end - 1);
    LinkAddress stop = last == nullptr ? end : LinkAddress{last->address + last->length};
    if (last == nullptr || function.undecodable.value_or(function.end) < end) {
      context_
          .report(DiagnosticId::UndecodableCode, at_.place(),
                  cat("the bytes at `", function.at(function.undecodable.value_or(end - 1)), "` are no instruction"))
          .notes.push_back(listing(function, function.undecodable.value_or(end - 1), context_));
      return false;
    }
    if (stop != end) {
      Diagnostic &d = context_.report(DiagnosticId::NotAnInstruction, written_.place,
                                      cat(size_, size_ == 1 ? " byte ends" : " bytes end", " inside `",
                                          context_.decoder->text(function.bytesOf(*last), last->address),
                                          "`: no-ops take the place of whole instructions"));
      d.notes.push_back(listing(function, LinkAddress{last->address}, context_));
      d.help = cat("write ", stop - at_.link);
      if (last->address != at_.link.value) d.help += cat(" or ", last->address - at_.link.value);
      return false;
    }
    if (end != function.end || function.name.empty()) return true;
    Diagnostic &d = context_.report(
        DiagnosticId::RunsOffEnd, at_.place(),
        cat("`", function.name, "` ends with these bytes, so control would run on into whatever stands behind it"));
    d.notes.push_back(listing(function, LinkAddress{last->address}, context_));
    d.help = cat("for a function that does nothing write `return ", function.name, "`");
    return false;
  }

  bool unreached(const Function &function, const Function &from) {
    LinkAddress end = at_.link + size_;
    auto into = std::ranges::find_if(from.code, [&](const Instruction &i) {
      bool inside = LinkAddress{i.address} >= at_.link && LinkAddress{i.address} < end; // it becomes a no-op itself
      return !inside && i.target && LinkAddress{*i.target} > at_.link && LinkAddress{*i.target} < end;
    });
    if (into == from.code.end()) return true;
    LinkAddress target{into->target.value_or(0)};
    Diagnostic &d = context_.report(DiagnosticId::BranchIntoSite, at_.place(),
                                    cat("`", from.at(LinkAddress{into->address}), "` goes to `", function.at(target),
                                        "`, which is inside the ", size_, " bytes that become no-ops"));
    d.notes.push_back(listing(from, LinkAddress{into->address}, context_));
    d.help = cat("write two statements: `nop ", spelled(*at_.written), " ", target - at_.link, "` and `nop ",
                 spelledAt(at_, target), " ", end - target, "`");
    return false;
  }

  const Spot &at_;
  const ast::Integer &written_;
  const Symbols &symbols_;
  Context &context_;
  uint32_t size_ = 0;
};

} // namespace

std::optional<NoOps> checkNoOps(const Spot &at, const ast::Integer &size, const Symbols &symbols, Context &context) {
  return NoOpsCheck(at, size, symbols, context).run();
}

} // namespace lpc::sema
