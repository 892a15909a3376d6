// Proofs 2 and 7, as far as DWARF shows the types: a function and its replacement agree, and a value is of the kind and
// the size of the variable that it is written to. All of them are warnings: a type says what the author of a program
// meant, and the bytes fit anyway.
#pragma once

#include <map>
#include <memory>

#include "frontend/sema/addresses.h"
#include "frontend/target/debug_info.h"

namespace lpc::sema {

class Types {
public:
  Types(Context &context, const Program &program) : context_(context), program_(program) {}

  // Control that enters `function` goes on at `replacement`: SignatureMismatch where both have types and those differ.
  void checkReplacement(const Spot &function, const Spot &replacement);
  // A value of this type, which stands at `place`, is written: TypeMismatch, VariableSize.
  void checkValue(const Spot &variable, ast::Type type, Place place, uint64_t width);

private:
  // Null where the file of the spot has no DWARF.
  target::DebugInfo *debugOf(const Spot &spot);

  Context &context_;
  const Program &program_;
  std::map<const Memory *, std::unique_ptr<target::DebugInfo>> payloads_;
};

} // namespace lpc::sema
