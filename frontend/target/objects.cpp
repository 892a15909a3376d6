// The list of objects grows: first what the caller knows, then, when somebody asks for more than the program, its
// libraries. A library that is not found keeps its place, so that whoever needs its symbols is told (MissingLibrary)
// and nobody else is.
#include "frontend/target/objects.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "frontend/target/library_search.h"
#include "frontend/target/paths.h"
#include "ir/support/cat.h"

namespace lpc::target {
namespace {

using File = std::shared_ptr<const ElfFile>;

struct Entry {
  ObjectSource source;
  std::vector<std::string> aliases; // further names
  std::optional<Result<File>> raw;  // opened
  bool complete = false;            // its debug file was looked for
};

bool isNamed(const Entry &entry, const std::string &name) {
  return entry.source.name == name || std::ranges::find(entry.aliases, name) != entry.aliases.end();
}

} // namespace

struct Objects::Impl {
  std::deque<Entry> entries; // source() hands out references
  bool closed = false, searched = false;
  std::vector<Diagnostic> warnings;

  const Result<File> &raw(size_t i);
  void attachDebugFile(Entry &entry);
  void search();
  void warn(DiagnosticId id, std::string message, std::vector<Note> notes = {});
  [[nodiscard]] std::optional<size_t> sameAs(const ElfFile &file, const std::string &path);
};

const Result<File> &Objects::Impl::raw(size_t i) {
  Entry &entry = entries[i];
  if (entry.raw) return *entry.raw;
  if (entry.source.path.empty())
    return entry.raw.emplace(
        fail(DiagnosticId::MissingLibrary,
             cat("library `", entry.source.shown, "` of `", entries[0].source.shown, "` was not found"),
             cat("say where it is: `object NAME = FILE`")));
  return entry.raw.emplace(ElfFile::open(entry.source.path, entry.source.shown));
}

void Objects::Impl::warn(DiagnosticId id, std::string message, std::vector<Note> notes) {
  Diagnostic diagnostic{.id = id, .severity = info(id).severity, .message = std::move(message)};
  diagnostic.notes = std::move(notes);
  warnings.push_back(std::move(diagnostic));
}

void Objects::Impl::attachDebugFile(Entry &entry) {
  entry.complete = true;
  const File &file = **entry.raw;
  // A file of a process is opened through /proc, but its debug file stands beside where it was.
  const std::string &path = entry.source.path.starts_with("/proc/") ? entry.source.shown : entry.source.path;
  std::vector<std::string> others;
  auto found = findDebugFile(*file, path, "", &others);
  for (const std::string &other : others)
    warn(DiagnosticId::DebugFileMismatch,
         cat("debug file `", other, "` belongs to another build of `", entry.source.shown, "`, so it is not used"));
  if (!found) return;
  auto debug = ElfFile::open(*found, *found);
  if (!debug) {
    warn(debug.error().id == DiagnosticId::CannotOpen ? DiagnosticId::CannotOpen : DiagnosticId::DebugFileMismatch,
         cat("debug file `", *found, "` is not used: ", debug.error().message));
    warnings.back().severity = Severity::Warning;
    return;
  }
  if (auto attached = file->attachDebugFile(*debug); !attached)
    warn(attached.error().id, cat(attached.error().message, ", so it is not used"), attached.error().notes);
}

void Objects::Impl::search() {
  if (searched || closed) return;
  searched = true;
  for (FoundLibrary &library : findLibraries(***entries[0].raw, entries[0].source.path)) {
    bool known =
        std::ranges::any_of(entries, [&](const Entry &entry) { return entry.source.soname == library.soname; });
    if (known) continue; // the caller knows better where it is
    std::string shown = library.path.empty() ? library.soname : library.path;
    Entry entry{.source = {library.soname, library.soname, library.path, shown}};
    if (library.file) entry.raw.emplace(std::move(library.file));
    entries.push_back(std::move(entry));
  }
}

// The object of the list that a file is: of the same build, else of the same soname.
std::optional<size_t> Objects::Impl::sameAs(const ElfFile &file, const std::string &path) {
  if (!file.buildId().empty())
    for (size_t i = 0; i < entries.size(); i++)
      if (const Result<File> &other = raw(i); other && (*other)->buildId() == file.buildId()) return i;
  const std::string soname = file.soname().empty() ? fileNameOf(path) : file.soname();
  for (size_t i = 1; i < entries.size(); i++) {
    if (entries[i].source.soname == soname) return i;
    if (const Result<File> &other = raw(i); other && (*other)->soname() == soname) return i;
  }
  return std::nullopt;
}

Objects::Objects(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Objects::Objects(Objects &&) noexcept = default;
Objects &Objects::operator=(Objects &&) noexcept = default;
Objects::~Objects() = default;

Result<Objects> Objects::open(std::vector<ObjectSource> sources, bool closed) {
  LPC_CHECK(!sources.empty());
  auto impl = std::make_unique<Impl>();
  impl->closed = closed;
  for (ObjectSource &source : sources)
    impl->entries.push_back({.source = std::move(source)});
  const Result<File> &program = impl->raw(0);
  if (!program) return std::unexpected(program.error());
  if ((*program)->isDebugFile())
    return fail(
        DiagnosticId::NotElf,
        cat("`", (*program)->name(), "` is a separate debug file: it has the symbols of a program, not its code"),
        "give the program itself; its debug file is found by itself");
  return Objects(std::move(impl));
}

size_t Objects::size() const {
  impl_->search();
  return impl_->entries.size();
}

const ObjectSource &Objects::source(size_t i) const {
  LPC_CHECK(i < impl_->entries.size());
  return impl_->entries[i].source;
}

Result<File> Objects::file(size_t i) {
  LPC_CHECK(i < impl_->entries.size());
  const Result<File> &raw = impl_->raw(i);
  if (raw && !impl_->entries[i].complete) impl_->attachDebugFile(impl_->entries[i]);
  return raw;
}

Result<File> Objects::withoutDebugFile(size_t i) {
  LPC_CHECK(i < impl_->entries.size());
  return impl_->raw(i);
}

std::vector<size_t> Objects::named(const std::string &name) const {
  auto those = [&](auto matches) {
    std::vector<size_t> found;
    for (size_t i = 0; i < impl_->entries.size(); i++)
      if (matches(impl_->entries[i])) found.push_back(i);
    return found;
  };
  auto byName = [&](const Entry &entry) { return isNamed(entry, name); };
  // What the user called so is meant, whatever libraries there are: no need to look for them.
  if (auto found = those(byName); !found.empty()) return found;
  impl_->search();
  if (auto found = those(byName); !found.empty()) return found;
  if (auto found = those([&](const Entry &entry) { return entry.source.soname == name; }); !found.empty()) return found;
  return those([&](const Entry &entry) {
    return fileNameOf(entry.source.path) == name || fileNameOf(entry.source.shown) == name;
  });
}

Result<size_t> Objects::addAlias(const std::string &alias, const std::string &path, const std::string &shown) {
  auto file = ElfFile::open(path, shown);
  if (!file) {
    // No file beside the patch, but the name of a library that the program has.
    if (file.error().id != DiagnosticId::CannotOpen || shown.contains('/')) return std::unexpected(file.error());
    auto those = named(shown);
    if (those.size() != 1 || those[0] == 0 || !impl_->raw(those[0])) return std::unexpected(std::move(file.error()));
    impl_->entries[those[0]].aliases.push_back(alias);
    return those[0];
  }
  impl_->search();
  auto same = impl_->sameAs(**file, path);
  if (same) {
    Entry &entry = impl_->entries[*same];
    if (entry.source.name == entry.source.soname)
      entry.source.name = alias; // it is still found by its soname
    else
      entry.aliases.push_back(alias);
    // Without a process the user knows better which build of a library is meant than our own dynamic linker does.
    if (!impl_->closed && *same != 0 && (!impl_->raw(*same) || (*impl_->raw(*same))->buildId() != (*file)->buildId())) {
      entry.source.path = path, entry.source.shown = shown;
      entry.raw.emplace(std::move(*file));
      entry.complete = false;
    }
    return *same;
  }
  if (impl_->closed) {
    const Machine ours = (*impl_->raw(0))->machine(), its = (*file)->machine();
    if (ours != its)
      return fail(DiagnosticId::WrongMachine,
                  cat("`", shown, "` is for ", name(its), ", and the program is for ", name(ours)));
    return fail(DiagnosticId::UnknownObject, cat("the process has not loaded `", shown, "`"));
  }
  const std::string soname = (*file)->soname().empty() ? fileNameOf(path) : (*file)->soname();
  impl_->entries.push_back({.source = {alias, soname, path, shown}});
  impl_->entries.back().raw.emplace(std::move(*file));
  return impl_->entries.size() - 1;
}

std::vector<Diagnostic> Objects::takeWarnings() { return std::exchange(impl_->warnings, {}); }

} // namespace lpc::target
