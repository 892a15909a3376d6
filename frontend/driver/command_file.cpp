// execvp itself would do, but it executes: the file must be known before, to say what cannot be started patched.
#include "frontend/driver/command_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "frontend/driver/exit_status.h"
#include "frontend/driver/options.h"
#include "ir/support/cat.h"
#include "runtime/process.h"

namespace lpc::driver {
namespace {

// As execvp: a folder of PATH whose file may not be executed counts only where no other has one.
struct Found {
  std::string path;
  int errnum = ENOENT;
};

Found lookIn(const std::string &path) {
  struct stat file{};
  if (stat(path.c_str(), &file) != 0) return {path, errno};
  if (!S_ISREG(file.st_mode)) return {path, EACCES};
  return {path, faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0 ? 0 : errno};
}

Found look(const std::string &name) {
  if (name.contains('/')) return lookIn(name);
  const char *folders = std::getenv("PATH");
  Found best{name, ENOENT};
  if (name.empty()) return best;
  for (std::string_view folder : split(folders != nullptr ? folders : "/bin:/usr/bin", ':')) {
    Found found = lookIn(folder.empty() ? name : cat(folder, "/", name));
    if (found.errnum == 0) return found;
    if (found.errnum == EACCES) best = found;
  }
  return best;
}

std::string interpreterOf(const std::string &path) {
  runtime::FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 256> begin{}; // as much as the kernel looks at
  ssize_t size = file.valid() ? read(file.get(), begin.data(), begin.size()) : -1;
  std::string_view text(begin.data(), size > 0 ? static_cast<size_t>(size) : 0);
  if (!text.starts_with("#!")) return {};
  text = text.substr(0, text.find('\n'));
  size_t first = text.find_first_not_of(" \t", 2);
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_first_of(" \t", first) - first));
}

// Would executing it give us another user, group, or capabilities? Root gets them also when it is traced by root.
bool givesPrivilege(const std::string &path) {
  struct stat file{};
  if (geteuid() == 0 || stat(path.c_str(), &file) != 0) return false;
  bool setsUser = (file.st_mode & S_ISUID) && file.st_uid != geteuid();
  bool setsGroup = (file.st_mode & S_ISGID) && (file.st_mode & S_IXGRP) && file.st_gid != getegid();
  return setsUser || setsGroup || getxattr(path.c_str(), "security.capability", nullptr, 0) > 0;
}

} // namespace

std::expected<CommandFile, NoCommand> findCommand(const std::string &name) {
  Found found = look(name);
  if (found.errnum != 0) return std::unexpected(notExecuted({found.path}, found.errnum));
  if (givesPrivilege(found.path))
    return std::unexpected(NoCommand{ProcessRefused,
                                     {.id = DiagnosticId::NotPermitted,
                                      .message = cat("`", found.path,
                                                     "` gets privileges when it is executed, and the kernel gives a "
                                                     "traced program none"),
                                      .help = "run lpc as root"}});
  return CommandFile{found.path, interpreterOf(found.path)};
}

NoCommand notExecuted(const CommandFile &file, int errnum) {
  bool missing = errnum == ENOENT || errnum == ENOTDIR;
  std::string help;
  if (missing && !file.interpreter.empty()) help = cat("it is a script for `", file.interpreter, "`");
  if (errnum == ENOEXEC) help = "a script begins with `#!` and the path of its interpreter";
  auto error = failErrno(DiagnosticId::CannotOpen, cat("`", file.path, "` cannot be executed"), errnum).error();
  error.help = std::move(help);
  return {missing ? CommandMissing : CommandNotExecutable, std::move(error)};
}

} // namespace lpc::driver
