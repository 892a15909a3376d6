// Files are replaced, not overwritten: a reader sees the old one or the new one, and a full disk costs nothing.
#include "frontend/driver/output.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <fstream>

#include "ir/support/cat.h"

namespace lpc::driver {

Result<void> writeFile(const std::string &path, BytesView contents) {
  std::string fresh = path + ".lpc-new";
  struct stat old{};
  bool replaces = stat(path.c_str(), &old) == 0;
  std::ofstream file(fresh, std::ios::binary);
  file.write(reinterpret_cast<const char *>(contents.data()), static_cast<std::streamsize>(contents.size()));
  file.close();
  if (file && (!replaces || chmod(fresh.c_str(), old.st_mode & 07777) == 0) && rename(fresh.c_str(), path.c_str()) == 0)
    return {};
  auto error = failErrno(DiagnosticId::CannotOpen, cat("cannot write `", path, "`"), errno);
  std::remove(fresh.c_str());
  return error;
}

} // namespace lpc::driver
