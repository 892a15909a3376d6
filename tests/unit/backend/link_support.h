// Payloads for the linker's tests: compiled when the test runs, and loaded into the test's own memory.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "backend/link.h"

namespace lpc::backend::test {

// Compiles C with gcc into a shared object and gives its bytes; fails the test with the compiler's words.
Bytes compile(const std::string &source, const std::vector<std::string> &flags = {});

// The same for a relocatable object, with the compiler that is named; nothing is added to the flags but -c. Empty where
// that compiler is not installed.
Bytes compileObject(const std::string &compiler, const std::string &source, const std::vector<std::string> &flags);

struct SegmentFields {
  uint32_t flags;
  uint64_t offset, address, fileSize, memorySize, alignment;
};

// Changes a file in place. Each gives whether it found what to change.
bool setMachine(Bytes &file, uint16_t machine);
bool changeSegment(Bytes &file, uint32_t type, const std::function<void(SegmentFields &)> &change);
bool changeTag(Bytes &file, int64_t tag, int64_t newTag, uint64_t value);
// The first relocation of `type` becomes one of `newType`.
bool changeRelocation(Bytes &file, uint32_t type, uint32_t newType);

inline Result<PayloadImage> read(BytesView file) { return PayloadImage::read(file, "patch.so", Machine::X86_64); }

// A payload in this process's memory, with the protections that it asks for. Undefined symbols are those of this
// process (dlsym), or of `given`.
class Loaded {
public:
  // Near: below 2 GiB, as this program itself is.
  enum class Where : uint8_t { Anywhere, Near };
  explicit Loaded(const PayloadImage &image, const std::map<std::string, uint64_t> &given = {},
                  Where where = Where::Anywhere);
  Loaded(const Loaded &) = delete;
  Loaded &operator=(const Loaded &) = delete;
  ~Loaded();

  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] uint64_t base() const { return base_; }
  template <class T> T *at(const std::string &name) const {
    const PayloadSymbol *symbol = image_.find(name);
    EXPECT_NE(symbol, nullptr) << name;
    return symbol == nullptr ? nullptr : reinterpret_cast<T *>(base_ + symbol->offset);
  }
  // PROT_* of the page with a symbol.
  [[nodiscard]] int protectionOf(const std::string &name) const;

private:
  const PayloadImage &image_;
  void *mapping_ = nullptr;
  uint64_t mappingSize_ = 0, base_ = 0;
  bool good_ = false;
};

} // namespace lpc::backend::test
