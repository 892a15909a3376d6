// How the entries of a unit are laid out (DWARF 5, 7.5.3). Internal to frontend/target.
#pragma once

#include <span>
#include <vector>

#include "frontend/target/dwarf/cursor.h"

namespace lpc::target::dwarf {

struct AttributeForm {
  uint16_t name = 0, form = 0; // DW_AT_, DW_FORM_
  int64_t constant = 0;        // of DW_FORM_implicit_const
};

struct Abbreviation {
  uint64_t code = 0;
  uint16_t tag = 0; // DW_TAG_; 0 for those that are no tags
  bool hasChildren = false;
  uint32_t first = 0, count = 0; // of its forms
};

class Abbreviations {
public:
  // Reads the set at `offset`, as far as it is sound and `work` lasts, a byte for each; `upTo`: and not beyond this
  // code, where it is not 0.
  Abbreviations(BytesView section, uint64_t offset, uint64_t &work, uint64_t upTo = 0);

  [[nodiscard]] const Abbreviation *find(uint64_t code) const;
  [[nodiscard]] std::span<const AttributeForm> forms(const Abbreviation &of) const {
    return std::span(forms_).subspan(of.first, of.count);
  }

private:
  std::vector<Abbreviation> all_; // by code
  std::vector<AttributeForm> forms_;
};

} // namespace lpc::target::dwarf
