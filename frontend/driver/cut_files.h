// Files that somebody cuts short while lpc has them mapped.
#pragma once

namespace lpc::driver {

// From now on such a file ends lpc with a message, not with a signal. `changesProcesses`: a command that may have begun
// to change a process; it is let go by the kernel, as whenever lpc is killed.
void expectCutFiles(bool changesProcesses);

} // namespace lpc::driver
