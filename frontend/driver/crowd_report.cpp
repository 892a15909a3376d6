// The table has a row for each process, also for those that were not touched: whoever reads it must not have to count.
#include "frontend/driver/crowd_report.h"

#include <algorithm>
#include <array>

#include "frontend/driver/console.h"
#include "frontend/driver/diagnostics_json.h"
#include "frontend/driver/exit_status.h"
#include "frontend/driver/outcome_report.h"
#include "ir/support/cat.h"
#include "ir/support/display.h"

namespace lpc::driver {
namespace {

std::string processes(size_t count) { return cat(count, count == 1 ? " process" : " processes"); }

std::string hiddenText(size_t count) { return processes(count) + " could not be looked at: not permitted"; }

// Of all processes, each once.
std::vector<Row::Said> saidBy(const Crowd &crowd) {
  std::vector<Row::Said> all;
  for (const Row &row : crowd.rows)
    for (const Row::Said &said : row.said)
      if (std::ranges::find(all, said) == all.end()) all.push_back(said);
  return all;
}

// What is about no process in particular.
std::vector<Error> remarksOn(const CrowdReport &report) {
  std::vector<Error> errors;
  if (report.crowd.rows.empty()) {
    errors.push_back({.id = DiagnosticId::NothingRuns, .message = cat("no process ", report.nobody)});
    if (report.crowd.hidden > 0) errors.back().notes.push_back({hiddenText(report.crowd.hidden)});
  }
  if (report.crowd.stillComing)
    errors.push_back({.id = DiagnosticId::StillComing,
                      .message = "new processes came as often as lpc looked",
                      .notes = {},
                      .help = cat("run `", report.command, " --all` again")});
  return errors;
}

int statusOf(const CrowdReport &report) {
  int worst = report.crowd.rows.empty() ? driver::statusOf(DiagnosticId::NothingRuns) : Done;
  for (const Row &row : report.crowd.rows)
    worst = std::max(worst, row.status);
  return worst;
}

std::string table(const std::vector<Row> &rows) {
  constexpr size_t kColumns = 5;
  std::vector<std::array<std::string, kColumns>> lines = {{"PID", "PROGRAM", "RESULT", "PAUSE", "REASON"}};
  for (const Row &row : rows)
    lines.push_back({std::to_string(row.pid), displayable(row.program), resultName(row.kind),
                     row.pause.empty() ? "-" : row.pause,
                     row.reason.empty() ? "" : cat(displayable(row.message), " [", row.reason, "]")});
  std::array<size_t, kColumns> widths{};
  for (const auto &line : lines)
    for (size_t i = 0; i < kColumns; i++)
      widths.at(i) = std::max(widths.at(i), line.at(i).size());
  std::string out;
  for (const auto &line : lines) {
    std::string text;
    for (size_t i = 0; i < kColumns; i++) {
      std::string blanks(widths.at(i) - line.at(i).size(), ' ');
      bool number = i == 0 || i == 3; // to the right
      text += number ? blanks + line.at(i) : line.at(i) + blanks;
      text += "  ";
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  }
  return out;
}

// "200 processes: 198 applied, 1 busy, 1 gone": the results in the order of their first.
std::string tally(const Crowd &crowd) {
  std::vector<std::pair<std::string, size_t>> counts;
  for (const Row &row : crowd.rows) {
    std::string result = resultName(row.kind);
    auto known = std::ranges::find(counts, result, &std::pair<std::string, size_t>::first);
    if (known == counts.end())
      counts.emplace_back(result, 1);
    else
      known->second++;
  }
  std::string out = processes(crowd.rows.size()) + ":";
  for (const auto &[result, count] : counts)
    out += cat(&result == &counts.front().first ? " " : ", ", count, " ", result);
  if (crowd.hidden > 0) out += "; " + hiddenText(crowd.hidden);
  return out + (crowd.cancelled ? "; ended early\n" : "\n");
}

// `elements` write those of the array `diagnostics`.
std::string document(const CrowdReport &report, int status, const std::function<void(Json &)> &elements) {
  return Json::document([&](Json &json) {
    json.text("schema", report.schema);
    json.text("patch", report.patch);
    json.array("diagnostics", [&] { elements(json); });
    json.array("processes", [&] {
      for (const Row &row : report.crowd.rows)
        json.documentElement(row.json);
    });
    json.number("not_permitted", static_cast<int64_t>(report.crowd.hidden));
    json.flag("cancelled", report.crowd.cancelled);
    json.number("status", status);
  });
}

} // namespace

int printCrowd(const CrowdReport &report, Format format) {
  int status = statusOf(report);
  std::vector<Row::Said> said = saidBy(report.crowd);
  std::vector<Error> remarks = remarksOn(report);
  if (format == Format::Json) {
    print(document(report, status, [&](Json &json) {
      for (const Row::Said &one : said)
        json.documentElement(one.json);
      for (const Error &remark : remarks)
        json.element([&] { writeDiagnostic(json, toDiagnostic(remark), report.file); });
    }));
    return status;
  }
  for (const Row::Said &one : said)
    printMessage(one.text);
  for (const Row &row : report.crowd.rows)
    printMessage(row.failure);
  for (const Error &remark : remarks)
    printError(report.command, remark, report.crowd.rows.empty() ? "no process was touched" : "");
  if (!report.crowd.rows.empty()) print(table(report.crowd.rows) + tally(report.crowd));
  return status;
}

int printNobodyTouched(const CrowdReport &report, const std::vector<Diagnostic> &diagnostics, const SourceText &source,
                       int status, Format format) {
  if (format == Format::Json) {
    print(document(report, status, [&](Json &json) {
      for (const Diagnostic &diagnostic : diagnostics)
        json.element([&] { writeDiagnostic(json, diagnostic, report.file); });
    }));
    return status;
  }
  printDiagnostics(diagnostics, source);
  printState("no process was touched");
  return status;
}

} // namespace lpc::driver
