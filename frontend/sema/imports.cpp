// An import that is not there is told by its reason: the object has no imports at all, defines the symbol itself, uses
// it without a slot, or does not know it.
#include "frontend/sema/imports.h"

#include <algorithm>
#include <set>

#include "frontend/sema/lookup.h"
#include "frontend/sema/names.h"
#include "frontend/sema/spelling.h"
#include "frontend/sema/suggest.h"
#include "ir/support/cat.h"

namespace lpc::sema {
namespace {

void unknown(const ast::Got &got, const std::string &name, size_t object, const target::ElfFile &file,
             Context &context) {
  std::vector<std::string> imports;
  for (target::ElfFile::Undefined &undefined : file.undefinedSymbols())
    imports.push_back(std::move(undefined.name));
  const std::string owner = shown(context, object), written = spelled(got.symbol);
  auto report = [&](const std::string &why, const std::string &help) {
    context.report(DiagnosticId::UnknownImport, got.symbol.place, cat("`", owner, "` ", why)).help = help;
  };
  const std::string jump = cat("`jmp ", object == 0 ? "" : cat(context.objects.source(object).name, "!"), written, " ",
                               spelled(got.to), "`");
  if (imports.empty() && file.needed().empty())
    return report(cat("imports nothing, so it has no slot for `", written, "`"),
                  cat("for its own function write ", jump));
  if (std::ranges::find(imports, name) != imports.end())
    return report(cat("uses `", written, "`, but not through a slot that could be changed"),
                  cat("change the symbol itself: `jmp ", written, " ", spelled(got.to), "`"));
  if (!file.find({name})[0].empty())
    return report(cat("defines `", written, "` itself, and reaches it without a slot"), cat("write ", jump));
  report(cat("imports no symbol `", written, "`"), didYouMean(nearest(name, imports)));
}

void otherVersions(const ast::Got &got, const std::string &name, const std::set<std::string> &versions,
                   const std::string &owner, Context &context) {
  std::string there;
  for (const std::string &version : versions)
    there += cat(there.empty() ? "" : ", ", "`", name, version.empty() ? "" : "@", version, "`");
  context.report(DiagnosticId::UnknownImport, got.symbol.place,
                 cat("`", owner, "` does not import `", spelled(got.symbol), "`, but ", there));
}

} // namespace

std::optional<ImportSlots> findImport(const ast::Got &got, Context &context) {
  std::optional<size_t> object = 0;
  Place place = got.symbol.place;
  if (got.object) object = namedObject(*got.object, context), place = got.object->place;
  if (!object) return std::nullopt;
  auto file = fileOf(*object, place, context);
  if (file == nullptr) return std::nullopt;
  const auto [name, version] = splitVersion(got.symbol.text);
  ImportSlots found{*object, file->importSlots(name)};
  if (found.slots.empty()) {
    unknown(got, std::string(name), *object, *file, context);
    return std::nullopt;
  }
  if (version.empty()) return found;
  std::set<std::string> versions;
  for (const target::ElfFile::ImportSlot &slot : found.slots)
    versions.insert(slot.version);
  std::erase_if(found.slots, [&](const auto &slot) { return slot.version != version; });
  if (!found.slots.empty()) return found;
  otherVersions(got, std::string(name), versions, shown(context, *object), context);
  return std::nullopt;
}

} // namespace lpc::sema
