// The header statements. What they say of a file is compared with the file at once: a patch for another build is the
// one mistake that makes every other message doubtful, so it is worth its own.
#include "frontend/sema/headers.h"

#include <algorithm>

#include "frontend/sema/files.h"
#include "ir/support/cat.h"
#include "ir/verify.h"

namespace lpc::sema {
namespace {

std::string shownId(const Bytes &id) { return id.empty() ? "none" : toHex(id); }

// Compares a build-id that the patch or the command line states with the file's.
void compareBuildId(const std::string &stated, const target::ElfFile &file, const std::string &object, Place place,
                    Context &context) {
  const Bytes &actual = file.buildId();
  if (stated == toHex(actual)) return;
  Diagnostic &d =
      context.report(DiagnosticId::BuildIdMismatch, place,
                     actual.empty() ? cat("`", object, "` has no build-id, and the patch is for a certain build")
                                    : cat("`", object, "` is another build than the one that the patch is for"));
  d.notes.push_back({"", {}, {cat("patch  build-id ", stated), cat("file   build-id ", shownId(actual))}});
  d.help = "give the file of that build, or check the patch against this one and state its build-id";
}

class HeaderCheck {
public:
  HeaderCheck(Context &context, Program &out) : context_(context), out_(out) {}

  void run(const ast::File &file) {
    Headers headers = sema::headers(file);
    if (headers.patch) name(*headers.patch);
    target_ = headers.target;
    openProgram();
    for (const ast::ObjectHeader &object : headers.objects)
      alias(object);
  }

private:
  void name(const ast::PatchHeader &patch) {
    auto bad = [](const std::string &text) {
      return text.empty() || text.size() > ir::kMaxPatchName ||
             std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
    };
    for (const ast::Name *each : {&patch.name, patch.version ? &*patch.version : nullptr})
      if (each != nullptr && bad(each->text))
        context_.report(
            DiagnosticId::BadName, each->place,
            cat(each == &patch.name ? "a patch's name" : "a patch's version",
                " has 1 to 255 bytes and no control characters: it is one field of a line in `lpc status`"));
    out_.name = patch.name.text;
    if (patch.version) out_.version = patch.version->text;
  }

  void openProgram() {
    Place place = target_ ? target_->file.place : Place{};
    auto program = context_.objects.file(0);
    if (!program) {
      context_.diagnostics.add(toDiagnostic(std::move(program.error()), place));
      return;
    }
    context_.program = *program;
    context_.machine = out_.machine = (*program)->machine();
    buildIds(place);
    openDecoder(place);
  }

  void buildIds(Place place) {
    const std::string object = shown(context_, 0);
    std::optional<std::string> stated;
    if (target_ && target_->buildId) stated = toHex(*target_->buildId);
    if (stated) compareBuildId(*stated, *context_.program, object, place, context_);
    const std::optional<std::string> &wanted = context_.options.buildId;
    if (wanted && wanted != stated) compareBuildId(*wanted, *context_.program, object, place, context_);
  }

  void openDecoder(Place place) {
    if (context_.machine != Machine::X86_64) {
      context_.report(DiagnosticId::UnsupportedMachine, place,
                      cat("`", shown(context_, 0), "` is a program for ", lpc::name(context_.machine),
                          "; this lpc patches x86_64 programs"));
      return;
    }
    auto decoder = Decoder::create(context_.machine);
    if (decoder)
      context_.decoder = std::move(*decoder);
    else
      context_.diagnostics.add(toDiagnostic(std::move(decoder.error()), place));
  }

  // `object NAME = FILE`. A name that the command line has given already stands: it overrides the file, as it does for
  // `target`.
  void alias(const ast::ObjectHeader &object) {
    const std::string &name = object.name.text;
    if (name == "target") {
      context_.report(DiagnosticId::DuplicateObject, object.name.place,
                      "`target` is the program itself, so no other object can have this name");
      return;
    }
    if (auto [known, fresh] = aliases_.try_emplace(name, object.name.place); !fresh) {
      Diagnostic &d = context_.report(DiagnosticId::DuplicateObject, object.name.place,
                                      cat("`", name, "` is already an object of this patch"));
      d.notes.push_back({"it is defined here", known->second});
      return;
    }
    auto index = given(name);
    if (!index) index = context_.objects.addAlias(name, inFolder(context_.options, object.file.text), object.file.text);
    auto file = index ? context_.objects.file(*index) : std::unexpected(index.error());
    if (!file) {
      context_.diagnostics.add(toDiagnostic(std::move(file.error()), object.file.place));
      context_.brokenObjects.insert(name);
      return;
    }
    if (context_.program && (*file)->machine() != context_.machine) {
      context_.report(DiagnosticId::WrongMachine, object.file.place,
                      cat("`", object.file.text, "` is for ", lpc::name((*file)->machine()),
                          ", and the program is for ", lpc::name(context_.machine)));
      context_.brokenObjects.insert(name);
      return;
    }
    if (object.buildId) compareBuildId(toHex(*object.buildId), **file, object.file.text, object.file.place, context_);
  }

  // The object that the command line has given this name.
  [[nodiscard]] Result<size_t> given(const std::string &name) const {
    for (size_t i : context_.objects.named(name)) {
      const target::ObjectSource &source = context_.objects.source(i);
      bool byChance = source.soname == name || isFileName(name, source.path) || isFileName(name, source.shown);
      if (source.name == name || !byChance) return i;
    }
    return fail(DiagnosticId::UnknownObject, "");
  }

  static bool isFileName(const std::string &name, const std::string &path) {
    return path == name || path.ends_with("/" + name);
  }

  Context &context_;
  Program &out_;
  std::optional<ast::TargetHeader> target_;
  std::unordered_map<std::string, Place> aliases_;
};

} // namespace

void checkHeaders(const ast::File &file, Context &context, Program &out) { HeaderCheck(context, out).run(file); }

Headers headers(const ast::File &file) {
  Headers out;
  for (const ast::Statement &statement : file.statements) {
    if (const auto *patch = std::get_if<ast::PatchHeader>(&statement.what); patch && !out.patch) out.patch = *patch;
    if (const auto *target = std::get_if<ast::TargetHeader>(&statement.what); target && !out.target)
      out.target = *target;
    if (const auto *object = std::get_if<ast::ObjectHeader>(&statement.what)) out.objects.push_back(*object);
  }
  return out;
}

} // namespace lpc::sema
