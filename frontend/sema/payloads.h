// `dl`, `dlopen`: what can be proved of a shared object that the patch brings along.
#pragma once

#include "frontend/sema/addresses.h"
#include "frontend/sema/symbols.h"

namespace lpc::sema {

// Reads the file of a `dl` into memory.payload, base and size. False where it can't be linked, which is reported.
bool openPayload(const Bytes &bytes, Context &context, Memory &memory);
// The same for a `dlopen`: what the process's dynamic linker loads, where it has one. What that finds undefined, it
// says when it loads the object.
bool openForLoader(const Bytes &bytes, Context &context, Memory &memory);

// Binds what the payload leaves undefined, in the language's order: `with`, the other payloads of the patch (later ones
// too), the program with its local symbols, the libraries. The result has all but those of libraries and IFUNCs, which
// are bound by name in the process: they are exported, and a library's build need not be the one that was checked.
// Nothing where a name stays open.
std::optional<std::vector<ir::Binding>> bindUndefined(const Memory &memory, Addresses &addresses);

} // namespace lpc::sema
