// Comparison of addresses that are loaded through pointers: the only part of the value type that the compiler
// cannot write, because a shared_ptr compares by identity and the IR by value.
#include "ir/patch.h"

namespace lpc::ir {

// A loop, not recursion: two values are also compared before verify() has limited how deep they are.
bool Loaded::operator==(const Loaded &other) const {
  const Loaded *a = this, *b = &other;
  while (true) {
    if (a->addend != b->addend) return false;
    const Address *left = a->pointer.get(), *right = b->pointer.get();
    if (left == right) return true; // the same node, or both (wrongly) null
    if (left == nullptr || right == nullptr) return false;
    a = std::get_if<Loaded>(&left->where);
    b = std::get_if<Loaded>(&right->where);
    if (a == nullptr || b == nullptr) return *left == *right;
  }
}

std::string_view name(Moment moment) {
  switch (moment) {
  case Moment::PreApply: return "pre-apply";
  case Moment::PostApply: return "post-apply";
  case Moment::PreRevert: return "pre-revert";
  case Moment::PostRevert: return "post-revert";
  }
  return "?";
}

} // namespace lpc::ir
