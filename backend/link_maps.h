// What the dynamic linker of glibc keeps of the objects of a process: its list of link maps.
#pragma once

#include <string>
#include <vector>

#include "backend/plan.h"
#include "runtime/process.h"

namespace lpc::backend {

// The object that has its link map there (struct link_map of <link.h>): what a handle of dlopen points to.
const runtime::Module *moduleOf(RemoteAddress linkMap, const runtime::Process &process, const Snapshot &snapshot);

class LinkMaps {
public:
  // The list that `any` is in: each namespace (dlmopen) has its own. `snapshot` must outlive the object.
  LinkMaps(RemoteAddress any, const runtime::Process &process, const Snapshot &snapshot);

  // Whether it was loaded with the program (DT_NEEDED, LD_PRELOAD): it is never unloaded. False where that is not
  // known.
  [[nodiscard]] bool cameWithProgram(RemoteAddress handle) const;

  // What dlclose takes away with the last handle of an object: what that needs (DT_NEEDED, at any depth), was not
  // loaded with the program, nobody has a handle of, and nothing else that stays needs. Link maps, without its own;
  // none where the object itself stays.
  [[nodiscard]] std::vector<RemoteAddress> goingWith(RemoteAddress handle) const;

private:
  enum class Came : uint8_t { Unknown, WithProgram, ByDlopen };
  struct Row {
    RemoteAddress at;
    const runtime::Module *module = nullptr;
    std::vector<std::string> needed{};
    Came came = Came::Unknown;
    uint64_t users = 0;   // handles of it that are open
    bool forGood = false; // it asks for that (DF_1_NODELETE)
  };
  [[nodiscard]] const Row *rowOf(RemoteAddress at) const;
  [[nodiscard]] const Row *named(const std::string &needed) const;
  void addNeeded(std::vector<const Row *> &rows) const;

  std::vector<Row> rows_;
};

} // namespace lpc::backend
