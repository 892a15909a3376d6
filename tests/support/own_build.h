// A program that nobody else runs: `--all` finds processes by build-id, and other tests may run the same program.
#pragma once

#include <elf.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>
#include <string>

namespace lpc::test {

// Copies an ELF program and gives the copy a build-id of its own.
inline void copyAsOwnBuild(const std::string &from, const std::string &to) {
  std::ifstream in(from, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  constexpr char kHead[] = {4, 0, 0, 0, 20, 0, 0, 0, NT_GNU_BUILD_ID, 0, 0, 0, 'G', 'N', 'U', 0};
  auto note = std::search(bytes.begin(), bytes.end(), std::begin(kHead), std::end(kHead));
  if (note == bytes.end()) throw std::runtime_error(from + " has no build-id");
  std::random_device random;
  for (auto at = note + sizeof kHead; at != note + sizeof kHead + 20; ++at)
    *at = static_cast<char>(random());
  std::ofstream(to, std::ios::binary) << bytes;
  std::filesystem::permissions(to, std::filesystem::perms::owner_all | std::filesystem::perms::group_read |
                                       std::filesystem::perms::group_exec | std::filesystem::perms::others_read |
                                       std::filesystem::perms::others_exec);
}

} // namespace lpc::test
