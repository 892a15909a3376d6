// Writing to the user.
#include "frontend/driver/console.h"

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "ir/support/cat.h"
#include "ir/support/display.h"

namespace lpc::driver {

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

bool colourOnStandardError() {
  const char *noColour = std::getenv("NO_COLOR");
  const char *terminal = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && (noColour == nullptr || *noColour == '\0') && terminal != nullptr &&
         std::string_view(terminal) != "dumb";
}

void printMessage(std::string_view text) {
  std::fflush(stdout); // both may be the same terminal or file
  std::fwrite(text.data(), 1, text.size(), stderr);
}

void printDiagnostics(const std::vector<Diagnostic> &diagnostics, const SourceText &source) {
  constexpr size_t kMost = 100; // of each severity: more than anybody reads; one mistake may be in every line
  bool colour = colourOnStandardError();
  size_t errors = 0, warnings = 0;
  for (const Diagnostic &diagnostic : diagnostics)
    if ((diagnostic.severity == Severity::Error ? errors : warnings)++ < kMost)
      printMessage(render(diagnostic, source, colour));
  for (auto [count, what] : {std::pair{errors, "error"}, std::pair{warnings, "warning"}})
    if (count > kMost)
      printMessage(cat(count - kMost, " more ", what, count == kMost + 1 ? "" : "s", "; `--format json` has all\n"));
}

std::string errorText(std::string_view command, const Error &error, std::string_view state) {
  return render(toDiagnostic(error), SourceText(std::string(command), ""), colourOnStandardError()) + stateText(state);
}
void printError(std::string_view command, const Error &error, std::string_view state) {
  printMessage(errorText(command, error, state));
}

std::string stateText(std::string_view state) {
  return state.empty() ? "" : cat("  state: ", displayable(state), "\n");
}
void printState(std::string_view state) { printMessage(stateText(state)); }

std::string shortTime(double microseconds) {
  constexpr struct {
    double size;
    const char *name;
  } kUnits[] = {{1e6, "s"}, {1e3, "ms"}, {1, "us"}};
  for (const auto &unit : kUnits) {
    double number = microseconds / unit.size;
    if (number < 1 && unit.size > 1) continue;
    char text[40];
    std::snprintf(text, sizeof text, "%.*f %s", number < 10 && unit.size > 1 ? 1 : 0, number, unit.name);
    return text;
  }
  return "0 us";
}

std::string counted(size_t count, std::string_view noun) { return cat(count, " ", noun, count == 1 ? "" : "s"); }

} // namespace lpc::driver
