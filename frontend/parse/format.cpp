// A statement is printed from its tree (ast/print), a comment is what stands behind the statement's last word: the tree
// says where that ends, so no second lexer is needed that knows where a `#` is none.
//
// Comments behind statements that follow each other begin in one column, unless that is far to the right.
#include "frontend/parse/format.h"

#include <algorithm>

#include "frontend/ast/print.h"
#include "frontend/parse/lines.h"
#include "frontend/parse/parse.h"
#include "ir/support/result.h"
#include "ir/support/utf8.h"

namespace lpc {
namespace {

constexpr uint32_t kFurthestComment = 60; // columns; behind longer statements a comment follows at once
constexpr std::string_view kBlanks = " \t\r\f\v";

struct Row {
  std::string statement, comment; // both empty: an empty line
};

std::string_view trimmed(std::string_view text) {
  size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

// What stands behind column `column` (from 1, in code points) of the last line of `text`.
std::string_view behind(std::string_view text, uint32_t column) {
  size_t lastLine = text.rfind('\n');
  if (lastLine != std::string_view::npos) text.remove_prefix(lastLine + 1);
  for (; column > 1 && !text.empty(); column--) {
    size_t length = 1;
    while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80)
      length++;
    text.remove_prefix(length);
  }
  return text;
}

std::vector<Row> rowsOf(const SourceText &source, const ast::File &file) {
  std::vector<Row> rows;
  parsing::Lines lines(source.text());
  auto statement = file.statements.begin();
  while (auto line = lines.next()) {
    std::string_view text = source.text().substr(line->begin, line->end - line->begin);
    if (line->kind == parsing::Line::Kind::Blank) {
      rows.push_back({"", std::string(trimmed(text))});
      continue;
    }
    LPC_CHECK(statement != file.statements.end() && statement->place.line == line->number);
    rows.push_back({ast::statementText(*statement), std::string(trimmed(behind(text, statement->place.endColumn)))});
    ++statement;
  }
  return rows;
}

bool isEmpty(const Row &row) { return row.statement.empty() && row.comment.empty(); }
bool hasBoth(const Row &row) { return !row.statement.empty() && !row.comment.empty(); }

// Where the comments of the rows [first, last) begin.
uint32_t commentColumn(const std::vector<Row> &rows, size_t first, size_t last) {
  uint32_t column = 0;
  for (size_t i = first; i < last; i++)
    if (uint32_t length = codePoints(rows[i].statement); length <= kFurthestComment) column = std::max(column, length);
  return column + 2;
}

std::string laidOut(const std::vector<Row> &rows) {
  std::string out;
  uint32_t column = 0;
  for (size_t i = 0; i < rows.size(); i++) {
    const Row &row = rows[i];
    if (isEmpty(row)) {
      bool wanted = !out.empty() && std::any_of(rows.begin() + static_cast<ptrdiff_t>(i), rows.end(),
                                                [](const Row &later) { return !isEmpty(later); });
      if (wanted && !out.ends_with("\n\n")) out += '\n';
      continue;
    }
    out += row.statement;
    if (hasBoth(row)) {
      if (i == 0 || !hasBoth(rows[i - 1])) {
        size_t last = i;
        while (last < rows.size() && hasBoth(rows[last]))
          last++;
        column = commentColumn(rows, i, last);
      }
      uint32_t length = codePoints(row.statement);
      out.append(length + 2 <= column ? column - length : 2, ' ');
    }
    out += row.comment + "\n";
  }
  return out;
}

} // namespace

std::optional<std::string> format(const SourceText &source, Diagnostics &diagnostics) {
  ast::File file = parse(source, diagnostics);
  if (diagnostics.hasErrors()) return std::nullopt;
  return laidOut(rowsOf(source, file));
}

} // namespace lpc
