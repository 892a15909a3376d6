// The ELF objects that a process has loaded.
//
// Two sources, each with what the other lacks: the dynamic linker's list has the search order and the names, the
// mappings have the truth. An entry of the list counts where its dynamic section lies in a mapped object whose own
// headers agree; objects that are mapped as code and in no list (before the dynamic linker ran, or loaded by somebody
// else's linker) are added.
#include "runtime/modules.h"

#include <elf.h>
#include <sys/stat.h>

#include <algorithm>

#include "runtime/auxiliary.h"
#include "runtime/elf_memory.h"
#include "runtime/link_map.h"
#include "runtime/proc_text.h"

namespace lpc::runtime {
namespace {

constexpr std::string_view kDeleted = " (deleted)";

class Reader {
public:
  Reader(const Process &process, const std::vector<Mapping> &maps)
      : process_(process), maps_(maps), auxiliary_(process) {}

  Result<std::vector<Module>> read();

private:
  void addLinked(RemoteAddress rDebug);
  void addMapped();
  void add(const ElfMemory &elf, const std::string &name);
  template <typename Is> [[nodiscard]] std::optional<ElfMemory> objectAround(RemoteAddress inside, Is is) const;
  [[nodiscard]] std::optional<ElfMemory> objectAround(RemoteAddress inside) const;
  [[nodiscard]] std::optional<ElfMemory> objectWithDynamic(RemoteAddress dynamic) const;
  [[nodiscard]] const Mapping *fileMapping(RemoteRange range) const;
  [[nodiscard]] std::string openPathOf(const Mapping &mapping) const;
  [[nodiscard]] bool have(RemoteAddress address) const { return moduleAt(modules_, address) != nullptr; }

  const Process &process_;
  const std::vector<Mapping> &maps_;
  Auxiliary auxiliary_;
  std::vector<Module> modules_;
};

// The object of whose mappings one holds `inside`: its ELF header stands where the same file's beginning is mapped,
// below. What looks like one and is not what `is` wants is passed over: a segment may begin in the first page of the
// file, which stands there once more then.
template <typename Is> std::optional<ElfMemory> Reader::objectAround(RemoteAddress inside, Is is) const {
  const Mapping *mapping = mappingAt(maps_, inside);
  if (!mapping) return std::nullopt;
  // An anonymous piece (a dynamic section in pages that were mapped anew) belongs to the file below it.
  size_t index = static_cast<size_t>(mapping - maps_.data());
  constexpr size_t kMostPieces = 256;
  for (size_t i = index + 1, steps = 0; i-- > 0 && steps < kMostPieces; steps++) {
    const Mapping &start = maps_[i];
    bool sameFile = mapping->inode == 0 || (start.device == mapping->device && start.inode == mapping->inode);
    bool image = start.inode != 0 || start.path == "[vdso]";
    if (!sameFile || !image || start.offset != 0) continue;
    auto elf = ElfMemory::withHeader(process_, maps_, start.range.begin);
    if (elf && elf->range().contains(inside) && is(*elf)) return elf;
  }
  return std::nullopt;
}

std::optional<ElfMemory> Reader::objectAround(RemoteAddress inside) const {
  return objectAround(inside, [](const ElfMemory &) { return true; });
}

std::optional<ElfMemory> Reader::objectWithDynamic(RemoteAddress dynamic) const {
  return objectAround(dynamic, [&](const ElfMemory &elf) {
    auto own = elf.dynamic();
    return own && own->begin == dynamic;
  });
}

const Mapping *Reader::fileMapping(RemoteRange range) const {
  auto mapping = std::ranges::lower_bound(maps_, range.begin, {}, [](const Mapping &m) { return m.range.begin; });
  const Mapping *first = nullptr;
  for (; mapping != maps_.end() && mapping->range.begin < range.end; ++mapping) {
    if (mapping->inode == 0 && mapping->path != "[vdso]") continue;
    if (mapping->executable) return &*mapping; // not the beginning: that part may be mapped anew by then
    if (!first) first = &*mapping;
  }
  return first;
}

std::string Reader::openPathOf(const Mapping &mapping) const {
  if (mapping.inode == 0) return {};
  struct stat file{};
  auto hex = [](RemoteAddress address) { return hexAddress(address).substr(2); };
  std::string direct = process_.proc("map_files/" + hex(mapping.range.begin) + "-" + hex(mapping.range.end));
  if (stat(direct.c_str(), &file) == 0)
    return direct; // the link is to the mapped file itself, whatever its name is now
  // Some file systems number their devices otherwise in maps than in stat (btrfs, overlayfs: both numbers have major
  // 0).
  auto sameFile = [&](const std::string &path) {
    bool anonymous = file.st_dev < 256 && mapping.device < 256;
    return stat(path.c_str(), &file) == 0 && file.st_ino == mapping.inode &&
           (file.st_dev == mapping.device || anonymous);
  };
  if (sameFile(process_.proc("exe"))) return process_.proc("exe");
  std::string path = mapping.path;
  for (size_t at = 0; (at = path.find("\\012", at)) != std::string::npos; at++)
    path.replace(at, 4, "\n");
  for (const std::string &each : {mapping.path, path})
    if (std::string inRoot = process_.proc("root") + each; sameFile(inRoot)) return inRoot;
  return {};
}

void Reader::add(const ElfMemory &elf, const std::string &name) {
  if (have(elf.range().begin)) return;
  Module module;
  module.bias = elf.bias();
  module.range = elf.range();
  module.soname = elf.soname();
  module.buildId = elf.buildId();
  module.isProgram = modules_.empty();
  module.isLoader = auxiliary_[AT_BASE] != 0 && module.range.contains(RemoteAddress{auxiliary_[AT_BASE]});
  module.path = name;
  if (const Mapping *mapping = fileMapping(module.range)) {
    module.isVdso = mapping->path == "[vdso]";
    module.openPath = openPathOf(*mapping);
    if (module.path.empty() || module.isVdso) module.path = mapping->path;
    if (name.empty() && module.path.ends_with(kDeleted)) module.path.resize(module.path.size() - kDeleted.size());
  }
  if (module.isProgram) module.soname.clear(); // a PIE may have one, and is not searched by it
  modules_.push_back(std::move(module));
}

void Reader::addLinked(RemoteAddress rDebug) {
  for (const LinkMapEntry &entry : readLinkMap(process_, maps_, rDebug))
    if (auto elf = objectWithDynamic(entry.dynamic)) add(*elf, entry.name);
}

void Reader::addMapped() {
  for (const Mapping &mapping : maps_) {
    if (!mapping.executable || (mapping.inode == 0 && mapping.path != "[vdso]") || have(mapping.range.begin)) continue;
    if (auto elf = objectAround(mapping.range.begin)) add(*elf, "");
  }
}

Result<std::vector<Module>> Reader::read() {
  auto program = ElfMemory::withSegments(process_, maps_, RemoteAddress{auxiliary_[AT_PHDR]}, auxiliary_[AT_PHNUM],
                                         auxiliary_[AT_PHENT]);
  // The auxiliary vector can be overwritten by the process (PR_SET_MM_AUXV).
  if (!program)
    if (auto entry = auxiliary_[AT_ENTRY]) program = objectAround(RemoteAddress{entry});
  if (!program) {
    if (auto same = process_.stillSame(); !same) return std::unexpected(same.error());
    return fail(DiagnosticId::BadAddress, "the program headers of process " + std::to_string(process_.pid()) +
                                              " are not where the kernel put them");
  }
  add(*program, "");
  if (auto rDebug = program->dynamicEntry(DT_DEBUG); rDebug && *rDebug != 0) addLinked(RemoteAddress{*rDebug});
  addMapped();
  std::ranges::stable_partition(modules_, [](const Module &module) { return !module.isVdso; });
  return std::move(modules_);
}

} // namespace

Result<std::vector<Module>> readModules(const Process &process, const std::vector<Mapping> &maps) {
  return Reader(process, maps).read();
}

const Module *moduleAt(const std::vector<Module> &modules, RemoteAddress address) {
  auto found = std::ranges::find_if(modules, [&](const Module &module) { return module.range.contains(address); });
  return found == modules.end() ? nullptr : &*found;
}

} // namespace lpc::runtime
