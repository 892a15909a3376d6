// What a `dl` object needs, and who has it. The linker in the backend reads the file again, with the process at hand;
// here is what the author has to know before: that the file can be linked at all, and that nothing it refers to is
// missing.
#include "frontend/sema/payloads.h"

#include <algorithm>
#include <cctype>
#include <unordered_map>
#include <unordered_set>

#include "frontend/sema/spelling.h"
#include "frontend/sema/suggest.h"
#include "frontend/target/relocatable.h"
#include "ir/support/cat.h"
#include "ir/verify.h"

namespace lpc::sema {
namespace {

using target::ElfFile;
using target::Symbol;

constexpr uint16_t kEtDyn = 3;   // gABI, e_type
constexpr uint64_t kPage = 4096; // the smallest page of all machines: what the patcher's linker places by

bool refuse(DiagnosticId id, const ast::Name &file, const std::string &why, const std::string &help, Context &context) {
  context.report(id, file.place, cat("`", file.text, "` ", why)).help = help;
  return false;
}

bool isForTheProgram(const ElfFile &file, const ast::Name &name, Context &context) {
  if (!context.program || file.machine() == context.machine) return true;
  return refuse(DiagnosticId::WrongMachine, name,
                cat("is for ", lpc::name(file.machine()), ", and the program is for ", lpc::name(context.machine)),
                "compile it for the program's machine", context);
}

bool linkable(const ElfFile &file, const Memory &memory, Context &context) {
  const ast::Name &name = *memory.file;
  if (file.elfType() != kEtDyn)
    return refuse(DiagnosticId::UnsupportedPayload, name, "is neither a shared nor a relocatable object",
                  "compile it with `cc -c -fPIC` or `cc -shared -fPIC`", context);
  auto threadLocal = [](const target::Section &s) {
    return s.size != 0 && (s.name.starts_with(".tdata") || s.name.starts_with(".tbss"));
  };
  if (std::ranges::any_of(file.sections(), threadLocal))
    return refuse(DiagnosticId::PayloadThreadLocal, name,
                  "defines thread-local variables, which only the process's own dynamic linker can make",
                  cat("have that load it: `dlopen ", memory.name->text, " ", name.text, "`"), context);
  return true;
}

// The span of its segments. False where there is none of a possible size.
bool measure(const ElfFile &file, const ast::Name &name, Context &context, Memory &memory) {
  uint64_t begin = UINT64_MAX, end = 0;
  for (const target::Segment &segment : file.segments()) {
    if (segment.memorySize == 0) continue;
    uint64_t stop = 0;
    if (__builtin_add_overflow(segment.address.value, segment.memorySize, &stop) || stop > UINT64_MAX - kPage)
      return refuse(DiagnosticId::CorruptPayload, name, "has a segment that runs past the end of the address space", "",
                    context);
    begin = std::min(begin, segment.address.value);
    end = std::max(end, stop);
  }
  if (end == 0) return refuse(DiagnosticId::CorruptPayload, name, "has nothing to load", "", context);
  memory.base = LinkAddress{begin / kPage * kPage};
  memory.size = (end + kPage - 1) / kPage * kPage - memory.base.value;
  if (memory.size > ir::kMaxMemorySize)
    return refuse(DiagnosticId::FileTooLarge, name,
                  "takes more than 1 GiB of memory, the most that one statement brings into a process", "", context);
  return true;
}

// `gcc -shared` brings it along, `gcc -c` does not: of libgcc, arithmetic that the processor lacks, named after the
// modes of its operands (`__udivti3`), and what is known of the processor; of the C library, what has to know its
// object.
bool isOfStaticLibrary(std::string_view name) {
  if (name == "atexit" || name == "at_quick_exit" || name == "pthread_atfork") return true;
  if (name.starts_with("__cpu_")) return true;
  if (!name.starts_with("__")) return false;
  name.remove_prefix(2);
  if (!name.empty() && std::isdigit(static_cast<unsigned char>(name.back())) != 0) name.remove_suffix(1);
  constexpr std::string_view kModes[] = {"si", "di", "ti", "hf", "sf", "df", "xf", "tf", "hc", "sc", "dc", "xc", "tc"};
  auto isLower = [](char c) { return c >= 'a' && c <= 'z'; };
  return name.size() > 4 && std::ranges::all_of(name, isLower) &&
         std::ranges::find(kModes, name.substr(name.size() - 2)) != std::end(kModes);
}

class Binder {
public:
  Binder(const Memory &memory, Addresses &addresses)
      : memory_(memory), addresses_(addresses), context_(addresses.context()), dl_(*memory.dl),
        undefined_(memory.payload->undefinedSymbols()) {}

  std::optional<std::vector<ir::Binding>> run() {
    for (const ast::With &with : dl_.with)
      bindWith(with);
    std::vector<std::string> open;
    for (const ElfFile::Undefined &symbol : undefined_)
      if (!bound_.contains(symbol.name) && !find(symbol)) open.push_back(readable(symbol.name));
    std::ranges::sort(open);
    if (!open.empty()) report(std::move(open));
    return good_ ? std::optional(std::move(out_)) : std::nullopt;
  }

private:
  // The undefined symbol that a `with` names, by its own or its C++ name.
  [[nodiscard]] const ElfFile::Undefined *wanted(const std::string &name) const {
    auto found = std::ranges::find(undefined_, name, &ElfFile::Undefined::name);
    if (found == undefined_.end())
      found = std::ranges::find_if(undefined_, [&](const auto &u) { return readable(u.name) == name; });
    return found == undefined_.end() ? nullptr : &*found;
  }

  void bindWith(const ast::With &with) {
    auto spot = addresses_.resolve(with.address, memory_.statement);
    good_ = good_ && spot.has_value();
    const ElfFile::Undefined *symbol = wanted(with.symbol.text);
    if (symbol == nullptr) return unused(with);
    auto [first, fresh] = bound_.try_emplace(symbol->name, with.symbol.place);
    if (!fresh) {
      context_
          .report(DiagnosticId::DuplicateBinding, with.symbol.place, cat("`", spelled(with.symbol), "` is bound twice"))
          .notes.push_back({"the first time is here", first->second});
      good_ = false;
      return;
    }
    if (symbol->threadLocal) {
      context_.report(DiagnosticId::ThreadLocalSymbol, with.symbol.place,
                      cat("`", spelled(with.symbol), "` is a thread-local variable to `", dl_.file.text,
                          "`: no single address can be bound to it"));
      good_ = false;
      return;
    }
    if (spot) out_.push_back({symbol->name, std::move(spot->address)});
  }

  void unused(const ast::With &with) {
    good_ = false;
    bool defined = !memory_.payload->find({with.symbol.text})[0].empty();
    Diagnostic &d = context_.report(DiagnosticId::UnusedBinding, with.symbol.place,
                                    cat("`", dl_.file.text, "` ", defined ? "defines `" : "does not refer to `",
                                        spelled(with.symbol), "`", defined ? " itself" : "",
                                        ": `with` binds what a payload leaves undefined"));
    if (defined) return;
    std::vector<std::string> names;
    names.reserve(undefined_.size());
    for (const ElfFile::Undefined &each : undefined_)
      names.push_back(each.name);
    d.help = didYouMean(nearest(with.symbol.text, names));
  }

  // False where nobody defines the name.
  bool find(const ElfFile::Undefined &symbol) {
    return inOtherPayload(symbol.name) || !context_.program || inProgram(symbol) || inLibrary(symbol.name) ||
           (symbol.weak && !symbol.threadLocal) || addresses_.symbols().librariesAreMissing();
  }

  [[nodiscard]] bool inOtherPayload(const std::string &name) const {
    return std::ranges::any_of(addresses_.memories().all, [&](const Memory &other) {
      return &other != &memory_ && other.usable && other.payload &&
             std::ranges::any_of(addresses_.symbols().inPayload(other, name), &Symbol::exported);
    });
  }

  bool inProgram(const ElfFile::Undefined &symbol) {
    const std::string &name = symbol.name;
    Candidates found = narrow(addresses_.symbols().inObject(0, name), {}, true);
    if (found.empty()) return false;
    if (found.size() > 1) {
      Diagnostic &d = context_.report(DiagnosticId::AmbiguousSymbol, dl_.file.place,
                                      cat("`", dl_.file.text, "` needs `", readable(name), "`, and `",
                                          shown(context_, 0), "` has ", found.size(), " symbols of this name"));
      d.notes.push_back({"candidates:", {}, describe(found)});
      ast::SymbolAddress plain{.object = {}, .sourceFile = {}, .symbol = {.text = name}};
      std::string distinct = distinctName(found, "target", plain); // "`util.c:helper`"
      d.help = cat("say which: `with ", name, " = ", distinct.substr(1));
      good_ = false;
    } else if (bool threadLocal = found[0]->kind == target::SymbolKind::ThreadLocal;
               threadLocal != symbol.threadLocal) {
      context_.report(DiagnosticId::ThreadLocalSymbol, dl_.file.place,
                      cat("`", dl_.file.text, "` needs `", name, "` as a ", threadLocal ? "common" : "thread-local",
                          " variable, and in `", shown(context_, 0), "` it is a ",
                          threadLocal ? "thread-local" : "common", " one"));
      good_ = false;
    } else if (found[0]->kind != target::SymbolKind::Ifunc) {
      out_.push_back({name, addresses_.ofProgram(*found[0])}); // of a thread-local variable: its place in the block
    } else if (onlyInSymbolFile(name)) {
      context_
          .report(DiagnosticId::IfuncSymbol, dl_.file.place,
                  cat("`", dl_.file.text, "` needs `", name, "`, an IFUNC that only the separate symbol file of `",
                      shown(context_, 0), "` has: a process does not show where its resolver is"))
          .help =
          cat("bind it to an implementation: `dl ", dl_.name.text, " ", dl_.file.text, " with ", name, " = ADDR`");
      good_ = false;
    }
    return true;
  }

  // The planner looks IFUNCs up in the file that is mapped (backend/bind.cpp).
  [[nodiscard]] bool onlyInSymbolFile(const std::string &name) const {
    const target::ObjectSource &source = context_.objects.source(0);
    auto alone = ElfFile::open(source.path, source.shown);
    return alone && (*alone)->find({name}, target::Spelling::AsInTable)[0].empty();
  }

  [[nodiscard]] bool inLibrary(const std::string &name) const {
    return std::ranges::any_of(addresses_.symbols().libraries(), [&](size_t library) {
      return std::ranges::any_of(addresses_.symbols().inObject(library, name), &Symbol::exported);
    });
  }

  void report(std::vector<std::string> open) {
    std::string what = open.size() == 1 ? cat("`", open[0], "`, which") : cat(open.size(), " symbols that");
    std::string libraries = context_.objects.size() > 1 ? " nor its libraries define" : " defines";
    Diagnostic &d = context_.report(
        DiagnosticId::UndefinedPayloadSymbol, dl_.file.place,
        cat("`", dl_.file.text, "` needs ", what, " neither the patch nor `", shown(context_, 0), "`", libraries));
    d.help = cat("bind ", open.size() == 1 ? "it" : "them", " to an address: `dl ", dl_.name.text, " ", dl_.file.text,
                 " with ", open[0], " = ADDR`");
    if (auto helper = std::ranges::find_if(open, isOfStaticLibrary); helper != open.end())
      d.help = cat("`", *helper,
                   "` is in a library that is linked into shared objects: make one of it, `gcc -shared -fPIC`");
    if (std::ranges::find(open, "__tls_get_addr") != open.end())
      d.help = "a static program has no `__tls_get_addr`: compile the payload with -ftls-model=initial-exec";
    std::vector<std::string> absent;
    for (const std::string &library : memory_.payload->needed())
      if (context_.objects.named(library).empty()) absent.push_back(library);
    if (!absent.empty())
      d.notes.push_back(
          {cat("it was linked with libraries that `", shown(context_, 0), "` does not load:"), {}, std::move(absent)});
    if (open.size() > 1) d.notes.push_back({"nobody defines:", {}, std::move(open)});
    good_ = false;
  }

  const Memory &memory_;
  Addresses &addresses_;
  Context &context_;
  const ast::Dl &dl_;
  const std::vector<ElfFile::Undefined> undefined_;
  std::unordered_map<std::string, Place> bound_; // by `with`
  std::vector<ir::Binding> out_;
  bool good_ = true;
};

} // namespace

namespace {

std::shared_ptr<const ElfFile> readElf(Result<std::shared_ptr<const ElfFile>> file, Context &context,
                                       const ast::Name &name) {
  if (file) return *file;
  Error error = std::move(file.error());
  // To a payload, a machine that lpc doesn't know is one that the program isn't for.
  if (error.id == DiagnosticId::UnsupportedMachine) error.id = DiagnosticId::WrongMachine;
  context.diagnostics.add(toDiagnostic(std::move(error), name.place));
  return nullptr;
}

// A program that is linked with nothing and names no dynamic linker; a library is loaded by the one of its process.
bool isStatic(const ElfFile &program) {
  return program.interpreter().empty() && program.needed().empty() && program.soname().empty();
}

} // namespace

bool openPayload(const Bytes &bytes, Context &context, Memory &memory) {
  const ast::Name &name = *memory.file;
  auto file = readElf(ElfFile::fromBytes(bytes, name.text), context, name);
  if (!file || !isForTheProgram(*file, name, context)) return false;
  if (target::isRelocatable(bytes)) {
    // From here on it is the shared object that the backend will make of it, too.
    auto linked = target::linkRelocatable(bytes, name.text);
    file =
        readElf(linked ? ElfFile::fromBytes(std::move(*linked), name.text) : std::unexpected(std::move(linked.error())),
                context, name);
    if (!file) return false;
  }
  memory.payload = file;
  return linkable(*file, memory, context) && measure(*file, name, context, memory);
}

bool openForLoader(const Bytes &bytes, Context &context, Memory &memory) {
  const ast::Name &name = *memory.file;
  auto file = readElf(ElfFile::fromBytes(bytes, name.text), context, name);
  if (!file || !isForTheProgram(*file, name, context)) return false;
  bool isProgram = !file->interpreter().empty() && file->soname().empty();
  if (file->elfType() != kEtDyn || isProgram)
    return refuse(DiagnosticId::UnsupportedPayload, name,
                  "is not a shared object, which is all that a dynamic linker loads",
                  "compile it with `cc -shared -fPIC`", context);
  if (context.program && isStatic(*context.program)) {
    context
        .report(DiagnosticId::NoDynamicLinker, name.place,
                cat("`", shown(context, 0), "` is linked statically: it has no dynamic linker that could load `",
                    name.text, "`"))
        .help = cat("link it into the process: `dl ", memory.name->text, " ", name.text, "`");
    return false;
  }
  memory.payload = file;
  return measure(*file, name, context, memory);
}

std::optional<std::vector<ir::Binding>> bindUndefined(const Memory &memory, Addresses &addresses) {
  return Binder(memory, addresses).run();
}

} // namespace lpc::sema
