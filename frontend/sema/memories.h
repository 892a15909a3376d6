// The `$` names of a patch: the memory that `new`, `load`, `dl`, `dlopen`, `asm new` make, and the addresses that `let`
// names.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "frontend/sema/assemblies.h"
#include "frontend/sema/context.h"

namespace lpc::sema {

enum class MemoryKind : uint8_t { New, Load, Linked, Opened, Assembled, Let };

// One defining statement.
struct Memory {
  const ast::Name *name = nullptr;
  size_t statement = 0; // its index in the file: a `$` name is known to the statements after it
  MemoryKind kind = MemoryKind::New;
  bool usable =
      false; // false: the statement had an error, which has been reported; its uses are passed over in silence
  // The rest holds where it is usable and no `let`.
  ir::MemoryId id{};
  uint64_t size = 0;
  ir::Permission permission = ir::Permission::RW;
  const ast::Dl *dl = nullptr;                      // Linked
  const ast::Name *file = nullptr;                  // Linked, Opened
  std::shared_ptr<const target::ElfFile> payload{}; // Linked, Opened
  const Assembly *assembly = nullptr;               // Assembled
  LinkAddress base{}; // Linked, Opened: the link address that `$NAME` itself stands for (page aligned)
};

struct Memories {
  std::vector<Memory> all;                        // in the order of the file
  std::unordered_map<std::string, size_t> byName; // the first of each name
  std::unordered_map<size_t, size_t> byStatement; // index of the statement → index in `all`

  [[nodiscard]] const Memory *named(const std::string &name) const {
    auto found = byName.find(name);
    return found == byName.end() ? nullptr : &all[found->second];
  }
  [[nodiscard]] const Memory &of(size_t statement) const { return all[byStatement.at(statement)]; }
};

// Sizes, permissions, duplicate names, files and their machine. Fills out.memories and out.payloads with what is
// usable.
Memories defineMemories(const ast::File &file, const Assemblies &assemblies, Context &context, Program &out);

} // namespace lpc::sema
