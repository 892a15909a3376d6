// Reading and parsing small files of /proc.
//
// Plain system calls in place of streams: a stream costs several times as much, and thousands of these files are
// read when a process has thousands of threads.
#include "runtime/proc_text.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>

#include "runtime/process.h"

namespace lpc::runtime {
namespace {

std::string_view trimmed(std::string_view text) {
  size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

template <class Number> bool toNumber(std::string_view text, Number &into, int base = 10) {
  return std::from_chars(text.data(), text.data() + text.size(), into, base).ec == std::errc{};
}

} // namespace

std::expected<std::string, int> readText(const std::string &path) {
  FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return std::unexpected(errno);
  std::string text;
  std::array<char, 4096> chunk{};
  for (;;) {
    ssize_t count = read(file.get(), chunk.data(), chunk.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::unexpected(errno);
    if (count == 0) return text;
    text.append(chunk.data(), static_cast<size_t>(count));
  }
}

std::optional<ThreadStat> parseStat(std::string_view text) {
  // The second field is the name in brackets, which may itself hold brackets and blanks: the last one ends it.
  size_t bracket = text.rfind(')');
  if (bracket == std::string_view::npos) return std::nullopt;
  std::string_view rest = text.substr(bracket + 1);
  ThreadStat stat;
  constexpr int kLastNeeded = 22;
  for (int field = 3; field <= 40; field++) {
    size_t begin = rest.find_first_not_of(" \n");
    if (begin == std::string_view::npos) return field > kLastNeeded ? std::optional(stat) : std::nullopt;
    rest.remove_prefix(begin);
    std::string_view word = rest.substr(0, rest.find_first_of(" \n"));
    rest.remove_prefix(word.size());
    bool ok = !word.empty();
    if (field == 3 && ok) stat.state = word[0];
    if (field == 4) ok = toNumber(word, stat.parent);
    if (field == 9) ok = toNumber(word, stat.flags);
    if (field == 22) ok = toNumber(word, stat.startTime);
    if (field == 39) ok = toNumber(word, stat.processor);
    if (field == 40) ok = toNumber(word, stat.realtime);
    if (!ok) return std::nullopt;
  }
  return stat;
}

std::string_view statusField(std::string_view status, std::string_view name) {
  for (size_t begin = 0; begin < status.size();) {
    std::string_view line = status.substr(begin, status.find('\n', begin) - begin);
    begin += line.size() + 1;
    if (line.starts_with(name) && line.size() > name.size() && line[name.size()] == ':')
      return trimmed(line.substr(name.size() + 1));
  }
  return {};
}

std::optional<uint64_t> statusNumber(std::string_view status, std::string_view name, int base) {
  uint64_t number = 0;
  if (!toNumber(statusField(status, name), number, base)) return std::nullopt;
  return number;
}

} // namespace lpc::runtime
