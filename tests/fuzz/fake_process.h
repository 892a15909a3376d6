// What a payload is bound to in place of a process: by its name, and always the same, a symbol is near, far, of the
// patch's own kind of nowhere, thread-local in one way or another, or not there.
#pragma once

#include "backend/link.h"
#include <algorithm>

namespace lpc::test {

constexpr uint64_t kPayloadBase = 0x5555'0000'0000; // a multiple of every alignment that is accepted

inline uint64_t numberOf(const std::string &name) {
  uint64_t number = 14695981039346656037U; // FNV-1a
  for (char c : name)
    number = (number ^ static_cast<uint8_t>(c)) * 1099511628211U;
  return number >> 32;
}

inline Result<RemoteAddress> fakeAddress(const backend::UndefinedSymbol &symbol) {
  const uint64_t number = numberOf(symbol.versionedName());
  if (symbol.weak && number % 2 == 0) return RemoteAddress{0};
  switch (number % 8) {
  case 1: return RemoteAddress{0x7fff'f7c0'0000 + number % 0x10'0000}; // a library
  case 3: return RemoteAddress{0x40'1000 + number % 0x1000};           // a program that is not PIE
  case 5: return RemoteAddress{UINT64_MAX - number % 16};
  case 7: return fail(DiagnosticId::UndefinedPayloadSymbol, "nobody defines it");
  default: return RemoteAddress{kPayloadBase + 0x1000'0000 + number % 0x1000}; // the program
  }
}

inline Result<backend::ThreadLocalPlace> fakeThreadLocal(const backend::UndefinedSymbol &symbol) {
  const uint64_t number = numberOf(symbol.versionedName());
  switch (number % 4) {
  case 0: return fail(DiagnosticId::ThreadLocalSymbol, "where it is kept is not known");
  case 1: return backend::ThreadLocalPlace{2, number % 256, {}}; // of a library that was loaded later
  default: return backend::ThreadLocalPlace{1, 8, -8};
  }
}

// What read() promises of an image, and place() of what it makes.
inline void checkImage(const backend::PayloadImage &image) {
  constexpr uint64_t kContentLimit = 64 << 20; // more than that is slow, not wrong
  LPC_CHECK(image.size <= uint64_t{1} << 30 && kPayloadBase % image.alignment == 0);
  constexpr int kWrite = 2, kExecute = 4; // PROT_*
  uint64_t end = 0;
  for (const backend::PayloadSegment &segment : image.segments) {
    LPC_CHECK(segment.offset >= end && segment.size != 0 && segment.size <= image.size - segment.offset);
    LPC_CHECK((segment.protection & kWrite) == 0 || (segment.protection & kExecute) == 0);
    end = segment.offset + segment.size;
  }
  for (const backend::PayloadSymbol &symbol : image.exported) {
    LPC_CHECK(symbol.offset <= image.size);
    (void)image.find(symbol.name);
  }
  for (const backend::UndefinedSymbol &symbol : image.undefined)
    LPC_CHECK(!symbol.own || *symbol.own <= image.size);
  for (const auto *functions : {&image.constructors, &image.destructors})
    for (const auto &function : *functions)
      LPC_CHECK(function.offset < image.size);
  auto isIn = [&](uint64_t offset, uint64_t size, int protection) {
    return std::ranges::any_of(image.segments, [&](const backend::PayloadSegment &segment) {
      return offset >= segment.offset && offset - segment.offset < segment.size &&
             size <= segment.size - (offset - segment.offset) && (segment.protection & protection) != 0;
    });
  };
  for (const auto &function : image.indirect)
    LPC_CHECK(isIn(function.resolver, 1, kExecute) && isIn(function.slot, 8, kWrite));
  if (image.unwindTable)
    LPC_CHECK(image.unwindTable->offset <= image.size &&
              image.unwindTable->size <= image.size - image.unwindTable->offset);
  if (image.size > kContentLimit) return;
  auto content = image.place({kPayloadBase}, fakeAddress, fakeThreadLocal);
  LPC_CHECK(!content || content->size() <= image.size);
  LPC_CHECK(content || !content.error().message.empty());
}

} // namespace lpc::test
