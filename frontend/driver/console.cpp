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

void printDiagnostics(const std::vector<Diagnostic> &diagnostics, const SourceText &source) {
  std::fflush(stdout); // both may be the same terminal or file
  bool colour = colourOnStandardError();
  for (const Diagnostic &diagnostic : diagnostics) {
    std::string text = render(diagnostic, source, colour);
    std::fwrite(text.data(), 1, text.size(), stderr);
  }
}

void printError(std::string_view command, const Error &error, std::string_view state) {
  printDiagnostics({toDiagnostic(error)}, SourceText(std::string(command), ""));
  printState(state);
}

void printState(std::string_view state) {
  if (state.empty()) return;
  std::string line = cat("  state: ", displayable(state), "\n");
  std::fwrite(line.data(), 1, line.size(), stderr);
}

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
