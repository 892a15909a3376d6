// Places of code, as far as the files know them.
#include "frontend/sema/code.h"

#include "frontend/sema/fits.h"
#include "frontend/sema/spelling.h"
#include "ir/support/cat.h"

namespace lpc::sema {

bool executable(const target::ElfFile &file, LinkAddress address) {
  if (const target::Section *section = file.sectionAt(address)) return section->executable;
  const target::Segment *segment = file.segmentAt(address);
  return segment != nullptr && segment->executable;
}

namespace {

std::string_view word(ir::Permission permission) {
  switch (permission) {
  case ir::Permission::R: return "r";
  case ir::Permission::RW: return "rw";
  case ir::Permission::RX: return "rx";
  case ir::Permission::RWX: return "rwx";
  }
  return "";
}

} // namespace

std::string spelledAt(const Spot &spot, LinkAddress address) {
  ast::Address base = *spot.written;
  base.displacements.clear();
  const auto *memory = ast::boxed<ast::MemoryAddress>(base.base);
  if (memory != nullptr && spot.memory == nullptr) { // a name of `let`
    uint64_t there = spot.link.value;
    return address.value < there ? cat(spelled(*spot.written), "-", there - address.value)
                                 : cat(spelled(*spot.written), "+", address.value - there);
  }
  if (spot.symbol != nullptr) {
    uint64_t distance = address - spot.symbol->address;
    if (address < spot.symbol->address) return cat(spelled(base), "-", spot.symbol->address - address);
    return distance == 0 ? spelled(base) : cat(spelled(base), "+", distance);
  }
  if (spot.memory != nullptr) return cat("$", spot.memory->name->text, ":", hexAddress(address - spot.memory->base));
  if (const auto *object = ast::boxed<ast::ObjectAddress>(base.base))
    return cat(spelled(object->object), "!", hexAddress(address));
  return hexAddress(address);
}

bool notCode(const Spot &spot, const std::string &rule, Context &context) {
  const target::Section *section = spot.file->sectionAt(spot.link);
  std::string where = section != nullptr ? cat("in `", section->name, "` of `", spot.owner, "`")
                                         : cat("in `", spot.owner, "`, where no code is");
  Diagnostic &d =
      context.report(DiagnosticId::NotCode, spot.place(), cat("`", spelled(*spot.written), "` is ", where, ": ", rule));
  const target::Symbol *symbol = spot.symbol;
  if (symbol != nullptr && symbol->kind == target::SymbolKind::Object && symbol->size == pointerSize(context.machine))
    d.help = cat("for the code that it points to write `[", spelled(*spot.written), "]`");
  return false;
}

bool runnable(const Spot &spot, const Piece &piece, Context &context) {
  const Memory &memory = *spot.memory;
  if (memory.permission != ir::Permission::RX && memory.permission != ir::Permission::RWX) {
    Diagnostic &d =
        context.report(DiagnosticId::NotCode, spot.place(),
                       cat("`$", memory.name->text, "` is `", word(memory.permission), "`: code can't run there"));
    d.notes.push_back({"it is defined here", memory.name->place});
    d.help = cat("end its definition with `rx`");
    return false;
  }
  return fits(spot, {piece.size, spot.place(), std::string(piece.what)}, context);
}

bool startsInstruction(const Function &function, const Spot &spot, Context &context) {
  if (spot.link == function.begin && function.covering(spot.link) != nullptr) return true;
  if (function.undecodable && *function.undecodable <= spot.link) {
    Diagnostic &d = context.report(DiagnosticId::UndecodableCode, spot.place(),
                                   *function.undecodable == spot.link
                                       ? cat("the bytes at `", spelled(*spot.written), "` are no instruction")
                                       : cat("the bytes at `", function.at(*function.undecodable),
                                             "` are no instruction, so it is not known where those behind them start"));
    d.notes.push_back(listing(function, *function.undecodable, context));
    return false;
  }
  const Instruction *instruction = function.covering(spot.link);
  LPC_CHECK(instruction != nullptr); // every byte before the first undecodable one belongs to an instruction
  if (instruction->address == spot.link.value) return true;
  Diagnostic &d = context.report(DiagnosticId::NotAnInstruction, spot.place(),
                                 cat("`", spelled(*spot.written), "` is not the start of an instruction"));
  d.under = cat("inside `", context.decoder->text(function.bytesOf(*instruction), instruction->address), "`");
  d.notes.push_back(listing(function, spot.link, context));
  d.help = cat("use `", spelledAt(spot, LinkAddress{instruction->address}), "`");
  return false;
}

std::optional<Function> coldPartOf(const Spot &spot, const Symbols &symbols, const Context &context) {
  if (spot.symbol == nullptr || !spot.inProgramFile()) return std::nullopt;
  for (const target::Symbol &cold : symbols.inObject(spot.object, coldPart(spot.symbol->name)))
    if (cold.sourceFile == spot.symbol->sourceFile || spot.symbol->sourceFile.empty())
      return functionOf(cold, *spot.file, spot.owner, context);
  return std::nullopt;
}

} // namespace lpc::sema
