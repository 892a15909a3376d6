// What the undefined symbols of the payloads refer to, in this process.
//
// Order (language reference, `dl`): `with`, the other payloads of the patch, what it opens with `dlopen`, the program
// with its local symbols, then the objects the process has loaded in their search order, of which only exported symbols
// count.
#pragma once

#include <map>
#include <string>
#include <variant>

#include "backend/link.h"
#include "backend/open_image.h"
#include "backend/plan.h"

namespace lpc::backend {

// Known before memory is placed: an address in the process, an address of the patch's own (resolved later), or the
// resolver function of an IFUNC, which is reached through a stub (arch/ifunc_stub.h).
struct IfuncResolver {
  RemoteAddress function;
  auto operator<=>(const IfuncResolver &) const = default;
};
using BoundSymbol = std::variant<RemoteAddress, ir::Address, IfuncResolver, ThreadLocalPlace>;

// By memory of the payload, then by name with version. Weak symbols that nobody defines are bound to address 0,
// definitions that yield (link.h) and that nobody else has to the first payload's own. UndefinedPayloadSymbol (lists
// all), AmbiguousSymbol, ThreadLocalSymbol, UnsupportedPayload.
using Bindings = std::map<ir::MemoryId, std::map<std::string, BoundSymbol>>;
Result<Bindings> bindPayloads(const ir::Patch &patch, const std::map<ir::MemoryId, PayloadImage> &images,
                              const OpenImages &opens, const runtime::Process &process, const Snapshot &snapshot,
                              const std::vector<size_t> &modules);

} // namespace lpc::backend
