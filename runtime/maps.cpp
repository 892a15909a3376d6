// The mappings of a process.
//
// Parsed by hand: a process may have tens of thousands, and this stands before every operation. The text is the
// kernel's, but the paths in it are the process's choice.
#include "runtime/maps.h"

#include <sys/sysmacros.h>

#include <algorithm>
#include <charconv>

#include "runtime/proc_text.h"

namespace lpc::runtime {
namespace {

// A line of text that is taken apart from the front.
class Line {
public:
  explicit Line(std::string_view text) : rest_(text) {}

  // A number and the one character behind it.
  bool number(uint64_t &into, int base, char end) {
    auto [next, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), into, base);
    if (error != std::errc{}) return false;
    rest_.remove_prefix(static_cast<size_t>(next - rest_.data()));
    return literal(end);
  }
  bool literal(char wanted) {
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool flag(char set, char clear, bool &into) {
    into = rest_.starts_with(set);
    return literal(into ? set : clear);
  }
  std::string_view rest() const { return rest_; }

private:
  std::string_view rest_;
};

// begin-end rwxp offset major:minor inode      path
std::optional<Mapping> parseLine(std::string_view text) {
  Line line(text);
  Mapping mapping;
  uint64_t major = 0, minor = 0;
  bool secret = false; // `p`, private
  bool ok = line.number(mapping.range.begin.value, 16, '-') && line.number(mapping.range.end.value, 16, ' ') &&
            line.flag('r', '-', mapping.readable) && line.flag('w', '-', mapping.writable) &&
            line.flag('x', '-', mapping.executable) && line.flag('p', 's', secret) && line.literal(' ') &&
            line.number(mapping.offset, 16, ' ') && line.number(major, 16, ':') && line.number(minor, 16, ' ') &&
            line.number(mapping.inode, 10, ' ');
  if (!ok || mapping.range.begin >= mapping.range.end) return std::nullopt;
  mapping.shared = !secret;
  mapping.device = makedev(static_cast<unsigned>(major), static_cast<unsigned>(minor));
  size_t path = line.rest().find_first_not_of(' ');
  if (path != std::string_view::npos) mapping.path = line.rest().substr(path);
  return mapping;
}

} // namespace

std::vector<Mapping> parseMaps(std::string_view text) {
  std::vector<Mapping> maps;
  maps.reserve(static_cast<size_t>(std::ranges::count(text, '\n')));
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    auto mapping = parseLine(line);
    // The kernel hands the text out a page at a time, and the process goes on mapping in between: a mapping that grew
    // meanwhile could come twice.
    if (mapping && (maps.empty() || maps.back().range.end <= mapping->range.begin)) maps.push_back(std::move(*mapping));
  }
  return maps;
}

Result<std::vector<Mapping>> readMaps(const Process &process) {
  auto text = readText(process.proc("maps"));
  if (text && !text->empty()) return parseMaps(*text);
  // Empty: the process has no memory any more.
  if (auto same = process.stillSame(); !same) return std::unexpected(same.error());
  if (text) return fail(DiagnosticId::ProcessGone, "process " + std::to_string(process.pid()) + " is ending");
  return failErrno(DiagnosticId::NotPermitted,
                   "the memory map of process " + std::to_string(process.pid()) + " cannot be read", text.error());
}

const Mapping *mappingAt(const std::vector<Mapping> &maps, RemoteAddress address) {
  auto after = std::ranges::upper_bound(maps, address, {}, [](const Mapping &m) { return m.range.begin; });
  if (after == maps.begin()) return nullptr;
  const Mapping &mapping = *std::prev(after);
  return mapping.range.contains(address) ? &mapping : nullptr;
}

} // namespace lpc::runtime
