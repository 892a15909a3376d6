// SYMBOL, OBJECT!SYMBOL, FILE.c:SYMBOL: to one symbol of one object, or a message that says why not.
#pragma once

#include "frontend/sema/names.h"

namespace lpc::sema {

struct FoundSymbol {
  size_t object = 0;
  const target::Symbol *symbol = nullptr;
};

// UnknownSymbol, AmbiguousSymbol, ThreadLocalSymbol, IfuncSymbol, and what namedObject() reports.
std::optional<FoundSymbol> findSymbol(const ast::SymbolAddress &wanted, const Symbols &symbols, Context &context);

// The object before a `!`. UnknownObject, AmbiguousObject; nothing in silence where its `object` statement failed.
std::optional<size_t> namedObject(const ast::Name &name, Context &context);

// Its file. Null where it can't be opened, which is an error here, and for the program was one before.
std::shared_ptr<const target::ElfFile> fileOf(size_t object, Place place, Context &context);

// The symbol of a payload, `$NAME:SYMBOL`.
const target::Symbol *findInPayload(const ast::Name &name, const Memory &memory, const Symbols &symbols,
                                    Context &context);

} // namespace lpc::sema
