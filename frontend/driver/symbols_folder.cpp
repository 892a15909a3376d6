// A script for gdb with a file for each payload, and for perf a file by the name that the kernel gives the memory of
// patches. `perf --symfs FOLDER` looks for all files below the folder, so there are links to the folders of the root
// that the process has mapped files of.
#include "frontend/driver/symbols_folder.h"

#include <cerrno>
#include <filesystem>
#include <set>

#include "backend/symbol_files.h"
#include "frontend/driver/output.h"
#include "frontend/pipeline.h"
#include "ir/support/cat.h"

namespace lpc::driver {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> cannotMake(const std::string &path, const std::error_code &why) {
  return failErrno(DiagnosticId::CannotOpen, cat("cannot make `", path, "`"), why.value());
}

// "/usr/lib/x.so" is of "usr".
std::set<std::string> rootFolders(const std::vector<runtime::Mapping> &maps) {
  std::set<std::string> names;
  for (const runtime::Mapping &mapping : maps) {
    const std::string &path = mapping.path;
    size_t end = path.starts_with('/') ? path.find('/', 1) : std::string::npos;
    if (end != std::string::npos && end > 1) names.insert(path.substr(1, end - 1));
  }
  return names;
}

} // namespace

Result<SymbolsFolder> writeSymbols(pid_t pid, const std::string &folder) {
  auto live = LiveProcess::open(pid);
  if (!live) return std::unexpected(std::move(live.error()));
  auto patches = backend::readRegistry(live->process, live->snapshot.maps);
  if (!patches) return std::unexpected(std::move(patches.error()));
  auto made = backend::symbolFiles(live->process, live->snapshot.maps, *patches);
  if (!made) return std::unexpected(std::move(made.error()));

  std::error_code why;
  fs::create_directories(folder, why);
  if (why) return cannotMake(folder, why);
  SymbolsFolder out{.forProfilers = !made->ofAll.empty(), .incomplete = made->incomplete};
  auto write = [&](const std::string &name, BytesView bytes) {
    out.files.push_back(cat(folder, "/", name));
    return writeFile(out.files.back(), bytes);
  };
  std::string script;
  for (const auto &file : made->ofPayloads) {
    if (auto done = write(file.name, file.bytes); !done) return std::unexpected(std::move(done.error()));
    script += cat("add-symbol-file \"", fs::absolute(out.files.back(), why).string(), "\"\n");
  }
  if (auto done = write("gdb", asBytes(script)); !done) return std::unexpected(std::move(done.error()));
  if (!out.forProfilers) return out;
  if (auto done = write(backend::kMappedName, made->ofAll); !done) return std::unexpected(std::move(done.error()));
  for (const std::string &name : rootFolders(live->snapshot.maps)) {
    const std::string link = cat(folder, "/", name);
    fs::create_symlink("/" + name, link, why);
    if (why && why.value() != EEXIST) return cannotMake(link, why);
  }
  return out;
}

} // namespace lpc::driver
