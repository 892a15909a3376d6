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

std::unexpected<Error> mismatch(const std::string &patch, const target::ElfFile &given, const LiveProcess &live) {
  const runtime::Module &program = live.snapshot.modules.front();
  std::string pid = std::to_string(live.process.pid());
  constexpr std::string_view kDeleted = " (deleted)";
  std::string path = live.process.executable();
  bool replaced = path.ends_with(kDeleted);
  if (replaced) path.resize(path.size() - kDeleted.size());
  Note builds{.message = "",
              .place = {},
              .lines = table({{"patch", patch, given.name(), buildText(given.buildId())},
                              {"process", pid, path, buildText(program.buildId)}})};
  if (replaced) builds.lines.back() += " (file replaced since it started)";
  if (given.buildId().empty() || program.buildId.empty())
    builds.lines.emplace_back("without a build-id on both sides their code was compared, and differs");
  return std::unexpected(
      Error{.id = DiagnosticId::BuildIdMismatch,
            .message = cat("process ", pid, " does not run the program that this patch is for"),
            .notes = {std::move(builds)},
            .help = patch == "-" ? cat("what runs is /proc/", pid, "/exe")
                                 : cat("check it against what runs: lpc check --target /proc/", pid, "/exe ", patch),
            .place = {}});
}

} // namespace

Result<void> sameProgram(const std::string &patch, target::Objects &objects, const LiveProcess &live) {
  auto given = objects.file(0);
  if (!given) return std::unexpected(std::move(given.error()));
  const runtime::Module &program = live.snapshot.modules.front();
  if (!(*given)->buildId().empty() && !program.buildId.empty()) {
    if ((*given)->buildId() == program.buildId) return {};
    return mismatch(patch, **given, live);
  }
  auto running = target::ElfFile::open(program.openPath, program.path);
  if (!running) return std::unexpected(std::move(running.error()));
  if (!sameCode(**given, **running)) return mismatch(patch, **given, live);
  return {};
}

} // namespace lpc::driver
