// Errors on their way up, and the end of an lpc that is wrong.
#include "ir/support/result.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <system_error>

namespace lpc {

Error Error::during(const std::string &doing) && {
  message = doing + ": " + message;
  return std::move(*this);
}

std::unexpected<Error> failErrno(DiagnosticId id, const std::string &what, int errnum) {
  return fail(id, what + ": " + std::generic_category().message(errnum));
}

Diagnostic toDiagnostic(Error error, Place place) {
  return {.id = error.id,
          .severity = info(error.id).severity,
          .place = place.known() ? place : error.place,
          .message = std::move(error.message),
          .notes = std::move(error.notes),
          .help = std::move(error.help)};
}

namespace {

constexpr int kExitBug = 70; // EX_SOFTWARE of sysexits.h

std::array<std::atomic<void (*)()>, 8> handlers;
std::atomic<size_t> handlerCount;
std::atomic_flag ending;

void writeError(const std::string &text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    ssize_t n = write(STDERR_FILENO, rest.data(), rest.size());
    if (n <= 0) return;
    rest.remove_prefix(static_cast<size_t>(n));
  }
}

} // namespace

void onBug(void (*handler)()) {
  size_t slot = handlerCount.fetch_add(1);
  LPC_CHECK(slot < handlers.size());
  handlers[slot] = handler;
}

// _exit, not exit: destructors and buffers of a program that is in an unknown state are not to be run; the handlers
// have done what the target needs. A bug inside a handler, or in another thread meanwhile, ends lpc at once.
void bug(const char *file, int line, const char *what) {
  if (!ending.test_and_set()) {
    for (size_t i = std::min(handlerCount.load(), handlers.size()); i-- > 0;)
      if (auto handler = handlers[i].load()) handler();
  }
  writeError(std::string("lpc: bug: ") + file + ":" + std::to_string(line) + ": `" + what + "` does not hold\n");
  _exit(kExitBug);
}

} // namespace lpc
