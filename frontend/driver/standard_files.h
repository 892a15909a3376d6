// Standard input, output and error, which a caller may have closed.
#pragma once

namespace lpc::driver {

// Before anything is opened. Each of descriptors 0, 1 and 2 that is closed is held by one that can neither be read nor
// written (EBADF, as if it were closed still) and that a program which is executed does not inherit.
void holdStandardFiles();

} // namespace lpc::driver
