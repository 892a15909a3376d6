// The objects that a patch can speak of: the program, the aliases of its `object` statements, and its libraries in
// search order. Files are opened when they are first needed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "frontend/target/elf_file.h"

namespace lpc::target {

// One object to be looked at. From the command line, from a header of the patch, from the dynamic linker's rules, or,
// with a process, from its link map (runtime/modules.h): `path` is then what opens the very file that is mapped.
struct ObjectSource {
  std::string name;   // "target", an alias, or a soname such as libc.so.6
  std::string soname; // may equal name
  std::string path;   // to open
  std::string shown;  // how messages name the file
};

class Objects {
public:
  // sources[0] is the program, which is opened at once. With `closed` the list is what a process has loaded; without
  // it, DT_NEEDED libraries of the program are added the first time that somebody asks for size(), or for a name that
  // no source has, or adds an alias. One that is not found is in the list all the same: file() says MissingLibrary, a
  // warning.
  static Result<Objects> open(std::vector<ObjectSource> sources, bool closed);
  Objects(Objects &&) noexcept;
  Objects &operator=(Objects &&) noexcept;
  ~Objects();

  [[nodiscard]] size_t size() const; // 0 is the program
  [[nodiscard]] const ObjectSource &source(size_t i) const;
  Result<std::shared_ptr<const ElfFile>> file(size_t i); // opened, with its debug file attached; cached
  // The same, and its debug file is not looked for: what it exports is wanted, and nothing else.
  Result<std::shared_ptr<const ElfFile>> withoutDebugFile(size_t i);
  // Objects of that name: alias, soname, or file name of the path ("libc.so.6", "target"). Several: ambiguous.
  [[nodiscard]] std::vector<size_t> named(const std::string &name) const;
  // Adds an alias (an `object` statement); it joins an object that has the same build-id or soname, or adds one.
  // Without a process, FILE then takes the place of a library of another build; in a closed list the process's own file
  // stays, and one that the process has not loaded is UnknownObject. Where no file is at `path`, and `shown` is the name
  // of one object as named() finds it, that one is meant.
  Result<size_t> addAlias(const std::string &alias, const std::string &path, const std::string &shown);
  // What happened on the way and hinders nobody (debug files of another build), since the last call; each once.
  [[nodiscard]] std::vector<Diagnostic> takeWarnings();

private:
  struct Impl;
  explicit Objects(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

} // namespace lpc::target
