// Only where lpc would have put it: at the borders of 16 bytes in padding, which the program headers prove to be
// nobody's. The same bytes anywhere else are the program's.
#include "runtime/left_code.h"

#include <algorithm>

#include "runtime/arch/x86_64_stub.h"
#include "runtime/padding.h"

namespace lpc::runtime {

std::vector<LeftCode> findLeftCode(const Process &process, const std::vector<Mapping> &maps) {
  std::vector<LeftCode> found;
  if (process.machine() != Machine::X86_64) return found;
  for (const RemoteRange &range : findPadding(process, maps)) {
    Bytes content(range.size());
    if (!process.read(range.begin, content)) continue;
    for (uint64_t offset = firstPlace(range); offset < content.size(); offset += kPlaceBorder) {
      if (content[offset] == 0) continue; // as nearly everywhere; none of ours begins so
      BytesView rest = BytesView(content).subspan(offset);
      auto here = [&](const x86_64::OwnCode &own) {
        return own.code.size() <= rest.size() && own.matches(rest.first(own.code.size()));
      };
      auto own = std::ranges::find_if(x86_64::ownCode(), here);
      if (own == x86_64::ownCode().end()) continue;
      BytesView bytes = rest.first(own->code.size());
      found.push_back({own->kind, own->brief, range.begin + offset, Bytes(bytes.begin(), bytes.end())});
    }
  }
  return found;
}

} // namespace lpc::runtime
