// Calls all of ElfFile, for files that may say anything: shared by the hostile tests and the fuzzer. What it returns is
// held against what the file's own size allows.
#pragma once

#include <string>
#include <vector>

#include "frontend/target/elf_file.h"
#include "ir/support/result.h"

namespace lpc::test {

inline void exercise(const target::ElfFile &file) {
  using namespace lpc::target;
  LPC_CHECK(file.contents().size() > 0);
  LPC_CHECK(file.needed().size() < file.contents().size());
  for (const Segment &segment : file.segments()) {
    LPC_CHECK(segment.fileSize <= segment.memorySize && segment.fileSize <= file.contents().size());
    LPC_CHECK(segment.address.value + segment.memorySize >= segment.address.value);
    for (uint64_t offset : {uint64_t{0}, segment.fileSize / 2, segment.fileSize, segment.memorySize - 1}) {
      auto bytes = file.bytesAt(segment.address + offset, 16);
      LPC_CHECK(!bytes || bytes->size() == 16);
      (void)file.isRelocated(segment.address + offset, 8);
      (void)file.segmentAt(segment.address + offset);
      (void)file.sectionAt(segment.address + offset);
    }
  }
  for (const Section &section : file.sections()) {
    (void)file.symbolAt(section.address);
    (void)file.nextSymbol(section.address);
  }
  std::vector<std::string> names = file.symbolNames(64);
  for (const char *name : {"main", "memcpy@GLIBC_2.14", "http::Server::accept(int) const",
                           "operator new(unsigned long)", "std::string::append", "helper", "x"})
    names.emplace_back(name);
  auto found = file.find(names);
  LPC_CHECK(found.size() == names.size());
  for (const std::vector<Symbol> &symbols : found)
    for (size_t i = 0; i < symbols.size() && i < 4; i++) {
      auto there = file.symbolAt(symbols[i].address);
      LPC_CHECK(!there || there->address <= symbols[i].address);
      LPC_CHECK(file.nextSymbol(symbols[i].address) >= symbols[i].address);
      (void)file.isRelocated(symbols[i].address, symbols[i].size);
    }
  for (uint64_t address : {uint64_t{0}, uint64_t{0x1000}, uint64_t{0x401004}, UINT64_MAX}) {
    (void)file.symbolAt({address});
    (void)file.nextSymbol({address});
    (void)file.bytesAt({address}, UINT64_MAX);
    (void)file.isRelocated({address}, UINT64_MAX);
  }
  (void)file.undefinedSymbols();
  (void)file.debugLink();
}

} // namespace lpc::test
