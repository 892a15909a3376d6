// Compilers number them 1, 2, 3 …, so the code is nearly always the position.
#include "frontend/target/dwarf/abbreviations.h"

#include <dwarf.h>

#include <algorithm>

namespace lpc::target::dwarf {
namespace {

constexpr uint32_t kMostForms = 256; // of an entry; compilers write some twenty

} // namespace

Abbreviations::Abbreviations(BytesView section, uint64_t offset, uint64_t &work, uint64_t upTo) {
  Cursor cursor(section, offset);
  for (uint64_t before = offset; cursor && cursor.at() - before <= work;) {
    work -= cursor.at() - before;
    before = cursor.at();
    Abbreviation next{.code = cursor.uleb(), .first = static_cast<uint32_t>(forms_.size())};
    if (next.code == 0) break;
    uint64_t tag = cursor.uleb();
    next.tag = tag <= DW_TAG_hi_user ? static_cast<uint16_t>(tag) : 0;
    next.hasChildren = cursor.number(1) != 0;
    while (cursor && cursor.at() - before <= work) {
      uint64_t name = cursor.uleb(), form = cursor.uleb();
      if (name == 0 && form == 0) break;
      int64_t constant = form == DW_FORM_implicit_const ? cursor.sleb() : 0;
      // Names beyond 16 bits are nobody's; forms beyond make the entry unreadable, as 0 does.
      forms_.push_back({static_cast<uint16_t>(name <= 0xffff ? name : 0),
                        static_cast<uint16_t>(form <= 0xffff ? form : 0), constant});
    }
    if (!cursor) break;
    next.count = static_cast<uint32_t>(forms_.size()) - next.first;
    if (next.count <= kMostForms) all_.push_back(next);
    if (next.code == upTo) break;
  }
  if (!std::ranges::is_sorted(all_, {}, &Abbreviation::code)) std::ranges::stable_sort(all_, {}, &Abbreviation::code);
}

const Abbreviation *Abbreviations::find(uint64_t code) const {
  if (code - 1 < all_.size() && all_[code - 1].code == code) return &all_[code - 1];
  auto found = std::ranges::lower_bound(all_, code, {}, &Abbreviation::code);
  return found != all_.end() && found->code == code ? &*found : nullptr;
}

} // namespace lpc::target::dwarf
