// The files that CMake makes for these tests (CMakeLists.txt), and what the tests share.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "frontend/target/elf_file.h"
#include "tests/support/child.h"

namespace lpc::test {

inline std::string madeFile(const std::string &name) { return std::string(LPC_TARGET_FILES "/") + name; }

// The program that runs these tests: it has many symbols.
inline std::string ownProgram() { return std::filesystem::read_symlink("/proc/self/exe").string(); }

inline Bytes readAll(const std::string &path) {
  std::ifstream stream(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(stream), {});
}

inline void writeAll(const std::string &path, BytesView bytes) {
  std::ofstream stream(path, std::ios::binary | std::ios::trunc);
  stream.write(reinterpret_cast<const char *>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

using ElfPointer = std::shared_ptr<const target::ElfFile>;

// Fails the test and returns null where the file cannot be opened.
inline ElfPointer openElf(const std::string &path) {
  auto file = target::ElfFile::open(path, path);
  EXPECT_TRUE(file) << (file ? "" : file.error().message);
  return file ? *file : nullptr;
}
inline ElfPointer openMade(const std::string &name) { return openElf(madeFile(name)); }

// The one symbol of that name.
inline target::Symbol only(const target::ElfFile &file, const std::string &name) {
  auto found = file.find({name})[0];
  EXPECT_EQ(found.size(), 1U) << name << " in " << file.name();
  return found.empty() ? target::Symbol{} : found[0];
}

// A file that was made by strip with its section headers taken away, too (no tool of Debian 12's binutils does that).
inline Bytes withoutSectionHeaders(Bytes bytes) {
  auto zero = [&](size_t offset, size_t size) {
    std::ranges::fill(std::span(bytes).subspan(offset, size), uint8_t{0});
  };
  zero(40, 8); // e_shoff of a 64-bit file
  zero(60, 4); // e_shnum, e_shstrndx
  return bytes;
}

// What readelf says of a symbol.
struct ReadelfSymbol {
  uint64_t address = 0, size = 0;
  std::string type, binding, section, name, version;
  bool isDefault = true, dynamic = false;
};
std::vector<ReadelfSymbol> readelfSymbols(const std::string &path);

} // namespace lpc::test
