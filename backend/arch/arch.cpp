// Which machines the backend knows: a line each.
#include "backend/arch/arch.h"

#include "backend/arch/x86_64.h"

namespace lpc::backend {
namespace {

const Arch *find(Machine machine) {
  switch (machine) {
  case Machine::X86_64: return x86_64::arch();
  case Machine::I386:
  case Machine::AArch64: return nullptr;
  }
  return nullptr;
}

} // namespace

bool Arch::supports(Machine machine) { return find(machine) != nullptr; }

const Arch &Arch::of(Machine machine) {
  const Arch *arch = find(machine);
  LPC_CHECK(arch != nullptr);
  return *arch;
}

} // namespace lpc::backend
