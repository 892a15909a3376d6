// What compilers wrote down (DWARF) of the functions and variables of a file: where copies of a function went, which
// parameters it takes, which type a variable has. Nothing is read before the first question, and then only the units
// that matter.
//
// Every answer can be missing: there is no DWARF, or none for this symbol, or it is damaged, or to find out would take
// too long. So nothing is ever proved by an answer that is not there.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/target/elf_file.h"

namespace lpc::target {

// A type, without `const`, `volatile` and the names that typedefs give it.
struct DebugType {
  enum class Kind : uint8_t { Void, Integer, Float, Pointer, Aggregate, Function, Other };
  Kind kind = Kind::Other; // Integer: enumerations, characters and truth values too; Pointer: references too
  uint64_t size = 0;       // bytes; 0: unknown, or none
  std::string name;        // as a C programmer writes it: "unsigned int", "struct request *"; "" where it has none
  // Of a pointer: what it points to, without anything that this points to.
  Kind pointee = Kind::Other;
  uint64_t pointeeSize = 0;
  std::string pointeeName;
};

struct DebugSignature {
  DebugType result; // Void where there is none
  struct Parameter {
    std::string name;
    DebugType type;
  };
  std::vector<Parameter> parameters;
  bool variadic = false;
};

// The code of a function in another one.
struct InlinedCopies {
  struct Into {
    std::string function;
    LinkAddress address; // of that function
    std::string sourceFile;
    unsigned copies = 0;
  };
  std::vector<Into> functions; // by address
  bool more = false;           // there are others, which were not counted
};

// What stands at some place of a variable: a member, an element, the variable itself.
struct VariablePart {
  std::string path; // "limits.most", "table[]": from the variable's name on
  DebugType type;
  bool element = false; // of an array
};

class DebugInfo {
public:
  // Null where the file has no DWARF. `contents` outlive it; they stood at `path`, where the files that they name are
  // looked for.
  static std::unique_ptr<DebugInfo> of(BytesView contents, const std::string &path);
  ~DebugInfo();

  // `function`, `variable`: a symbol of the file. In a relocatable object, whose symbols have no addresses yet, the
  // name counts alone.
  [[nodiscard]] InlinedCopies inlinedCopies(const Symbol &function);
  [[nodiscard]] std::optional<DebugSignature> signature(const Symbol &function);
  // The scalars that begin at the offset: one, or more where there is a union.
  [[nodiscard]] std::vector<VariablePart> partsAt(const Symbol &variable, uint64_t offset);

private:
  struct Impl;
  explicit DebugInfo(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

} // namespace lpc::target
