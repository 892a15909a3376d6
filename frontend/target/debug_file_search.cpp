// Separate debug files, found where gdb finds them (its manual, "Separate Debug Files"). By build-id, the name says it
// all. By .gnu_debuglink, the CRC32 of the whole file decides; it costs a pass over what may be a gigabyte, so equal
// build-ids settle it before.
#include <llvm/ADT/ArrayRef.h>
#include <llvm/Support/CRC.h>

#include <sys/stat.h>

#include <algorithm>

#include "frontend/target/file_contents.h"
#include "frontend/target/library_search.h"
#include "frontend/target/paths.h"
#include "ir/support/cat.h"

namespace lpc::target {
namespace {

constexpr std::string_view kDebugFolder = "/usr/lib/debug";

// ISO 3309, as in zlib; piece by piece, so that the file is never in memory as a whole.
uint32_t crcOf(const FileContents &contents) {
  BytesView bytes = contents.view();
  uint32_t crc = 0;
  for (size_t at = 0; at < bytes.size(); at += FileContents::kPiece) {
    BytesView piece = bytes.subspan(at, std::min(bytes.size() - at, FileContents::kPiece));
    crc = llvm::crc32(crc, llvm::ArrayRef<uint8_t>(piece.data(), piece.size()));
    contents.passed(bytes, at + piece.size());
  }
  return crc;
}

bool isSameFile(const std::string &a, const std::string &b) {
  struct stat first{}, second{};
  return stat(a.c_str(), &first) == 0 && stat(b.c_str(), &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

enum class Verdict : uint8_t { Ours, Another, Unusable };

Verdict judge(const ElfFile &file, const std::string &path, uint32_t crc) {
  auto candidate = ElfFile::open(path, path);
  if (!candidate) return Verdict::Unusable;
  if (!file.buildId().empty() && !(*candidate)->buildId().empty())
    return file.buildId() == (*candidate)->buildId() ? Verdict::Ours : Verdict::Another;
  auto contents = FileContents::map(path, path);
  if (!contents) return Verdict::Unusable;
  return crcOf(*contents) == crc ? Verdict::Ours : Verdict::Another;
}

} // namespace

std::optional<std::string> findDebugFile(const ElfFile &file, const std::string &filePath, const std::string &root,
                                         std::vector<std::string> *others) {
  if (file.buildId().size() >= 2) {
    std::string id = toHex(file.buildId());
    if (auto path = openable(root, cat(kDebugFolder, "/.build-id/", id.substr(0, 2), "/", id.substr(2), ".debug")))
      return path;
  }
  auto link = file.debugLink();
  if (!link || link->first.find('/') != std::string::npos) return std::nullopt;
  // Where the file is said to be, and where it is: /lib may be a link to /usr/lib, and debug packages know one of them.
  std::vector<std::string> folders{folderOf(filePath)};
  if (auto real = canonical(root, filePath); real && folderOf(*real) != folders[0]) folders.push_back(folderOf(*real));
  std::vector<std::string> candidates;
  for (const std::string &folder : folders) {
    std::string beside = folder.empty() ? "." : folder;
    candidates.push_back(cat(beside, "/", link->first));
    candidates.push_back(cat(beside, "/.debug/", link->first));
    if (folder.starts_with('/')) candidates.push_back(cat(kDebugFolder, folder, "/", link->first));
  }
  std::vector<std::string> seen{root + filePath}; // one file by two names is one candidate
  for (const std::string &candidate : candidates) {
    auto path = openable(root, candidate);
    if (!path || std::ranges::any_of(seen, [&](const std::string &other) { return isSameFile(*path, other); }))
      continue;
    seen.push_back(*path);
    Verdict verdict = judge(file, *path, link->second);
    if (verdict == Verdict::Ours) return path;
    if (verdict == Verdict::Another && others) others->push_back(*path);
  }
  return std::nullopt;
}

} // namespace lpc::target
