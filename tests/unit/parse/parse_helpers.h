// What the parser's tests share.
#pragma once

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "frontend/ast/print.h"
#include "frontend/parse/parse.h"

namespace lpc::test {

struct Parsed {
  ast::File file;
  std::vector<Diagnostic> diagnostics;
};

inline Parsed parseText(const std::string &text) {
  Diagnostics diagnostics;
  ast::File file = parse(SourceText("t.lp", text), diagnostics);
  return {std::move(file), diagnostics.all()};
}

// "3:5-3:9 bad-integer: message", one a diagnostic.
inline std::string summary(const std::vector<Diagnostic> &diagnostics) {
  std::string out;
  for (const Diagnostic &d : diagnostics) {
    out += std::to_string(d.place.line) + ":" + std::to_string(d.place.column) + "-" + std::to_string(d.place.endLine) +
           ":" + std::to_string(d.place.endColumn) + " " + std::string(info(d.id).text) + ": " + d.message + "\n";
  }
  return out;
}

// The outline of a text that has to be right.
inline std::string outlineOf(const std::string &text) {
  Parsed parsed = parseText(text);
  EXPECT_EQ(summary(parsed.diagnostics), "") << text;
  return ast::outline(parsed.file);
}

// The only statement of a text that has to be right, as canonical text.
inline std::string canonical(const std::string &text) {
  Parsed parsed = parseText(text);
  EXPECT_EQ(summary(parsed.diagnostics), "") << text;
  EXPECT_EQ(parsed.file.statements.size(), 1U) << text;
  return parsed.file.statements.size() == 1 ? ast::statementText(parsed.file.statements.front()) : "";
}

} // namespace lpc::test
