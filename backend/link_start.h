// Constructors and destructors of a payload: which of them do anything.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "backend/arch/arch.h"
#include "backend/link_segments.h"

namespace lpc::backend {

// A payload's memory for Arch::isIdle: its segments at a base of no meaning, relocated as far as that is known.
class StartMemory final : public CodeMemory {
public:
  // An address that no 32-bit value reaches and no stack of isIdle has, so that nothing is taken for something else.
  static constexpr uint64_t kBase = 0x1000'0000'0000;

  // What relocations make of `width` bytes at an offset of the image.
  struct Relocated {
    bool touched = false;            // some relocation writes there
    std::optional<uint64_t> value{}; // … exactly these bytes, a value that does not depend on the process
  };
  using Relocate = std::function<Relocated(uint64_t offset, unsigned width)>;

  StartMemory(const SegmentMap &map, bool codeIsRelocated, Relocate relocate)
      : map_(map), codeIsRelocated_(codeIsRelocated), relocate_(std::move(relocate)) {}

  [[nodiscard]] BytesView code(uint64_t address) const override;
  [[nodiscard]] std::optional<uint64_t> load(uint64_t address, unsigned width) const override;
  [[nodiscard]] bool isWritable(uint64_t address, unsigned width) const override;

private:
  const SegmentMap &map_;
  bool codeIsRelocated_;
  Relocate relocate_;
};

// Undefined weak symbols by which start files find out whether somebody wants to be told of the object: profiling,
// transactional memory, Java classes, and the run-time's exit handlers. Taken as absent when constructors are judged.
bool isStartHook(std::string_view name);

// A function that the payload wants to be called: its offset in the image, nothing where that depends on the process;
// and where it is from: the function itself, or a slot of a table.
struct WantedFunction {
  std::optional<uint64_t> function;
  uint64_t offset = 0;
  bool isPointer = false;
};
// Those of `functions` that do anything, in their order. Nothing where there are more than a payload may have (4096
// different ones).
std::optional<std::vector<WantedFunction>> thatMustRun(const Arch &arch, const CodeMemory &memory,
                                                       const std::vector<WantedFunction> &functions,
                                                       AllowedEffects allowed);

} // namespace lpc::backend
