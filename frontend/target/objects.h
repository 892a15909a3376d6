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
  // sources[0] is the program. With `closed` the list is what a process has loaded; without it, DT_NEEDED libraries of
  // the program are added where they are found (and MissingLibrary is a warning where they are not, on first use).
  static Result<Objects> open(std::vector<ObjectSource> sources, bool closed);
  Objects(Objects &&) noexcept;
  Objects &operator=(Objects &&) noexcept;
  ~Objects();

  [[nodiscard]] size_t size() const; // 0 is the program
  [[nodiscard]] const ObjectSource &source(size_t i) const;
  Result<std::shared_ptr<const ElfFile>> file(size_t i); // opened, with its debug file attached; cached
  // Objects of that name: alias, soname, or file name of the path ("libc.so.6", "target"). Several: ambiguous.
  [[nodiscard]] std::vector<size_t> named(const std::string &name) const;
  // Adds an alias (an `object` statement); it joins an object that has the same build-id or soname, or adds one.
  Result<size_t> addAlias(const std::string &alias, const std::string &path, const std::string &shown);

private:
  struct Impl;
  explicit Objects(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

} // namespace lpc::target
