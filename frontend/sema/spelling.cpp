// Messages name things as they were written, but in one canonical spacing: `f + 6` is shown as `f+6`.
#include "frontend/sema/spelling.h"

#include "ir/support/cat.h"

namespace lpc::sema {
namespace {

struct BaseSpelling {
  std::string operator()(const ast::SymbolAddress &a) const { return spelled(a); }
  std::string operator()(const ast::AbsoluteAddress &a) const { return a.value.spelling; }
  std::string operator()(const ast::ObjectAddress &a) const { return cat(spelled(a.object), "!", a.value.spelling); }
  std::string operator()(const ast::MemoryAddress &a) const {
    std::string out = cat("$", a.memory.text);
    if (const auto *symbol = std::get_if<ast::Name>(&a.member)) out += cat(":", spelled(*symbol));
    if (const auto *offset = std::get_if<ast::Integer>(&a.member)) out += cat(":", offset->spelling);
    return out;
  }
  std::string operator()(const ast::LoadedAddress &a) const { return cat("[", spelled(*a.pointer), "]"); }
};

} // namespace

std::string spelled(const ast::Name &name) { return name.quoted ? cat("\"", name.text, "\"") : name.text; }

std::string spelled(const ast::SymbolAddress &address) {
  std::string out;
  if (address.object) out += cat(spelled(*address.object), "!");
  if (address.sourceFile) out += cat(spelled(*address.sourceFile), ":");
  return out + spelled(address.symbol);
}

std::string spelled(const ast::Address &address) {
  std::string out = std::visit(BaseSpelling{}, address.base);
  for (const ast::Displacement &d : address.displacements)
    out += cat(d.minus ? "-" : "+", d.value.spelling);
  return out;
}

} // namespace lpc::sema
