// MovedCode::of for x86-64.
#pragma once

#include "ir/machine/moved_code.h"

namespace lpc::x86_64 {

Result<MovedCode> moved(const Decoder &decoder, BytesView code, uint64_t from);

} // namespace lpc::x86_64
