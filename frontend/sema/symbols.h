// Every symbol name that a patch needs, looked up together: one scan of each object (elf_file.h), however many
// statements there are.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "frontend/sema/memories.h"

namespace lpc::sema {

// "memcpy@GLIBC_2.2.5": a name and the version behind it; `@@` asks for the default version, as the linker writes it.
struct VersionedName {
  std::string_view name, version;
};
VersionedName splitVersion(std::string_view symbol);

class Symbols {
public:
  // Opens libraries only where a name is not the program's own. Reports libraries that can't be read (warnings).
  Symbols(const ast::File &file, const Assemblies &assemblies, const Memories &memories, Context &context);

  // What an object has under a name: the name as it stands, or, where there is none, the name without its version (the
  // caller picks the version). The references stay valid.
  [[nodiscard]] const std::vector<target::Symbol> &inObject(size_t object, const std::string &name) const;
  [[nodiscard]] const std::vector<target::Symbol> &inPayload(const Memory &memory, const std::string &name) const;

  // Libraries whose symbols are known, in search order; and whether there are others.
  [[nodiscard]] const std::vector<size_t> &libraries() const { return libraries_; }
  [[nodiscard]] bool librariesAreMissing() const { return librariesMissing_; }

private:
  using Table = std::unordered_map<std::string, std::vector<target::Symbol>>;
  struct Wanted;
  void lookUpPayloads(const Memories &memories, const Wanted &wanted);
  void lookUpObjects(const Wanted &wanted, Context &context);

  std::unordered_map<size_t, Table> objects_;
  std::unordered_map<const target::ElfFile *, Table> payloads_;
  std::vector<size_t> libraries_;
  bool librariesMissing_ = false;
};

// The object of that name; nothing where there is none or several. Reports nothing.
std::optional<size_t> objectNamed(const Context &context, const std::string &name);

// The part that gcc splits off a function for code that seldom runs; it jumps back into the function.
inline std::string coldPart(const std::string &function) { return function + ".cold"; }

} // namespace lpc::sema
