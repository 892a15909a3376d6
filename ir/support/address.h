// Addresses have types, so that a number from a file never meets a number from a process by accident.
//
// RemoteAddress: in the memory of the process that is patched.  LinkAddress: as the linker of an ELF file
// gave it (st_value, p_vaddr); load bias + LinkAddress = RemoteAddress.  FileOffset: position in a file.
// None of them is ever turned into a pointer of our own.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>

namespace lpc {

template <class Tag> struct AddressOf {
  uint64_t value = 0;

  auto operator<=>(const AddressOf &) const = default;

  // The address `delta` bytes further (two's complement); nothing where it would leave the 64-bit space.
  [[nodiscard]] std::optional<AddressOf> plus(int64_t delta) const {
    uint64_t sum = value + static_cast<uint64_t>(delta);
    bool wrapped = delta >= 0 ? sum < value : sum > value;
    return wrapped ? std::nullopt : std::optional(AddressOf{sum});
  }

  // Unchecked displacement, for numbers that have already been proved to lie inside one mapping or section.
  friend AddressOf operator+(AddressOf a, uint64_t delta) { return {a.value + delta}; }
  friend AddressOf operator-(AddressOf a, uint64_t delta) { return {a.value - delta}; }
  friend uint64_t operator-(AddressOf a, AddressOf b) { return a.value - b.value; }
};

using RemoteAddress = AddressOf<struct RemoteTag>;
using LinkAddress = AddressOf<struct LinkTag>;
using FileOffset = AddressOf<struct FileTag>;

// "0x…" in lower case without leading zeros: the form of messages, JSON and the text IR.
std::string hexAddress(uint64_t value);
template <class Tag> std::string hexAddress(AddressOf<Tag> address) { return hexAddress(address.value); }

// What has to be added to the link addresses of an object to get those in the process (wraps for objects
// that are loaded below their link address; the wrap is the arithmetic of the ABI, "load bias").
struct LoadBias {
  uint64_t value = 0;
  auto operator<=>(const LoadBias &) const = default;
  [[nodiscard]] RemoteAddress of(LinkAddress a) const { return {a.value + value}; }
  [[nodiscard]] LinkAddress linkOf(RemoteAddress a) const { return {a.value - value}; }
};

// Half-open range [begin, end) of remote addresses.
struct RemoteRange {
  RemoteAddress begin, end;
  auto operator<=>(const RemoteRange &) const = default;
  [[nodiscard]] uint64_t size() const { return end - begin; }
  [[nodiscard]] bool contains(RemoteAddress a) const { return begin <= a && a < end; }
  [[nodiscard]] bool overlaps(const RemoteRange &o) const { return begin < o.end && o.begin < end; }
};

} // namespace lpc
