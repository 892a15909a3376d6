// One file with DWARF: its sections, its units, and the other files that it speaks of. Internal to frontend/target.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "frontend/target/dwarf/sections.h"
#include "frontend/target/dwarf/unit.h"

namespace lpc::target {
class ElfFile;
}

namespace lpc::target::dwarf {

class File {
public:
  enum class Kind : uint8_t { Whole, Split, Package }; // .dwo, .dwp
  // `contents` outlive it; `path` is where they stand, for the files beside it.
  File(BytesView contents, std::string path, Kind kind = Kind::Whole);
  File(const File &) = delete;
  File &operator=(const File &) = delete;
  ~File();

  [[nodiscard]] bool isSplit() const { return kind_ != Kind::Whole; }
  // By its name without ".dwo".
  [[nodiscard]] BytesView section(const std::string &name);

  // Takes so much of the work that may still be done: a file can say that everything is to be read over and over. A
  // unit is about an attribute, or a byte searched. False where none is left: then answers are missing.
  bool pay(uint64_t work);

  // The unit whose header is there; null where there is none. Its first entry is read.
  Unit *unitAt(uint64_t begin);
  Unit *unitHolding(uint64_t offset); // in .debug_info
  Unit *typeUnit(uint64_t signature); // 7.5.1.3
  const std::vector<Unit *> &units(); // all of .debug_info, in order
  Unit *splitOf(Unit &skeleton);      // the unit with its contents (7.3.2): itself where it is whole
  const Abbreviations &abbreviationsOf(Unit &unit);
  File *supplement(); // dwz's common file; null where there is none

private:
  struct Contribution { // of a unit in a package (7.3.5.3)
    uint64_t id = 0, info = 0, size = 0, abbreviations = 0, strings = 0, lists = 0;
  };
  struct Other; // a file that is open

  std::unique_ptr<Unit> parse(BytesView section, uint64_t begin, bool types);
  void readFirst(Unit &unit);
  void readTypeUnits();
  void readIndex(const char *name);
  [[nodiscard]] const Contribution *contributionOf(uint64_t begin) const;
  Unit *unitWithId(uint64_t id);
  std::unique_ptr<Other> openOther(const std::string &path, Kind kind) const;

  Sections sections_;
  std::string path_;
  Kind kind_;
  uint64_t work_;
  std::map<uint64_t, std::unique_ptr<Unit>> units_; // of .debug_info, by begin
  std::vector<Unit *> all_;
  bool allKnown_ = false, typesKnown_ = false, packageKnown_ = false, supplementKnown_ = false;
  std::vector<std::unique_ptr<Unit>> typeUnits_; // of .debug_types
  std::map<uint64_t, Unit *> bySignature_;
  std::map<uint64_t, std::unique_ptr<Abbreviations>> abbreviations_;
  std::vector<Contribution> contributions_; // of a package, by place
  std::unique_ptr<Other> package_, supplement_;
  std::map<std::string, std::unique_ptr<Other>> splitFiles_; // null: it can't be opened
  std::map<const Unit *, Unit *> splitUnits_;
};

} // namespace lpc::target::dwarf
