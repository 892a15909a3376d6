// Symbols that describe a C++ type (Itanium C++ ABI, "External Names"): its type_info object and its name.
#pragma once

#include <string_view>

namespace lpc::target {

inline bool describesType(std::string_view symbol) { return symbol.starts_with("_ZTI") || symbol.starts_with("_ZTS"); }

} // namespace lpc::target
