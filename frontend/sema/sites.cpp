// Where jumps are written and where they go.
//
// What is not seen: jump tables (their entries are data), and code that other functions jump into without a symbol.
// Compilers don't make tables lead into the first bytes of a function; for a site further in the author has to know.
#include "frontend/sema/sites.h"

#include <algorithm>

#include "frontend/sema/fits.h"
#include "frontend/sema/recorded.h"
#include "frontend/sema/spelling.h"
#include "ir/machine/moved_code.h"
#include "ir/support/cat.h"

namespace lpc::sema {
namespace {

constexpr uint64_t kLongestPadding = 64; // bytes behind a function that are looked at

bool isPadding(const Instruction &instruction, BytesView bytes, const Decoder &decoder) {
  return instruction.isNop || decoder.text(bytes.first(instruction.length), instruction.address) == "int3";
}

class SiteCheck {
  using Kind = NewCode::Kind;

public:
  SiteCheck(const Spot &spot, NewCode code, const Symbols &symbols, Context &context)
      : spot_(spot), kind_(code.kind), symbols_(symbols), context_(context),
        need_(kind_ == Kind::Instructions || kind_ == Kind::Return ? code.size : nearJumpSize(context.machine)) {}

  std::optional<Site> run() {
    if (spot_.file == nullptr) return withoutFile();
    if (!staysInSymbol(spot_, context_)) return std::nullopt;
    if (!executable(*spot_.file, spot_.link)) {
      notCode(spot_, "instructions are written over instructions", context_);
      return std::nullopt;
    }
    if (!context_.decoder || resolver()) return std::nullopt;
    auto function = functionAt(spot_, context_);
    if (!function) {
      notCode(spot_, "the file has no instructions there", context_);
      return std::nullopt;
    }
    if (!startsInstruction(*function, spot_, context_)) return std::nullopt;
    return inFunction(*function);
  }

private:
  std::optional<Site> withoutFile() {
    Site site{.from = spot_.address, .offset = spot_.offset};
    if (spot_.memory == nullptr) return site; // the process proves it
    if (!runnable(spot_, {what(), need_}, context_)) return std::nullopt;
    site.room = need_;
    return site;
  }

  // The function behind an IFUNC symbol runs once, when the process starts: a jump over it changes nothing.
  bool resolver() {
    auto symbol = spot_.file->symbolAt(spot_.link);
    if (!symbol || symbol->kind != target::SymbolKind::Ifunc) return false;
    context_
        .report(DiagnosticId::IfuncSymbol, spot_.place(),
                cat("`", spelled(*spot_.written), "` is the resolver of the IFUNC `", symbol->name,
                    "`: it ran when the process started, and nothing calls it again"))
        .help = "name the implementation that was picked";
    return true;
  }

  std::optional<Site> inFunction(const Function &function) {
    const Instruction &first = *function.covering(spot_.link);
    uint64_t skip = 0;
    uint32_t room = roomAt(function, spot_.link);
    if (first.isEndbr)
      if (uint32_t behind = roomAt(function, spot_.link + first.length); behind >= need_) {
        skip = first.length;
        room = behind;
      }
    if (room < need_) {
      tooShort(function, room);
      return std::nullopt;
    }
    LinkAddress at = spot_.link + skip;
    if (!unreached(function, function, at, room)) return std::nullopt;
    if (auto cold = coldPartOf(spot_, symbols_, context_); cold && !unreached(function, *cold, at, room))
      return std::nullopt;
    if (kind_ == Kind::Hook && !movable(function, at, room)) return std::nullopt;
    Site site{.from = shifted(spot_.address, skip), .offset = spot_.offset + skip, .room = room};
    if (spot_.inProgramFile()) site.recorded = recordedBytes(*spot_.file, at, room);
    site.isEntry = spot_.inProgramFile() && spot_.link == function.begin && !function.name.empty();
    if (site.isEntry && (kind_ == Kind::Jump || kind_ == Kind::Return))
      site.function = ir::Function{function.name, function.begin, function.end - function.begin};
    return site;
  }

  // Whole instructions from `address` on, until there is room for a jump: of the function, then of its padding.
  [[nodiscard]] uint32_t roomAt(const Function &function, LinkAddress address) const {
    LinkAddress at = address;
    while (at - address < need_ && at < function.end) {
      const Instruction *instruction = function.covering(at);
      if (instruction == nullptr || instruction->address != at.value) break;
      at = at + instruction->length;
    }
    if (at - address < need_ && at == function.end) at = endOfPadding(at, address + need_);
    return static_cast<uint32_t>(at - address);
  }

  [[nodiscard]] LinkAddress endOfPadding(LinkAddress at, LinkAddress enough) const {
    uint64_t limit = spot_.file->nextSymbol(at - 1).value;
    uint64_t size = std::min(limit - std::min(limit, at.value), kLongestPadding);
    auto bytes = spot_.file->bytesAt(at, size);
    if (!bytes) return at;
    BytesView rest = *bytes;
    while (at < enough) {
      auto instruction = context_.decoder->decode(rest, at.value);
      if (!instruction || !isPadding(*instruction, rest, *context_.decoder)) break;
      at = at + instruction->length;
      rest = rest.subspan(instruction->length);
    }
    return at;
  }

  enum Article : bool { kA, kThe };
  [[nodiscard]] std::string_view what(Article article = kA) const {
    if (kind_ == Kind::Instructions) return article == kA ? "these instructions" : "the instructions";
    if (kind_ == Kind::Return) return article == kA ? "a return" : "the return";
    return article == kA ? "a jump" : "the jump";
  }

  void tooShort(const Function &function, uint32_t room) {
    LinkAddress end = spot_.link + room;
    if (end < function.end) {
      context_
          .report(DiagnosticId::UndecodableCode, spot_.place(),
                  cat("the bytes at `", function.at(end), "`, which ", what(), " at `", spelled(*spot_.written),
                      "` would overwrite, are no instruction"))
          .notes.push_back(listing(function, spot_.link, context_));
      return;
    }
    std::string bytes = cat(room, room == 1 ? " byte" : " bytes");
    std::string left = cat("`", function.name, "` has ", bytes);
    if (function.name.empty())
      left = cat("the code at `", spelled(*spot_.written), "` has ", bytes);
    else if (spot_.link != function.begin)
      left += cat(" left at `", spelled(*spot_.written), "`");
    Diagnostic &d = context_.report(
        DiagnosticId::SiteTooShort, spot_.place(),
        cat(left, ", padding included, and ", what(), kind_ == Kind::Instructions ? " take " : " takes ", need_));
    d.notes.push_back(listing(function, spot_.link, context_));
  }

  // No branch of `from` (the function itself, or its cold part) goes into the bytes behind the first of the site. A
  // loop back to the first one would come to the jump: for old code that lives on, that is another function. (Moved
  // instructions find each other; a call of itself is meant to be a call like any other.)
  bool unreached(const Function &function, const Function &from, LinkAddress site, uint32_t room) {
    auto leadsInto = [&](const Instruction &i) {
      uint64_t end = site.value + room;
      if (!i.target || *i.target >= end) return false;
      if (*i.target > site.value) return true;
      bool moves = i.address >= site.value && i.address < end;
      return kind_ == Kind::Hook && i.isBranch && !moves && *i.target >= spot_.link.value;
    };
    auto into = std::ranges::find_if(from.code, leadsInto);
    if (into == from.code.end()) return true;
    LinkAddress target{into->target.value_or(0)};
    std::string goes = cat("`", from.at(LinkAddress{into->address}), "` goes to `", function.at(target), "`, ");
    goes += target > site ? cat("which is inside the ", room, " bytes that ", what(kThe), " would overwrite")
                          : "so the original would come back to the hook";
    Diagnostic &d = context_.report(DiagnosticId::BranchIntoSite, spot_.place(), std::move(goes));
    d.notes.push_back(listing(from, LinkAddress{into->address}, context_));
    return false;
  }

  bool movable(const Function &function, LinkAddress site, uint32_t room) {
    auto bytes = spot_.file->bytesAt(site, room);
    if (!bytes) return true; // of the file's zeros; they are no instructions that anyone names
    auto moved = MovedCode::of(context_.machine, *context_.decoder, *bytes, site.value);
    if (moved) return true;
    Diagnostic &d = context_.report(moved.error().id, spot_.place(), std::move(moved.error().message));
    d.notes.push_back(listing(function, site, context_));
    return false;
  }

  static ir::Address shifted(ir::Address address, uint64_t bytes) {
    if (auto *in = std::get_if<ir::InObject>(&address.where)) {
      in->address = in->address + bytes;
      if (!in->symbol.empty()) in->addend += static_cast<int64_t>(bytes);
    }
    if (auto *in = std::get_if<ir::InMemory>(&address.where)) in->offset += bytes;
    if (auto *in = std::get_if<ir::InPayload>(&address.where)) in->addend += static_cast<int64_t>(bytes);
    return address;
  }

  const Spot &spot_;
  const Kind kind_;
  const Symbols &symbols_;
  Context &context_;
  const uint32_t need_;
};

} // namespace

std::optional<Site> checkSite(const Spot &from, NewCode code, const Symbols &symbols, Context &context) {
  return SiteCheck(from, code, symbols, context).run();
}

std::optional<Site> checkReturn(const Spot &function, std::optional<uint64_t> value, const Symbols &symbols,
                                Context &context) {
  auto site = checkSite(function, {NewCode::Kind::Return, returnSize(context.machine, value)}, symbols, context);
  if (!site || function.file == nullptr) return site;
  auto symbol = function.file->symbolAt(function.link);
  if (!symbol || symbol->address == function.link) return site;
  context
      .report(DiagnosticId::NotAFunction, function.place(),
              cat("`", spelled(*function.written), "` is inside `", readable(symbol->name),
                  "`, and a return in the middle of a function would take some value of its stack for the caller"))
      .help = cat("name the function itself: `", readable(symbol->name), "`");
  return std::nullopt;
}

std::optional<ir::Function> checkQuiet(const Spot &at, Context &context) {
  auto refuse = [&](const std::string &why) {
    context.report(DiagnosticId::NotAFunction, at.place(), cat("`", spelled(*at.written), "` ", why));
    return std::nullopt;
  };
  if (at.memory != nullptr) return refuse("is in memory that this patch makes: nothing can run there yet");
  if (at.file == nullptr) return refuse("is no function of a file, so it is not known where its code ends");
  if (!executable(*at.file, at.link)) {
    notCode(at, "only code can be active", context);
    return std::nullopt;
  }
  auto symbol = at.file->symbolAt(at.link);
  bool inside = symbol && at.link >= symbol->address && at.link - symbol->address < symbol->size;
  if (!inside) return refuse(cat("is in no function that `", at.owner, "` names"));
  return ir::Function{readable(symbol->name), symbol->address, symbol->size};
}

bool checkDestination(const Spot &to, Context &context) {
  if (to.file == nullptr) return to.memory == nullptr || runnable(to, {"an instruction", 1}, context);
  if (!staysInSymbol(to, context)) return false;
  if (!executable(*to.file, to.link)) return notCode(to, "a jump leads to code", context);
  if (!context.decoder) return true;
  if (to.symbol != nullptr && to.link == to.symbol->address) return true;
  auto function = functionAt(to, context);
  return function ? startsInstruction(*function, to, context)
                  : notCode(to, "the file has no instructions there", context);
}

} // namespace lpc::sema
