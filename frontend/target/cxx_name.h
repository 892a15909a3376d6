// C++ names as people write them ("http::Server::accept(int)") against mangled ones. Internal to frontend/target.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lpc::target {

// Mangled names longer than this are not demangled (the demangler recurses, a little for each character); they can
// still be named in their mangled form.
inline constexpr size_t kLongestMangledName = 2048;

// A name that somebody wants, prepared for comparing it with many.
class CxxName {
public:
  explicit CxxName(std::string_view wanted);

  // A text that every mangled form of the name contains: the last identifier behind its length, "6accept". Empty where
  // there is no such text (operators, the abbreviations of the standard library).
  [[nodiscard]] const std::string &needle() const { return needle_; }
  // Is it the demangled form of `mangled` ("_Z…"), with or without parameter list? Blanks that separate nothing don't
  // matter, nor does the result that templates show before their name; "[abi:…]" may be left out. Takes its work (in
  // nodes of a name) from `budget`, and says no once that is used up.
  [[nodiscard]] bool matches(std::string_view mangled, uint64_t &budget) const;

private:
  std::string wanted_; // without blanks that separate nothing
  std::string suffix_; // ".isra.0" of "f() [clone .isra.0]"
  std::string needle_;
  bool tagged_ = false; // it says "[abi:"
};

} // namespace lpc::target
