// Paths below another root. Internal to frontend/target.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lpc::target {

// "/usr/bin" of "/usr/bin/git"; "/" of "/git"; "" of "git".
std::string folderOf(std::string_view path);
std::string fileNameOf(std::string_view path);

// What opens the existing file that a process with that root knows as `path`: symbolic links are followed as below
// `root`, where the kernel would follow an absolute one from our own root. With "" as root the path itself. Nothing
// where there is no file.
std::optional<std::string> openable(const std::string &root, const std::string &path);

// The path without symbolic links, as that process sees it (so without `root`).
std::optional<std::string> canonical(const std::string &root, const std::string &path);

} // namespace lpc::target
