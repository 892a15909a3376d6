// /etc/ld.so.cache, which ldconfig(8) writes: where libraries outside of the programs' own paths are. Internal to
// frontend/target.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ir/machine/machine.h"
#include "ir/support/bytes.h"

namespace lpc::target {

class LdCache {
public:
  // An unreadable or damaged cache is an empty one, as it is to the dynamic linker: it goes on with the default
  // folders.
  static LdCache read(const std::string &path);
  explicit LdCache(Bytes bytes);

  // The path of the library of that name for that machine.
  [[nodiscard]] std::optional<std::string> find(std::string_view name, Machine machine) const;

private:
  Bytes bytes_;
  BytesView file_; // from the header of the new format on; empty: no cache
  BytesView entries_;
  BytesView hwcaps_; // offsets of names, 4 bytes each
};

} // namespace lpc::target
