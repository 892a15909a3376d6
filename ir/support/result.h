// Results of what may fail because of the world: std::expected with an Error that says what was being done.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "ir/support/diagnostic.h"

namespace lpc {

struct Error {
  DiagnosticId id{};   // from diagnostics.def
  std::string message; // as Diagnostic::message
  std::vector<Note> notes{};
  std::string help{};
  Place place{}; // of the statement that led to it, where one did

  // The same error, with what the caller was doing in front of the message: "doing: message".
  [[nodiscard]] Error during(const std::string &doing) &&;
};

template <class T> using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(DiagnosticId id, std::string message, std::string help = {}) {
  return std::unexpected(Error{id, std::move(message), {}, std::move(help)});
}
// With strerror of `errnum` behind the message.
std::unexpected<Error> failErrno(DiagnosticId id, const std::string &what, int errnum);

// `place` where the error has none of its own.
Diagnostic toDiagnostic(Error error, Place place = {});

// Checks that are always on (conventions: "Errors", 3: we are wrong). A failed check runs the handlers that
// let the target go unharmed (see onBug), says where, and ends lpc with status 70.
[[noreturn]] void bug(const char *file, int line, const char *what);
// Registers a function that bug() calls first (runtime: detach from everything). At most 8; called in reverse order.
void onBug(void (*handler)());

} // namespace lpc

#define LPC_CHECK(condition) ((condition) ? (void)0 : ::lpc::bug(__FILE__, __LINE__, #condition))
