// ld.so's rules (ld.so(8); glibc 2.36 elf/dl-load.c, elf/dl-deps.c), and musl's (ldso/dynlink.c) where the program's
// interpreter is musl's. What cannot be known from files is left out: LD_LIBRARY_PATH, LD_PRELOAD, folders relative to
// the process's current one.
//
// glibc: every object of the list, from the program on, brings its DT_NEEDED, in order; a name that an object of the
// list was asked for by, or has as DT_SONAME, is that object; so is a file that is in the list already under another
// path.
#include "frontend/target/library_search.h"

#include <sys/stat.h>

#include <algorithm>

#include "frontend/target/file_contents.h"
#include "frontend/target/hwcaps.h"
#include "frontend/target/ld_cache.h"
#include "frontend/target/paths.h"
#include "ir/support/cat.h"

namespace lpc::target {
namespace {

constexpr size_t kMostLibraries = 4096;
constexpr size_t kNobody = SIZE_MAX;

struct Loaded {
  const ElfFile *file = nullptr;        // null: not found
  std::shared_ptr<const ElfFile> owner; // empty for the program
  std::string inside;                   // path without root
  size_t loader = kNobody;              // who asked for it first
  std::vector<std::string> names;
  dev_t device = 0;
  ino_t inode = 0;
};

std::vector<std::string> split(std::string_view list, std::string_view separators) {
  std::vector<std::string> parts;
  while (!list.empty()) {
    size_t end = std::min(list.find_first_of(separators), list.size());
    if (end > 0) parts.emplace_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return parts;
}

// What $LIB and $PLATFORM stand for depends on how the distribution built its glibc: Debian's, then others', are tried.
std::vector<std::string> valuesOf(std::string_view token, Machine machine) {
  bool is64 = pointerSize(machine) == 8;
  std::string triplet = machine == Machine::X86_64 ? "x86_64-linux-gnu"
                        : machine == Machine::I386 ? "i386-linux-gnu"
                                                   : "aarch64-linux-gnu";
  if (token == "LIB") return {"lib/" + triplet, is64 ? "lib64" : "lib", "lib"};
  if (machine == Machine::X86_64) return {"x86_64", "haswell"}; // the latter where AVX2 is there, up to glibc 2.36
  if (machine == Machine::I386) return {"i686", "i586", "i386"};
  return {"aarch64"};
}

// `text` with its first $TOKEN or ${TOKEN} replaced by each of its values, and so on for the others. Paths with a token
// that is unknown, or with an $ORIGIN that is, are dropped.
std::vector<std::string> expand(const std::string &text, const std::string &origin, Machine machine,
                                unsigned depth = 0) {
  constexpr unsigned kMostTokens = 4;
  size_t dollar = text.find('$');
  if (dollar == std::string::npos) return {text};
  if (depth == kMostTokens) return {};
  bool braced = text.compare(dollar + 1, 1, "{") == 0;
  size_t start = dollar + (braced ? 2 : 1);
  for (std::string_view token : {"ORIGIN", "LIB", "PLATFORM"}) {
    if (text.compare(start, token.size(), token) != 0) continue;
    size_t end = start + token.size();
    if (braced && text.compare(end, 1, "}") != 0) return {};
    std::vector<std::string> values = token == "ORIGIN" ? std::vector{origin} : valuesOf(token, machine), result;
    if (token == "ORIGIN" && origin.empty()) return {};
    for (const std::string &value : values) {
      std::string tail = text.substr(end + (braced ? 1 : 0));
      for (std::string &rest : expand(tail, origin, machine, depth + 1))
        result.push_back(text.substr(0, dollar) + value + rest);
    }
    return result;
  }
  return {};
}

class Search {
public:
  Search(const ElfFile &program, const std::string &programPath, const std::string &root)
      : root_(root), machine_(program.machine()), interpreter_(program.interpreter()),
        musl_(interpreter_.find("/ld-musl-") != std::string::npos), hwcaps_(usableHwcaps(machine_)) {
    Loaded main{.file = &program, .owner = nullptr, .inside = canonical(root, programPath).value_or(programPath)};
    identify(main, root_ + main.inside);
    loaded_.push_back(std::move(main));
  }

  std::vector<FoundLibrary> run() {
    for (size_t i = 0; i < loaded_.size() && loaded_.size() < kMostLibraries; i++) {
      if (!loaded_[i].file) continue;
      const std::vector<std::string> &needed = loaded_[i].file->needed();
      for (const std::string &name : needed)
        need(name, i);
    }
    std::vector<FoundLibrary> result;
    for (size_t i = 1; i < loaded_.size(); i++) {
      Loaded &each = loaded_[i];
      result.push_back({each.names.front(), each.file ? each.owner->name() : "", std::move(each.owner)});
    }
    return result;
  }

private:
  void need(const std::string &name, size_t loader) {
    for (const Loaded &each : loaded_)
      if (std::ranges::find(each.names, name) != each.names.end()) return;
    auto found = find(name, loader);
    if (!found) { // remembered, so that it is asked for once
      loaded_.push_back({.loader = loader, .names = {name}});
      return;
    }
    for (Loaded &each : loaded_) {
      if (!each.file || each.device != found->device || each.inode != found->inode) continue;
      each.names.push_back(name);
      return;
    }
    found->loader = loader;
    found->names.push_back(name);
    if (!found->file->soname().empty()) found->names.push_back(found->file->soname());
    loaded_.push_back(std::move(*found));
  }

  std::optional<Loaded> find(const std::string &name, size_t loader) {
    if (isInterpreter(name)) return open(interpreter_);
    if (name.find('/') != std::string::npos) {
      for (const std::string &path : expand(name, folderOf(loaded_[loader].inside), machine_))
        if (auto found = open(path)) return found;
      return std::nullopt;
    }
    if (auto found = findByPaths(name, loader)) return found;
    if (musl_) return findIn(muslFolders(), name);
    // With DF_1_NODEFLIB the cache counts only for what is not in a default folder; such a file is rare enough to be
    // left out.
    if (loaded_[loader].file->noDefaultLibraries()) return std::nullopt;
    if (!cache_) cache_ = LdCache::read(openable(root_, "/etc/ld.so.cache").value_or(""));
    if (auto path = cache_->find(name, machine_))
      if (auto found = open(*path)) return found;
    return findIn(defaultFolders(), name);
  }

  // DT_RPATH of who asks, of who asked for that one, and so on, unless the first has a DT_RUNPATH; then that. (musl has
  // the same chain for both.)
  std::optional<Loaded> findByPaths(const std::string &name, size_t loader) {
    const ElfFile &asking = *loaded_[loader].file;
    if (asking.runpath().empty() || musl_) {
      for (size_t i = loader; i != kNobody; i = loaded_[i].loader) {
        const ElfFile &file = *loaded_[i].file;
        const std::string &path = musl_ && !file.runpath().empty() ? file.runpath() : file.rpath();
        if (auto found = findIn(folders(path, i), name)) return found;
      }
    }
    return musl_ ? std::nullopt : findIn(folders(asking.runpath(), loader), name);
  }

  [[nodiscard]] std::vector<std::string> folders(const std::string &path, size_t of) const {
    std::vector<std::string> result;
    for (const std::string &part : split(path, ":"))
      for (std::string &folder : expand(part, folderOf(loaded_[of].inside), machine_))
        if (folder.starts_with('/')) result.push_back(std::move(folder));
    return result;
  }

  // glibc up to 2.36 looks into older kinds of subfolders, too (tls, x86_64, haswell); nothing is there on any system
  // of its time, and 2.37 has dropped them.
  std::optional<Loaded> findIn(const std::vector<std::string> &folders, const std::string &name) {
    for (const std::string &folder : folders) {
      if (!musl_)
        for (std::string_view hwcap : hwcaps_)
          if (auto found = open(cat(folder, "/glibc-hwcaps/", hwcap, "/", name))) return found;
      if (auto found = open(cat(folder, "/", name))) return found;
    }
    return std::nullopt;
  }

  // Files of other machines are passed over, as ld.so does. So are damaged ones, at which ld.so would give up.
  std::optional<Loaded> open(const std::string &inside) {
    auto path = openable(root_, inside);
    if (!path) return std::nullopt;
    auto file = ElfFile::open(*path, *path);
    if (!file || (*file)->machine() != machine_) return std::nullopt;
    Loaded found{.file = file->get(), .owner = *file, .inside = inside};
    identify(found, *path);
    return found;
  }

  static void identify(Loaded &object, const std::string &path) {
    struct stat status{};
    if (stat(path.c_str(), &status) == 0) object.device = status.st_dev, object.inode = status.st_ino;
  }

  // musl is one file: the linker, the C library, and all that others split off it.
  [[nodiscard]] bool isInterpreter(const std::string &name) const {
    if (interpreter_.empty()) return false;
    if (!musl_) return name == fileNameOf(interpreter_);
    if (name.starts_with("libc.musl-") || name == fileNameOf(interpreter_)) return true;
    return std::ranges::any_of(std::array{"libc.so", "libpthread.so", "librt.so", "libm.so", "libdl.so", "libutil.so"},
                               [&](std::string_view own) { return name.starts_with(own); });
  }

  // /lib/ld-musl-x86_64.so.1 reads /etc/ld-musl-x86_64.path.
  [[nodiscard]] std::vector<std::string> muslFolders() const {
    std::string name = fileNameOf(interpreter_);
    name.resize(std::min(name.find(".so"), name.size()));
    if (auto path = openable(root_, cat("/etc/", name, ".path"))) {
      constexpr size_t kLongest = size_t{64} << 10;
      auto contents = FileContents::map(*path, *path);
      if (!contents) return {};
      BytesView bytes = contents->view().first(std::min(contents->view().size(), kLongest));
      std::string text(bytes.begin(), bytes.end());
      return split(text, ":\n");
    }
    return {"/lib", "/usr/local/lib", "/usr/lib"};
  }

  // Debian's, then those of the upstream glibc.
  [[nodiscard]] std::vector<std::string> defaultFolders() const {
    std::string triplet = valuesOf("LIB", machine_).front();
    std::string wide = pointerSize(machine_) == 8 ? "lib64" : "lib32";
    return {"/" + triplet, "/usr/" + triplet, "/" + wide, "/usr/" + wide, "/lib", "/usr/lib"};
  }

  std::string root_;
  Machine machine_;
  std::string interpreter_;
  bool musl_;
  std::vector<std::string_view> hwcaps_;
  std::optional<LdCache> cache_;
  std::vector<Loaded> loaded_;
};

} // namespace

std::vector<FoundLibrary> findLibraries(const ElfFile &program, const std::string &programPath,
                                        const std::string &root) {
  return Search(program, programPath, root).run();
}

} // namespace lpc::target
