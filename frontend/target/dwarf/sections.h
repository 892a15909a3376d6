// The sections of a file that hold DWARF, as the compiler wrote them: uncompressed, and relocated where the file is a
// relocatable object. Internal to frontend/target.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ir/support/bytes.h"

namespace lpc::target::dwarf {

class Sections {
public:
  // `file`: an ELF file (any bytes will do no harm), which outlives this.
  explicit Sections(BytesView file);

  // Empty where the file has none of that name, or one that is damaged. Uncompressed on first use: the bytes stay where
  // they are until the end.
  [[nodiscard]] BytesView of(const std::string &name);
  [[nodiscard]] bool has(std::string_view name) const;

private:
  struct Header {
    std::string_view name;
    uint32_t type = 0, link = 0, info = 0;
    uint64_t flags = 0, offset = 0, size = 0;
  };
  template <class Elf> void readHeaders();
  template <class Elf> void relocate(Bytes &bytes, size_t section) const;
  template <class Elf, class Entry> void apply(Bytes &bytes, const Header &table) const;
  [[nodiscard]] BytesView contents(const Header &header) const;
  [[nodiscard]] BytesView load(const Header &header);

  BytesView file_;
  bool is64_ = false, relocatable_ = false;
  unsigned machine_ = 0; // e_machine
  std::vector<Header> headers_;
  std::map<std::string, BytesView> known_;
  std::deque<Bytes> made_; // uncompressed or relocated
};

} // namespace lpc::target::dwarf
