// glibc 2.36 knows such names for x86-64, POWER and Z only (sysdeps/*/dl-hwcaps-subdirs.c).
#include "frontend/target/hwcaps.h"

namespace lpc::target {

std::vector<std::string_view> usableHwcaps([[maybe_unused]] Machine machine) {
  std::vector<std::string_view> names;
#ifdef __x86_64__
  if (machine != Machine::X86_64) return names;
  if (__builtin_cpu_supports("x86-64-v4")) names.push_back("x86-64-v4");
  if (__builtin_cpu_supports("x86-64-v3")) names.push_back("x86-64-v3");
  if (__builtin_cpu_supports("x86-64-v2")) names.push_back("x86-64-v2");
#endif
  return names;
}

} // namespace lpc::target
