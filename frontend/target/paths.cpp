#include "frontend/target/paths.h"

#include <climits>
#include <deque>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

namespace lpc::target {
namespace {

constexpr unsigned kMostLinks = 40; // as the kernel (path_resolution(7))

void prepend(std::deque<std::string> &parts, std::string_view path) {
  std::deque<std::string> added;
  while (!path.empty()) {
    size_t end = std::min(path.find('/'), path.size());
    if (end > 0 && path.substr(0, end) != ".") added.emplace_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  parts.insert(parts.begin(), added.begin(), added.end());
}

std::optional<std::string> linkTarget(const std::string &path) {
  std::string target(PATH_MAX, '\0');
  ssize_t size = readlink(path.c_str(), target.data(), target.size());
  if (size < 0) return std::nullopt;
  target.resize(static_cast<size_t>(size));
  return target;
}

bool exists(const std::string &path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0;
}

} // namespace

std::string folderOf(std::string_view path) {
  size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return {};
  return std::string(path.substr(0, slash == 0 ? 1 : slash));
}

std::string fileNameOf(std::string_view path) { return std::string(path.substr(path.rfind('/') + 1)); }

std::optional<std::string> canonical(const std::string &root, const std::string &path) {
  if (root.empty()) {
    std::unique_ptr<char, decltype(&std::free)> real(realpath(path.c_str(), nullptr), &std::free);
    return real ? std::optional<std::string>(real.get()) : std::nullopt;
  }
  std::deque<std::string> parts;
  prepend(parts, path);
  std::string done;
  unsigned links = 0;
  while (!parts.empty()) {
    std::string part = std::move(parts.front());
    parts.pop_front();
    if (part == "..") {
      done = done.substr(0, std::min(done.rfind('/'), done.size())); // at the root: stays there
      continue;
    }
    std::string next = done + "/" + part;
    auto target = linkTarget(root + next);
    if (!target) {
      done = std::move(next);
      continue;
    }
    if (++links > kMostLinks) return std::nullopt;
    if (target->starts_with('/')) done.clear();
    prepend(parts, *target);
  }
  return exists(root + done) ? std::optional(done.empty() ? "/" : done) : std::nullopt;
}

std::optional<std::string> openable(const std::string &root, const std::string &path) {
  if (root.empty()) return exists(path) ? std::optional(path) : std::nullopt;
  auto inside = canonical(root, path);
  return inside ? std::optional(root + *inside) : std::nullopt;
}

} // namespace lpc::target
