// Defining memory. All of it is defined before any address is looked at, for what a payload leaves undefined belongs to
// the names that are looked up together; that a name must stand above its use is checked with the use (addresses.cpp).
#include "frontend/sema/memories.h"

#include "frontend/sema/files.h"
#include "frontend/sema/payloads.h"
#include "ir/support/cat.h"
#include "ir/verify.h"

namespace lpc::sema {
namespace {

class Definitions {
public:
  Definitions(const Assemblies &assemblies, Context &context, Program &out, Memories &memories)
      : assemblies_(assemblies), context_(context), out_(out), memories_(memories) {}

  void define(const ast::Statement &statement, size_t index) {
    Memory memory;
    memory.statement = index;
    if (const auto *fresh = std::get_if<ast::New>(&statement.what)) {
      memory.name = &fresh->name;
      memory.usable = makeNew(*fresh, memory);
      warnOfWritableCode(fresh->permission, statement.place);
    } else if (const auto *load = std::get_if<ast::Load>(&statement.what)) {
      memory.name = &load->name;
      memory.usable = makeLoad(*load, memory);
      warnOfWritableCode(load->permission, statement.place);
    } else if (const auto *dl = std::get_if<ast::Dl>(&statement.what)) {
      memory.name = &dl->name;
      memory.usable = makeLinked(*dl, memory);
    } else if (const auto *open = std::get_if<ast::Dlopen>(&statement.what)) {
      memory.name = &open->name;
      memory.usable = makeOpened(*open, memory);
    } else if (const auto *code = std::get_if<ast::Asm>(&statement.what);
               code != nullptr && std::holds_alternative<ast::Name>(code->where)) {
      memory.name = &std::get<ast::Name>(code->where);
      memory.usable = makeAssembled(index, memory);
    } else if (const auto *let = std::get_if<ast::Let>(&statement.what)) {
      memory.name = &let->name;
      memory.kind = MemoryKind::Let;
      memory.usable = true;
    } else {
      return;
    }
    if (!claim(memory)) memory.usable = false;
    if (memory.usable && memory.kind != MemoryKind::Let) enter(memory, statement.place);
    memories_.byStatement.emplace(index, memories_.all.size());
    memories_.all.push_back(std::move(memory));
  }

private:
  bool makeNew(const ast::New &fresh, Memory &memory) {
    memory.size = fresh.size.magnitude;
    memory.permission = fresh.permission.value_or(ir::Permission::RW);
    bool good = !fresh.size.negative && memory.size >= 1 && memory.size <= ir::kMaxMemorySize;
    if (!good)
      context_.report(
          DiagnosticId::BadSize, fresh.size.place,
          cat("`", fresh.size.spelling, "` bytes can't be made: the size of new memory is 1 byte to 1 GiB"));
    return good;
  }

  bool makeLoad(const ast::Load &load, Memory &memory) {
    memory.kind = MemoryKind::Load;
    memory.permission = load.permission.value_or(ir::Permission::RW);
    const Bytes *bytes = read(load.file);
    if (bytes == nullptr) return false;
    payload_ = {&load.file.text, bytes};
    memory.size = bytes->size();
    if (memory.size != 0) return true;
    context_.report(DiagnosticId::BadSize, load.file.place,
                    cat("`", load.file.text, "` is empty: there is nothing to load"));
    return false;
  }

  bool makeLinked(const ast::Dl &dl, Memory &memory) {
    memory.kind = MemoryKind::Linked;
    memory.permission = ir::Permission::RX; // each of its segments has its own
    memory.dl = &dl;
    memory.file = &dl.file;
    const Bytes *bytes = read(dl.file);
    if (bytes == nullptr) return false;
    payload_ = {&dl.file.text, bytes};
    return openPayload(*bytes, context_, memory);
  }

  bool makeOpened(const ast::Dlopen &open, Memory &memory) {
    memory.kind = MemoryKind::Opened;
    memory.permission = ir::Permission::RX; // as above
    memory.file = &open.file;
    const Bytes *bytes = read(open.file);
    if (bytes == nullptr) return false;
    payload_ = {&open.file.text, bytes};
    return openForLoader(*bytes, context_, memory);
  }

  bool makeAssembled(size_t statement, Memory &memory) {
    memory.kind = MemoryKind::Assembled;
    memory.permission = ir::Permission::RX;
    auto assembly = assemblies_.find(statement);
    if (assembly == assemblies_.end()) return false;
    memory.assembly = &assembly->second;
    memory.size = memory.assembly->code.bytes.size();
    return true;
  }

  // A file that stands in several statements is read once; one that can't be read is reported at each.
  const Bytes *read(const ast::Name &name) {
    auto known = files_.find(name.text);
    if (known == files_.end())
      known = files_.emplace(name.text, readWhole(inFolder(context_.options, name.text), name.text)).first;
    if (known->second) return &known->second.value();
    context_.diagnostics.add(toDiagnostic(known->second.error(), name.place));
    return nullptr;
  }

  // False where the name is taken.
  bool claim(const Memory &memory) {
    context_.memoryNames.insert(memory.name->text);
    auto [known, fresh] = memories_.byName.try_emplace(memory.name->text, memories_.all.size());
    if (fresh) return true;
    Diagnostic &d =
        context_.report(DiagnosticId::DuplicateMemory, memory.name->place,
                        cat("`$", memory.name->text, "` is already defined, and a `$` name is defined once"));
    d.notes.push_back({"it is defined here", memories_.all[known->second].name->place});
    return false;
  }

  void enter(Memory &memory, Place place) {
    memory.id = static_cast<ir::MemoryId>(out_.memories.size());
    std::optional<ir::PayloadId> payload;
    if (memory.kind == MemoryKind::Load || memory.payload) payload = payloadId();
    out_.memories.push_back({memory.name->text, memory.size, memory.permission, payload, place});
  }

  // The same file travels once, however many statements name it.
  ir::PayloadId payloadId() {
    auto [known, fresh] = payloadIds_.try_emplace(*payload_.name, static_cast<ir::PayloadId>(out_.payloads.size()));
    if (fresh) out_.payloads.push_back({*payload_.name, *payload_.bytes});
    return known->second;
  }

  void warnOfWritableCode(std::optional<ir::Permission> permission, Place statement) {
    if (permission != ir::Permission::RWX) return;
    // The permission is the statement's last word.
    Place word{statement.endLine, statement.endColumn > 3 ? statement.endColumn - 3 : 1, statement.endLine,
               statement.endColumn};
    Diagnostic &d = context_.report(
        DiagnosticId::WritableCode, word,
        "this memory is writable and executable at once, so whoever can write to it can run what he wrote");
    d.help = "take `rx` for code and `rw` for data: `set` writes to memory of any permission";
  }

  struct File {
    const std::string *name = nullptr;
    const Bytes *bytes = nullptr;
  };

  const Assemblies &assemblies_;
  Context &context_;
  Program &out_;
  Memories &memories_;
  File payload_; // of the statement at hand
  std::unordered_map<std::string, Result<Bytes>> files_;
  std::unordered_map<std::string, ir::PayloadId> payloadIds_;
};

} // namespace

Memories defineMemories(const ast::File &file, const Assemblies &assemblies, Context &context, Program &out) {
  Memories memories;
  Definitions definitions(assemblies, context, out, memories);
  size_t index = 0;
  for (const ast::Statement &statement : file.statements)
    definitions.define(statement, index++);
  return memories;
}

} // namespace lpc::sema
