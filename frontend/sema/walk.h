// Visits the addresses of a statement, those inside `[ … ]` included.
#pragma once

#include "frontend/ast/ast.h"

namespace lpc::sema {

// visit(address), the outer one before the one inside its brackets.
template <class Visit> void forEachAddress(const ast::Address &address, const Visit &visit) {
  visit(address);
  if (const auto *loaded = std::get_if<ast::LoadedAddress>(&address.base)) forEachAddress(*loaded->pointer, visit);
}

template <class Visit> void forEachAddress(const ast::Value &value, const Visit &visit) {
  if (const auto *address = ast::boxed<ast::Address>(value.data)) forEachAddress(*address, visit);
}

template <class Visit> void forEachAddress(const ast::Statement &statement, const Visit &visit) {
  if (const auto *set = std::get_if<ast::Set>(&statement.what)) {
    forEachAddress(set->at, visit);
    forEachAddress(set->value, visit);
    if (set->was) forEachAddress(*set->was, visit);
  } else if (const auto *jmp = std::get_if<ast::Jmp>(&statement.what)) {
    forEachAddress(jmp->from, visit);
    forEachAddress(jmp->to, visit);
  } else if (const auto *hook = std::get_if<ast::Hook>(&statement.what)) {
    forEachAddress(hook->function, visit);
    forEachAddress(hook->to, visit);
    forEachAddress(*hook->original, visit);
  } else if (const auto *code = std::get_if<ast::Asm>(&statement.what)) {
    if (const auto *at = std::get_if<ast::Address>(&code->where)) forEachAddress(*at, visit);
  } else if (const auto *returns = std::get_if<ast::Return>(&statement.what)) {
    forEachAddress(returns->function, visit);
  } else if (const auto *nop = std::get_if<ast::Nop>(&statement.what)) {
    forEachAddress(nop->at, visit);
  } else if (const auto *got = std::get_if<ast::Got>(&statement.what)) {
    forEachAddress(got->to, visit);
  } else if (const auto *expect = std::get_if<ast::Expect>(&statement.what)) {
    forEachAddress(expect->at, visit);
    forEachAddress(expect->value, visit);
  } else if (const auto *quiesce = std::get_if<ast::Quiesce>(&statement.what)) {
    for (const ast::Address &function : quiesce->functions)
      forEachAddress(function, visit);
  } else if (const auto *on = std::get_if<ast::On>(&statement.what)) {
    forEachAddress(on->function, visit);
  } else if (const auto *let = std::get_if<ast::Let>(&statement.what)) {
    forEachAddress(let->address, visit);
  } else if (const auto *dl = std::get_if<ast::Dl>(&statement.what)) {
    for (const ast::With &with : dl->with)
      forEachAddress(with.address, visit);
  }
}

} // namespace lpc::sema
