// Any bytes as a patch file: parse() must come to an end, and what it has read must be the same when written and read
// again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "frontend/ast/print.h"
#include "frontend/parse/parse.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace lpc;
  Diagnostics diagnostics;
  ast::File file = parse(SourceText("fuzz.lp", std::string(reinterpret_cast<const char *>(data), size)), diagnostics);
  for (const Diagnostic &diagnostic : diagnostics.all())
    if (!diagnostic.place.known() || diagnostic.message.empty()) std::abort();

  std::string text;
  for (const ast::Statement &statement : file.statements)
    text += ast::statementText(statement) + "\n";
  Diagnostics again;
  ast::File second = parse(SourceText("again.lp", text), again);
  if (second.statements.size() != file.statements.size()) std::abort();
  std::string secondText;
  for (const ast::Statement &statement : second.statements)
    secondText += ast::statementText(statement) + "\n";
  if (text != secondText) std::abort();
  return 0;
}
