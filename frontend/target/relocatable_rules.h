// What a relocatable object's relocation types ask for, and the machine code that the linker adds: one implementation
// file a machine. Internal to frontend/target.
#pragma once

#include <cstdint>
#include <string_view>

#include "ir/support/bytes.h"

namespace lpc::target {

// S: the symbol, A: the addend, P: the place, G: its entry in the table of addresses (GOT), L: its stub (PLT), Z: its
// size.
struct StaticRule {
  enum class Form : uint8_t {
    Unknown,
    Nothing,
    Address,           // S+A
    FromPlace,         // S+A-P
    Branch,            // L+A-P, or S+A-P where S is near for certain
    EntryFromPlace,    // G+A-P
    EntryFromTable,    // G-GOT+A
    FromTable,         // S+A-GOT
    TableFromPlace,    // GOT+A-P
    BranchFromTable,   // L+A-GOT
    Size,              // Z+A
    ThreadOffset,      // of S from the thread pointer, +A
    ThreadOffsetEntry, // G+A-P, the entry holds that offset
    ModuleOffset,      // of S in its object's thread-local storage, +A
    ModulePairEntry,   // G+A-P, two entries: module and offset
    ModuleEntry,       // G+A-P, two entries: module and 0
    DescriptorEntry,   // G+A-P, two entries: TLS descriptor
  };
  enum class Range : uint8_t { Whole, Signed, Unsigned, Either }; // what must fit `width` bytes
  Form form = Form::Unknown;
  uint8_t width = 0; // bytes stored
  Range range = Range::Whole;
  std::string_view name{}; // "R_X86_64_PC32"
};

struct StaticMachine {
  const StaticRule &(*rule)(uint32_t type); // Form::Unknown where there is none
  // Types of dynamic relocations. A rule that is left to the process keeps its own type where it has no other.
  uint32_t absolute, relative, tableAddress, fromPlace, module, moduleOffset, threadOffset, descriptor, resolved;
  uint64_t stubSize; // of one entry of the PLT
  // Jumps to the address that stands at `entry`; `at` is the stub's own address, at most 2 GiB away.
  void (*writeStub)(std::span<uint8_t> stub, uint64_t at, uint64_t entry);
  // The relocated place at `offset` of `code` is the displacement of a call or jump.
  bool (*isBranch)(BytesView code, uint64_t offset);
  // Makes the instruction that takes an address (`lea`) one that reads it from the table, and gives true; else false
  // with nothing changed.
  bool (*readsAddress)(BytesView code, uint64_t offset);
  void (*makeItRead)(std::span<uint8_t> code, uint64_t offset);
};

const StaticMachine &staticRulesX86();

} // namespace lpc::target
