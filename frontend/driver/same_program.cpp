// Comparing the file that was given with the file that is mapped. The mapped one is opened through the kernel's link to
// it (Module::openPath), never through its path: a package upgrade replaces the file under a running process.
#include "frontend/driver/same_program.h"

#include <algorithm>
#include <array>

#include "ir/support/cat.h"

namespace lpc::driver {
namespace {

// Stripping removes sections and keeps the segments: the code must be the same at the same addresses.
bool sameCode(const target::ElfFile &given, const target::ElfFile &running) {
  bool compared = false;
  for (const target::Segment &segment : given.segments()) {
    if (!segment.executable) continue;
    auto here = given.bytesAt(segment.address, segment.fileSize);
    if (!here || here != running.bytesAt(segment.address, segment.fileSize)) return false;
    compared = true;
  }
  return compared;
}

std::string buildText(const Bytes &buildId) {
  return buildId.empty() ? "no build-id"
                         : cat("build-id ", toHex(buildId).substr(0, 16), buildId.size() > 8 ? "…" : "");
}

// Rows of words as lines of columns.
std::vector<std::string> table(const std::vector<std::array<std::string, 4>> &rows) {
  std::array<size_t, 4> widths{};
  for (const auto &row : rows)
    for (size_t i = 0; i < row.size(); ++i)
      widths.at(i) = std::max(widths.at(i), row.at(i).size());
  std::vector<std::string> lines;
  for (const auto &row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      line += row.at(i);
      if (i + 1 < row.size()) line += std::string(widths.at(i) - row.at(i).size() + 2, ' ');
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

std::unexpected<Error> mismatch(const std::string &patch, const target::ElfFile &given, const LiveProcess &live,
                                const runtime::Module &running, std::string message) {
  std::string pid = std::to_string(live.process.pid());
  constexpr std::string_view kDeleted = " (deleted)";
  std::string path = running.isProgram ? live.process.executable() : running.path;
  bool replaced = path.ends_with(kDeleted);
  if (replaced) path.resize(path.size() - kDeleted.size());
  Note builds{.message = "",
              .place = {},
              .lines = table({{"patch", patch, given.name(), buildText(given.buildId())},
                              {"process", pid, path, buildText(running.buildId)}})};
  if (replaced) builds.lines.back() += " (file replaced since it started)";
  if (given.buildId().empty() || running.buildId.empty())
    builds.lines.emplace_back("without a build-id on both sides their code was compared, and differs");
  std::string file = running.isProgram ? cat("/proc/", pid, "/exe") : running.openPath;
  return std::unexpected(Error{.id = DiagnosticId::BuildIdMismatch,
                               .message = std::move(message),
                               .notes = {std::move(builds)},
                               .help = patch == "-"
                                           ? cat("what runs is ", file)
                                           : cat("check it against what runs: lpc check --target ", file, " ", patch),
                               .place = {}});
}

Result<bool> isThisOne(const target::ElfFile &given, const runtime::Module &running) {
  if (!given.buildId().empty() && !running.buildId.empty()) return given.buildId() == running.buildId;
  auto file = target::ElfFile::open(running.openPath, running.path);
  if (!file) return std::unexpected(std::move(file.error()));
  return sameCode(given, **file);
}

std::string fileName(const std::string &path) { return path.substr(path.rfind('/') + 1); }

} // namespace

Result<size_t> moduleOfTarget(const std::string &patch, const target::ElfFile &given, const LiveProcess &live) {
  const std::vector<runtime::Module> &modules = live.snapshot.modules;
  if (!given.buildId().empty())
    for (size_t i = 0; i < modules.size(); i++)
      if (modules[i].buildId == given.buildId()) return i;
  pid_t pid = live.process.pid();
  if (!given.soname().empty()) { // a library
    for (size_t i = 1; i < modules.size(); i++) {
      if (modules[i].soname != given.soname() && fileName(modules[i].path) != given.soname()) continue;
      auto same = isThisOne(given, modules[i]);
      if (!same) return std::unexpected(std::move(same.error()));
      if (*same) return i;
      return mismatch(
          patch, given, live, modules[i],
          cat("process ", pid, " has loaded another build of `", given.soname(), "` than the one this patch is for"));
    }
  }
  auto same = isThisOne(given, modules.front());
  if (!same) return std::unexpected(std::move(same.error()));
  if (*same) return size_t{0};
  return mismatch(patch, given, live, modules.front(),
                  cat("process ", pid, " does not run the program that this patch is for"));
}

} // namespace lpc::driver
