// Makes a PayloadImage of a file: the steps of PayloadImage::read.
#pragma once

#include <map>

#include "backend/arch/arch.h"
#include "backend/link.h"
#include "backend/link_start.h"
#include "backend/link_symbols.h"

namespace lpc::backend {

// In PayloadImage::byName_: several locals bear the name.
constexpr size_t kAmbiguous = SIZE_MAX;

class PayloadReader {
public:
  PayloadReader(PayloadFile file, Machine machine) : file_(std::move(file)), arch_(Arch::of(machine)) {
    image_.name_ = file_.name();
    image_.machine_ = machine;
  }

  Result<PayloadImage> read();

private:
  Result<void> readSegments();
  Result<void> readDynamic();
  Result<void> readRelocations();
  Result<void> refuseThreadLocal();
  Result<void> exportSymbols();
  Result<void> useSymbols();
  Result<void> checkRelocations();
  Result<void> readStartFunctions();
  Result<void> copyContent();
  Result<void> addIndirectFunctions();
  Result<void> addDescriptorFunction();
  Result<void> addCode(Bytes code, uint64_t dataSize);

  Result<void> addRelocations(BytesView table);
  Result<uint64_t> stubOf(std::optional<uint64_t> resolver);
  Result<void> addRelativeRelocations();
  Result<void> addRelativeRelocation(uint64_t linkAddress);
  Result<void> checkRelocation(const PayloadImage::Relocation &relocation);
  [[nodiscard]] bool yields(const ElfSymbol &symbol) const;
  Result<void> useUndefined(const ElfSymbol &symbol, uint64_t index);
  Result<void> exportSymbol(const ElfSymbol &symbol, bool exported);
  [[nodiscard]] StartMemory::Relocated relocated(uint64_t offset, unsigned width) const;
  Result<void> addStartFunction(std::optional<uint64_t> linkAddress, std::vector<WantedFunction> &functions) const;
  Result<void> addStartFunctions(const DynamicTable &table, const CodeMemory &memory,
                                 std::vector<WantedFunction> &functions) const;
  [[nodiscard]] PayloadImage::StartFunction startFunction(const WantedFunction &wanted) const;
  void findExitHandle();

  PayloadFile file_;
  const Arch &arch_;
  SegmentMap map_;
  DynamicSection dynamic_;
  std::vector<ElfSymbol> symbols_;       // of the dynamic table
  std::vector<ElfSymbol> localSymbols_;  // of .symtab, globals too
  uint64_t usedSymbols_ = 0;             // one more than the highest that a relocation refers to
  std::map<uint64_t, size_t> resolvers_; // index into image_.indirect, by offset
  PayloadImage image_;
};

} // namespace lpc::backend
