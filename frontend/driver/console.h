// What the command line writes where: results to standard output, messages to standard error.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ir/support/diagnostic.h"
#include "ir/support/result.h"

namespace lpc::driver {

// Results. Collected by the C library and checked at the end of main.
void print(std::string_view text);

// Messages about places in a patch.
void printDiagnostics(const std::vector<Diagnostic> &diagnostics, const SourceText &source);

// A message that is about no place in a patch: "COMMAND: error: message [id]", notes and help, and at last the state
// that a process was left in, where it is about one.
void printError(std::string_view command, const Error &error, std::string_view state = {});
std::string errorText(std::string_view command, const Error &error, std::string_view state);

// "  state: …", below a message that was printed before; nothing where it is empty.
void printState(std::string_view state);
std::string stateText(std::string_view state);
void printMessage(std::string_view text); // that has been made before

// Colours are for terminals, unless NO_COLOR (no-color.org) is set to anything or TERM is `dumb`.
bool colourOnStandardError();

// "47 us", "3.2 ms", "1.5 s": three digits at most.
std::string shortTime(double microseconds);

// "1 change", "3 changes".
std::string counted(size_t count, std::string_view noun);

} // namespace lpc::driver
