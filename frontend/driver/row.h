// What became of one of many processes, as its worker tells it: ready to be printed, so that nothing else has to
// travel.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/driver/attempts.h"

namespace lpc::driver {

struct Row {
  // A message about a place in the patch, in both forms.
  struct Said {
    std::string text, json;
    bool operator==(const Said &) const = default;
  };

  pid_t pid = 0;
  std::string program; // its path as the process has it; what it calls itself where that is not known
  backend::OutcomeKind kind = backend::OutcomeKind::Refused;
  int status = 0;     // exit status of this process alone
  std::string pause;  // "93 us"; "" where it was not stopped
  std::string reason; // id of a diagnostic, and its message; "" where all is well
  std::string message;
  std::string failure; // for standard error, with notes, help and state; "" where all is well, or `said` has it
  std::string json;    // the element of `processes`
  std::vector<Said> said;
  bool operator==(const Row &) const = default;
};

// `command` is "lpc apply"; places are in `source`.
Row rowOf(std::string_view command, pid_t pid, const std::string &program, const backend::Outcome &outcome,
          const SourceText &source);
// The same with the diagnostics of the patch; `file` is what the user called it.
Row rowOf(std::string_view command, const PatchText &text, const std::string &program, const Attempt &attempt);

// Fields of text in one text, as it goes through a pipe.
void pack(std::string &into, std::string_view field);
std::optional<std::string> unpack(std::string_view &from); // nothing where there is none whole

std::string packed(const Row &row);
std::optional<Row> unpackRow(std::string_view &from); // takes what it reads away from `from`

} // namespace lpc::driver
