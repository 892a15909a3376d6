// What bounds a value: the symbol that it was written with. An address that leaves its symbol (`array+100` of an array
// of 40 bytes) is an error and not a way to the neighbour, for who stands next to whom is the linker's whim;
// `OBJECT!INT` says such a thing openly.
#include "frontend/sema/fits.h"

#include "frontend/sema/spelling.h"
#include "ir/support/cat.h"

namespace lpc::sema {
namespace {

using target::Symbol;

std::string bytes(uint64_t count) { return cat(count, count == 1 ? " byte" : " bytes"); }

// The note that shows the variable itself.
Note about(const Spot &spot, const Symbol &symbol) {
  return {cat("`", readable(symbol.name), "` stands at ", hexAddress(symbol.address), " in `", spot.owner, "`, ",
              bytes(symbol.size))};
}

bool insideMemory(const Spot &spot, const Extent &extent, Context &context) {
  uint64_t left = spot.memory->size - spot.offset; // offset <= size: addresses.cpp
  if (extent.width <= left) return true;
  const std::string &name = spot.memory->name->text;
  context.report(DiagnosticId::PastMemoryEnd, extent.place,
                 cat(extent.what, " takes ", bytes(extent.width), ", and `$", name, "`, which has ",
                     bytes(spot.memory->size), ", has ", left, " left at `", spelled(*spot.written), "`"));
  return false;
}

bool insideAddressSpace(const Spot &spot, const Extent &extent, Context &context) {
  if (spot.offset + (extent.width - 1) >= spot.offset) return true;
  context.report(DiagnosticId::NotMapped, extent.place,
                 cat(extent.what, " takes ", bytes(extent.width), ", and the address space ends before"));
  return false;
}

bool startsInside(const Spot &spot, const Symbol &symbol, Context &context) {
  if (spot.link >= symbol.address && spot.link - symbol.address < symbol.size) return true;
  Diagnostic &d = context.report(DiagnosticId::PastObjectEnd, spot.place(),
                                 cat("`", spelled(*spot.written), "` lies ",
                                     spot.link < symbol.address ? "before" : "past the end of", " `",
                                     readable(symbol.name), "`, which has ", bytes(symbol.size)));
  d.notes.push_back(about(spot, symbol));
  return false;
}

bool insideSymbol(const Spot &spot, const Symbol &symbol, const Extent &extent, Context &context) {
  const std::string name = readable(symbol.name), written = spelled(*spot.written);
  if (!startsInside(spot, symbol, context)) return false;
  uint64_t left = symbol.size - (spot.link - symbol.address);
  if (extent.width <= left) return true;
  Diagnostic &d = context.report(
      DiagnosticId::PastObjectEnd, extent.place,
      left == symbol.size ? cat(extent.what, " takes ", bytes(extent.width), ", and `", name, "` has ", symbol.size)
                          : cat(extent.what, " takes ", bytes(extent.width), ", and `", name, "` has ", left,
                                " left at `", written, "`"));
  d.notes.push_back(about(spot, symbol));
  return false;
}

bool insideSection(const Spot &spot, const Extent &extent, Context &context) {
  const target::Section *section = spot.file->sectionAt(spot.link);
  const target::Segment *segment = spot.file->segmentAt(spot.link);
  if (section == nullptr && segment == nullptr) {
    context.report(
        DiagnosticId::NotMapped, spot.place(),
        cat("`", spelled(*spot.written), "` is ", hexAddress(spot.link), ", where `", spot.owner, "` has nothing"));
    return false;
  }
  uint64_t begin = section != nullptr ? section->address.value : segment->address.value;
  uint64_t left = (section != nullptr ? section->size : segment->memorySize) - (spot.link.value - begin);
  if (extent.width <= left) return true;
  std::string name = section != nullptr ? cat("`", section->name, "`") : "its segment";
  context.report(DiagnosticId::PastSectionEnd, extent.place,
                 cat(extent.what, " takes ", bytes(extent.width), ", and ", name, " of `", spot.owner, "` ends ",
                     bytes(left), " after `", spelled(*spot.written), "`"));
  return false;
}

} // namespace

bool fits(const Spot &spot, const Extent &extent, Context &context) {
  if (spot.memory != nullptr && !insideMemory(spot, extent, context)) return false;
  if (spot.region.kind == RegionKind::Absolute && !insideAddressSpace(spot, extent, context)) return false;
  if (spot.file == nullptr) return true;
  // A number names no variable; the one that stands there bounds the value all the same.
  std::optional<Symbol> there;
  const Symbol *symbol = spot.symbol;
  if (symbol == nullptr) {
    there = spot.file->symbolAt(spot.link);
    if (there && there->kind == target::SymbolKind::Object) symbol = &*there;
  }
  if (symbol != nullptr && symbol->size != 0 && !insideSymbol(spot, *symbol, extent, context)) return false;
  return insideSection(spot, extent, context);
}

bool staysInSymbol(const Spot &spot, Context &context) {
  return spot.symbol == nullptr || spot.symbol->size == 0 || startsInside(spot, *spot.symbol, context);
}

bool fitsPointer(const Spot &spot, Context &context) {
  const Symbol *symbol = spot.symbol;
  unsigned pointer = pointerSize(context.machine);
  if (symbol == nullptr || symbol->size == 0 || symbol->size == pointer || !spot.written->displacements.empty())
    return true;
  Diagnostic &d = context.report(DiagnosticId::PointerSize, spot.place(),
                                 cat("`", readable(symbol->name), "` has ", bytes(symbol->size),
                                     ", and an `addr` is written to a pointer, which has ", pointer));
  d.notes.push_back(about(spot, *symbol));
  if (symbol->size > pointer) d.help = cat("for its first element write `", spelled(*spot.written), "+0`");
  return false;
}

} // namespace lpc::sema
