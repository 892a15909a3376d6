// A worker is our own program, but one that reads hostile files: what it says is unpacked with care.
#include "frontend/driver/row.h"

#include <charconv>

#include "frontend/driver/console.h"
#include "frontend/driver/diagnostics_json.h"
#include "frontend/driver/exit_status.h"
#include "frontend/driver/outcome_report.h"
#include "ir/support/bytes.h"
#include "ir/support/cat.h"

namespace lpc::driver {
namespace {

constexpr size_t kLength = 8;

std::optional<int> number(const std::string &text) {
  int value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

} // namespace

Row rowOf(std::string_view command, pid_t pid, const std::string &program, const backend::Outcome &outcome,
          const SourceText &source) {
  Row row{.pid = pid, .program = program, .kind = outcome.kind, .status = statusOf(outcome)};
  if (outcome.stops > 0) row.pause = shortTime(outcome.pauseMicroseconds);
  if (outcome.reason) {
    row.reason = info(outcome.reason->id).text;
    row.message = outcome.reason->message;
  }
  if (row.status != Done) row.failure = failureText(std::string(command), pid, outcome, source);
  row.json = Json::document([&](Json &json) {
    writeOutcome(json, pid, outcome);
    json.text("exe", program);
  });
  return row;
}

Row rowOf(std::string_view command, const PatchText &text, const std::string &program, const Attempt &attempt) {
  const Compilation *compilation = attempt.compilation.get();
  const SourceText &source = compilation == nullptr ? text.source : compilation->source;
  Row row = rowOf(command, attempt.pid, program, attempt.outcome, source);
  if (compilation == nullptr) return row;
  if (patchHasErrors(attempt)) row.failure.clear(); // said below
  for (const Diagnostic &diagnostic : compilation->diagnostics.sorted())
    row.said.push_back({render(diagnostic, source, colourOnStandardError()),
                        Json::document([&](Json &json) { writeDiagnostic(json, diagnostic, text.source.name()); })});
  return row;
}

void pack(std::string &into, std::string_view field) {
  Bytes length;
  appendLittle(length, field.size(), kLength);
  into.append(length.begin(), length.end());
  into += field;
}

std::optional<std::string> unpack(std::string_view &from) {
  if (from.size() < kLength) return std::nullopt;
  uint64_t length = loadLittle(asBytes(from.substr(0, kLength)));
  from.remove_prefix(kLength);
  if (length > from.size()) return std::nullopt;
  std::string field(from.substr(0, length));
  from.remove_prefix(length);
  return field;
}

std::string packed(const Row &row) {
  std::string out;
  for (int number :
       {static_cast<int>(row.pid), static_cast<int>(row.kind), row.status, static_cast<int>(row.said.size())})
    pack(out, std::to_string(number));
  for (const std::string *text : {&row.program, &row.pause, &row.reason, &row.message, &row.failure, &row.json})
    pack(out, *text);
  for (const Row::Said &said : row.said) {
    pack(out, said.text);
    pack(out, said.json);
  }
  return out;
}

std::optional<Row> unpackRow(std::string_view &from) {
  Row row;
  int kind = 0, count = 0;
  for (int *value : {&row.pid, &kind, &row.status, &count}) {
    auto field = unpack(from);
    auto read = field ? number(*field) : std::nullopt;
    if (!read) return std::nullopt;
    *value = *read;
  }
  if (kind < 0 || kind > static_cast<int>(backend::OutcomeKind::Gone)) return std::nullopt;
  row.kind = static_cast<backend::OutcomeKind>(kind);
  auto take = [&from](std::string &text) {
    auto field = unpack(from);
    if (field) text = std::move(*field);
    return field.has_value();
  };
  for (std::string *text : {&row.program, &row.pause, &row.reason, &row.message, &row.failure, &row.json})
    if (!take(*text)) return std::nullopt;
  for (int i = 0; i < count; i++) {
    Row::Said said;
    if (!take(said.text) || !take(said.json)) return std::nullopt;
    row.said.push_back(std::move(said));
  }
  return row;
}

} // namespace lpc::driver
