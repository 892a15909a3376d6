// Whether code of a payload may call anything but the payload itself. Only then can an exception come through it.
#pragma once

#include "backend/link.h"

namespace lpc::backend {

// Of the functions that the unwinding table at `frames` describes; the start files' have no entries, and call nothing
// below a function of the program. `content`: the image, relocated for `base`. True also where it can't be told: more
// than 32 KiB of code, a jump to an address that the code computes, tables in a form that compilers of C don't write.
// Safe for any bytes.
bool callsOut(const PayloadImage &image, BytesView content, RemoteAddress base, const PayloadRange &frames);

} // namespace lpc::backend
