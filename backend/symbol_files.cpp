// The record of a patch has the names of its functions, with their places. Unwinding tables are found as an unwinder
// finds them: a payload's image begins with its ELF header, whose program headers lead to .eh_frame_hdr, and that to
// .eh_frame. All of it is data of the process: names are any text, and a table that cannot be followed is left out.
//
// Rejected: GDB's JIT interface, which only programs with a JIT have; /tmp/perf-PID.map, which perf reads for anonymous
// memory only, and patches are mapped from a file, by which they are known.
#include "backend/symbol_files.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

#include "backend/plan_start.h"
#include "backend/symbol_elf.h"
#include "ir/support/cat.h"
#include "runtime/elf_memory.h"

namespace lpc::backend {
namespace {

constexpr uint64_t kLargestImage = 256u << 20; // read for its unwinding tables
constexpr uint64_t kLargestFile = 256u << 20;

struct Code {
  RemoteRange range;
  uint64_t offset = 0; // in the patch's file
  Bytes content;
};

// "$p:fix" is fix, of $p.
struct SplitName {
  std::string memory, symbol;
};
SplitName splitName(const std::string &name) {
  size_t colon = name.find(':');
  if (colon == std::string::npos) return {name, ""};
  return {name.substr(0, colon), name.substr(colon + 1)};
}

class Patch {
public:
  Patch(const runtime::Process &process, const std::vector<runtime::Mapping> &maps, const FoundRecord &found)
      : process_(process), maps_(maps), found_(found) {}

  Result<void> read() {
    for (const RemoteRange &range : found_.memory) {
      const runtime::Mapping *mapping = runtime::mappingAt(maps_, range.begin);
      if (mapping == nullptr || !mapping->executable) continue;
      auto content = process_.read(range.begin, range.size());
      if (!content) return std::unexpected(std::move(content.error()));
      code_.push_back({range, mapping->offset, std::move(*content)});
    }
    return {};
  }

  [[nodiscard]] const std::vector<Code> &code() const { return code_; }

  // The functions in a piece of code; its own name where none is known.
  [[nodiscard]] std::vector<SymbolName> namesIn(const Code &code, size_t section) const {
    std::vector<SymbolName> names;
    for (const RecordedCode &each : found_.record.code) {
      SplitName name = splitName(each.name);
      if (!name.symbol.empty() && code.range.contains(each.range.begin))
        names.push_back({std::move(name.symbol), each.range, section});
    }
    if (names.empty()) names.push_back({memoryOf(code), code.range, section});
    return names;
  }

  // "$p"
  [[nodiscard]] std::string memoryOf(const Code &code) const {
    auto named = std::ranges::find_if(found_.record.code, [&](const RecordedCode &each) {
      return code.range.contains(each.range.begin) && splitName(each.name).symbol.empty();
    });
    return named == found_.record.code.end() ? found_.record.name : named->name;
  }

  // .eh_frame of the payload that the code is of.
  [[nodiscard]] std::optional<SymbolSection> framesOf(const Code &code) const {
    const auto base = imageOf(code);
    if (!base) return std::nullopt;
    const auto table = unwindTableOf(*base);
    if (!table) return std::nullopt;
    const runtime::Mapping *holds = runtime::mappingAt(maps_, *base + table->offset);
    if (holds == nullptr || holds->range.end - *base > kLargestImage) return std::nullopt;
    Bytes image = readable({*base, holds->range.end});
    auto frames = backend::framesOf(image, *table);
    if (!frames) return std::nullopt;
    BytesView content = BytesView(image).subspan(frames->offset, frames->size);
    return SymbolSection{".eh_frame", *base + frames->offset, Bytes(content.begin(), content.end())};
  }

private:
  // What is mapped of it; the gaps are zero.
  [[nodiscard]] Bytes readable(const RemoteRange &range) const {
    Bytes bytes(range.size());
    for (const RemoteRange &part : found_.memory) {
      RemoteAddress begin = std::max(part.begin, range.begin), end = std::min(part.end, range.end);
      if (begin >= end) continue;
      (void)process_.read(begin, std::span(bytes).subspan(begin - range.begin, end - begin)); // else zero
    }
    return bytes;
  }

  [[nodiscard]] std::optional<RemoteAddress> imageOf(const Code &code) const {
    std::optional<RemoteAddress> base;
    for (const RemoteRange &part : found_.memory) {
      if (part.begin > code.range.begin) break;
      auto magic = process_.read(part.begin, SELFMAG);
      if (magic && std::memcmp(magic->data(), ELFMAG, SELFMAG) == 0) base = part.begin;
    }
    return base;
  }

  [[nodiscard]] std::optional<PayloadRange> unwindTableOf(RemoteAddress base) const {
    auto image = runtime::ElfMemory::withHeader(process_, maps_, base);
    auto table = image ? image->segment(PT_GNU_EH_FRAME) : std::nullopt;
    if (!table || table->begin < base || table->begin - base >= kLargestImage) return std::nullopt;
    return PayloadRange{table->begin - base, std::min(table->size(), kLargestImage)};
  }

  const runtime::Process &process_;
  const std::vector<runtime::Mapping> &maps_;
  const FoundRecord &found_;
  std::vector<Code> code_;
};

// For a shell, gdb and a file system.
std::string fileName(std::string name) {
  constexpr size_t kLongest = 200;
  name.resize(std::min(name.size(), kLongest));
  std::ranges::replace_if(
      name, [](unsigned char c) { return c <= ' ' || c == '/' || c == '\'' || c == '"' || c == '\\' || c == 0x7f; },
      '_');
  return name;
}

} // namespace

Result<SymbolFiles> symbolFiles(const runtime::Process &process, const std::vector<runtime::Mapping> &maps,
                                const std::vector<FoundRecord> &patches) {
  SymbolFiles out;
  std::vector<SymbolSection> all;
  std::vector<std::vector<SymbolName>> names;
  for (const FoundRecord &found : patches) {
    Patch patch(process, maps, found);
    if (auto done = patch.read(); !done) return std::unexpected(std::move(done.error()));
    for (const Code &code : patch.code()) {
      std::vector<SymbolSection> sections{{".text", code.range.begin, code.content, true}};
      if (auto frames = patch.framesOf(code)) sections.push_back(std::move(*frames));
      std::string memory = patch.memoryOf(code); // "$fix", "(originals)"
      std::erase_if(memory, [](char c) { return c == '$' || c == '(' || c == ')'; });
      std::string name = cat(found.record.sequence, "-", found.record.name, "-", memory);
      out.ofPayloads.push_back(
          {fileName(name) + ".elf", symbolElf(process.machine(), sections, patch.namesIn(code, 0))});
      bool taken = code.offset < kFirstSymbolOffset || code.offset > kLargestFile ||
                   std::ranges::any_of(all, [&](const SymbolSection &other) {
                     return code.offset < *other.offset + other.content.size() &&
                            *other.offset < code.offset + code.content.size();
                   });
      out.incomplete |= taken;
      if (taken) continue;
      all.push_back({".text", code.range.begin, code.content, true, code.offset});
      names.push_back(patch.namesIn(code, 0));
    }
  }
  std::vector<size_t> order(all.size());
  for (size_t i = 0; i < order.size(); i++)
    order[i] = i;
  std::ranges::sort(order, {}, [&](size_t i) { return *all[i].offset; });
  std::vector<SymbolSection> sections;
  std::vector<SymbolName> symbols;
  for (size_t i : order) {
    for (SymbolName &name : names[i])
      name.section = sections.size(), symbols.push_back(std::move(name));
    sections.push_back(std::move(all[i]));
  }
  if (!sections.empty()) out.ofAll = symbolElf(process.machine(), sections, symbols);
  return out;
}

} // namespace lpc::backend
