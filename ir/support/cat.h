// cat("process ", pid, " is gone"): messages from their parts (g++ 12 has no std::format).
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace lpc {

inline void appendTo(std::string &out, std::string_view text) { out += text; }
inline void appendTo(std::string &out, char character) { out += character; }
template <std::same_as<bool> T> void appendTo(std::string &out, T truth) = delete; // say what it means
template <class T>
  requires std::integral<T> && (!std::same_as<T, bool>)
void appendTo(std::string &out, T number) { out += std::to_string(number); }

template <class... Parts> std::string cat(const Parts &...parts) {
  std::string out;
  (appendTo(out, parts), ...);
  return out;
}

} // namespace lpc
