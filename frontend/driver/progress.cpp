// Cut at the width of the terminal: a line that wraps can't be written over. Ten times a second at most.
#include "frontend/driver/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "ir/support/cat.h"

namespace lpc::driver {
namespace {

using namespace std::chrono_literals;

size_t columns() {
  winsize size{};
  constexpr size_t kUsual = 80;
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1U : kUsual - 1;
}

void write(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

} // namespace

Progress::Progress(std::string command) : command_(std::move(command)) {
  const char *name = std::getenv("TERM");
  terminal_ = isatty(STDERR_FILENO) == 1 && name != nullptr && std::string_view(name) != "dumb";
}

void Progress::show(size_t done, const runtime::SideBySide &workers, pid_t eldest) {
  auto now = runtime::Clock::now();
  if (!terminal_ || now < next_) return;
  next_ = now + 100ms;
  std::string line = cat(command_, ": ", done, " done");
  if (workers.running() > 0) line += cat(", ", workers.running(), " at work");
  if (workers.running() > 0 && workers.eldest().second > 1s)
    line += cat(", on ", eldest, " for ",
                std::chrono::duration_cast<std::chrono::seconds>(workers.eldest().second).count(), " s");
  write("\r" + line.substr(0, columns()) + "\x1b[K");
  shown_ = true;
}

void Progress::clear() {
  if (shown_) write("\r\x1b[K");
  shown_ = false;
}

} // namespace lpc::driver
