// The next file that is opened gets the lowest free number. Were that 1 or 2, a message would go into it: into a bundle
// that is being written, or into the memory of a process (/proc/PID/mem).
//
// Rejected: /dev/null, where what is printed would be lost without an error, and which a root directory may not have.
#include "frontend/driver/standard_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>

namespace lpc::driver {

void holdStandardFiles() {
  for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) (void)open("/", O_PATH | O_CLOEXEC);
}

} // namespace lpc::driver
