// Public are five fields of a link map (<link.h>). How often an object was opened, and whether it came with the program
// (l_type), stand behind them, where fields have been added with every version. So the place is found by what is in
// front of it: what glibc has read of DT_GNU_HASH, four words that are known exactly (setup_hash of
// elf/dl-setup_hash.c; the order of include/link.h since 2.5). Rejected: to follow DT_NEEDED from the program on alone,
// without LD_PRELOAD.
//
// dlclose goes by the objects that each one was bound to, too (l_reldeps): what stays for the sake of that is taken for
// something that goes here, and is looked at in vain.
#include "backend/link_maps.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <optional>

#include "frontend/target/paths.h"
#include "ir/support/bytes.h"
#include "runtime/elf_memory.h"

namespace lpc::backend {
namespace {

constexpr uint64_t kWord = 8, kDynamic = 2 * kWord, kNext = 3 * kWord, kPrevious = 4 * kWord; // of struct link_map
constexpr size_t kMostRows = 4096;
constexpr uint64_t kMostSize = 4096, kMostUsers = 1 << 20; // of a link map; of an object

struct Private {
  uint64_t users = 0;
  uint64_t type = 0; // l_type
};

// The words of a link map in front of its number of users and its type, without the first half of the first.
std::optional<std::array<uint64_t, 4>> hashWords(RemoteAddress table, const runtime::Process &process) {
  auto head = process.read(table, 16); // number of buckets, first symbol, words of the filter, shift
  if (!head) return std::nullopt;
  auto field = [&](size_t i) { return loadLittle(BytesView(*head).subspan(i * 4, 4)); };
  const uint64_t filter = table.value + 16, buckets = filter + field(2) * kWord;
  return std::array{(field(2) - 1) | field(3) << 32, filter, buckets, buckets + field(0) * 4 - field(1) * 4};
}

std::optional<Private> privateOf(RemoteAddress at, const runtime::ElfMemory &elf, const runtime::Process &process,
                                 const Snapshot &snapshot) {
  const runtime::Mapping *mapping = runtime::mappingAt(snapshot.maps, at);
  RemoteAddress table = elf.dynamicTable(DT_GNU_HASH);
  auto known = table.value != 0 ? hashWords(table, process) : std::nullopt;
  if (!known || !mapping) return std::nullopt;
  std::vector<uint64_t> words(std::min(kMostSize, mapping->range.end - at) / kWord);
  if (!process.read(at, std::span(reinterpret_cast<uint8_t *>(words.data()), words.size() * kWord)))
    return std::nullopt;
  auto found = std::ranges::search(words, *known);
  if (found.empty() || found.end() == words.end()) return std::nullopt;
  constexpr uint64_t kTypeMask = 3;
  Private read{*found.end() & 0xffffffff, *found.end() >> 32 & kTypeMask};
  return read.users <= kMostUsers ? std::optional(read) : std::nullopt;
}

} // namespace

const runtime::Module *moduleOf(RemoteAddress linkMap, const runtime::Process &process, const Snapshot &snapshot) {
  auto bias = process.readWord(linkMap), dynamic = process.readWord(linkMap + kDynamic);
  const runtime::Module *module = bias && dynamic ? runtime::moduleAt(snapshot.modules, {*dynamic}) : nullptr;
  return module && module->bias == LoadBias{*bias} ? module : nullptr;
}

LinkMaps::LinkMaps(RemoteAddress any, const runtime::Process &process, const Snapshot &snapshot) {
  RemoteAddress first = any;
  for (size_t i = 0; i < kMostRows; i++) {
    RemoteAddress before{process.readWord(first + kPrevious).value_or(0)};
    if (before.value == 0) break;
    first = before;
  }
  for (RemoteAddress at = first; at.value != 0 && rows_.size() < kMostRows;
       at = {process.readWord(at + kNext).value_or(0)}) {
    Row row{.at = at, .module = moduleOf(at, process, snapshot)};
    auto elf =
        row.module ? runtime::ElfMemory::withHeader(process, snapshot.maps, row.module->range.begin) : std::nullopt;
    if (elf) {
      row.needed = elf->needed();
      row.forGood = (elf->dynamicEntry(DT_FLAGS_1).value_or(0) & DF_1_NODELETE) != 0;
      constexpr uint64_t kLibrary = 1, kLoaded = 2; // lt_library, lt_loaded
      if (auto more = privateOf(at, *elf, process, snapshot)) {
        row.users = more->users;
        if (more->type == kLibrary) row.came = Came::WithProgram;
        if (more->type == kLoaded) row.came = Came::ByDlopen;
      }
    }
    rows_.push_back(std::move(row));
  }
}

const LinkMaps::Row *LinkMaps::rowOf(RemoteAddress at) const {
  auto found = std::ranges::find(rows_, at, &Row::at);
  return found == rows_.end() ? nullptr : &*found;
}

// The first that has the name, as in glibc.
const LinkMaps::Row *LinkMaps::named(const std::string &needed) const {
  auto isIt = [&](const Row &row) {
    return row.module &&
           (row.module->soname == needed || target::fileNameOf(row.module->path) == target::fileNameOf(needed));
  };
  auto found = std::ranges::find_if(rows_, isIt);
  return found == rows_.end() ? nullptr : &*found;
}

// And what those need, and so on.
void LinkMaps::addNeeded(std::vector<const Row *> &rows) const {
  for (size_t i = 0; i < rows.size(); i++)
    for (const std::string &name : rows[i]->needed)
      if (const Row *needed = named(name); needed && std::ranges::find(rows, needed) == rows.end())
        rows.push_back(needed);
}

bool LinkMaps::cameWithProgram(RemoteAddress handle) const {
  const Row *row = rowOf(handle);
  return row && row->came == Came::WithProgram && row->users != 0;
}

std::vector<RemoteAddress> LinkMaps::goingWith(RemoteAddress handle) const {
  const Row *own = rowOf(handle);
  std::vector<const Row *> stay, reached;
  for (const Row &row : rows_)
    if (row.came != Came::ByDlopen || row.forGood || row.users > (&row == own ? 1U : 0U)) stay.push_back(&row);
  addNeeded(stay);
  auto stays = [&](const Row *row) { return std::ranges::find(stay, row) != stay.end(); };
  if (!own || stays(own)) return {};
  reached.push_back(own);
  addNeeded(reached);
  std::vector<RemoteAddress> going;
  for (const Row *row : reached)
    if (row != own && !stays(row)) going.push_back(row->at);
  return going;
}

} // namespace lpc::backend
