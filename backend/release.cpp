// Is memory still in use? The program may have copied pointers into it: of a string that a `set` had put into a
// variable, of a callback that the payload registered. Unmapping too early crashes the program later (the fate of other
// systems); keeping too long costs memory. So: look everywhere (pointers.h), and keep when in doubt.
#include "backend/release.h"

#include "backend/dead_pointers.h"
#include "backend/pointers.h"
#include "ir/support/cat.h"

namespace lpc::backend {
Result<bool> releaseMemory(const FoundRecord &found, const std::vector<StackPosition> &stacks,
                           const runtime::Process &process, runtime::Agent &agent, std::string &why) {
  for (const RecordedOpening &opening : found.record.openings)
    if (opening.handle != 0) return why = cat("`", opening.file, "` is not closed yet"), false;
  auto snapshot = look(process);
  if (!snapshot) return std::unexpected(std::move(snapshot.error()));
  if (!found.memory.empty()) {
    DeadPointers dead(found.record, process);
    SoughtMemory sought{found.record.name, found.memory, {found.range}, [&](uint64_t word, RemoteAddress at) {
                          return dead.isDead(word, at);
                        }};
    auto free = isPointedAtByNobody(sought, found, stacks, process, *snapshot, agent, why);
    if (!free || !*free) return free;
  }
  for (const RemoteRange &range : found.memory)
    if (auto done = agent.unmap(range.begin, range.size()); !done) return std::unexpected(std::move(done.error()));
  if (auto done = agent.unmap(found.range.begin, found.range.size()); !done)
    return std::unexpected(std::move(done.error()));
  return true;
}

} // namespace lpc::backend
