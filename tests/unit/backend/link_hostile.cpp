// Files that are cut off or damaged: whatever the bytes, the linker answers, in bounds and in bounded memory.
// (Under AddressSanitizer in CI; tests/fuzz/backend_payload.cpp goes on from here.)
#include <gtest/gtest.h>

#include <array>
#include <random>

#include "link_support.h"

namespace lpc::backend {
namespace {

constexpr const char *kSource = R"(
  #include <string.h>
  extern int theirs(int);
  static int numbers[] = {1, 2, 3};
  int *pointers[] = {&numbers[0], &numbers[2]};
  const char *name(int i) { return i ? "yes" : "no"; }
  unsigned long f(const char *s) { return strlen(s) + (unsigned long)theirs(*pointers[1]); }
)";

// Reads; places what could be read, and checks what the contract promises.
bool survives(BytesView file) {
  auto image = test::read(file);
  if (!image) {
    EXPECT_FALSE(image.error().message.empty());
    return false;
  }
  EXPECT_LE(image->size, uint64_t{1} << 30);
  for (const PayloadSymbol &symbol : image->exported)
    EXPECT_LE(symbol.offset, image->size);
  uint64_t base = 0x5555'0000'0000 & ~(image->alignment - 1);
  auto content = image->place(
      {base}, [](const UndefinedSymbol &) -> Result<RemoteAddress> { return RemoteAddress{0x5555'4000'0000}; });
  if (content) {
    EXPECT_LE(content->size(), image->size);
  }
  return content.has_value();
}

TEST(LinkHostile, EveryTruncationIsRefused) {
  for (const char *flag : {"-s", "-g0"}) {
    Bytes file = test::compile(kSource, {flag});
    ASSERT_TRUE(survives(file));
    // A file's last bytes are its section headers; all of them must be there.
    for (size_t size = 0; size < file.size(); size += size < 0x400 || size + 0x400 > file.size() ? 1U : 7U) {
      Bytes cut(file.begin(),
                file.begin() + static_cast<ptrdiff_t>(size)); // a heap block of its own, for the sanitizer
      EXPECT_FALSE(survives(cut)) << "cut to " << size << " bytes";
    }
  }
}

// Where the headers and tables stand, each damaged many times.
TEST(LinkHostile, DamagedFilesDoNoHarm) {
  Bytes file = test::compile(kSource, {"-Wl,-z,pack-relative-relocs"});
  std::mt19937 random(20260703);
  auto below = [&](size_t limit) { return std::uniform_int_distribution<size_t>(0, limit - 1)(random); };
  unsigned read = 0, refused = 0;
  for (unsigned round = 0; round < 6000; round++) {
    Bytes damaged = file;
    for (size_t changes = 1 + below(4); changes > 0; changes--) {
      size_t region = below(4) == 0 ? file.size() : 0x800; // mostly headers, dynamic symbols, relocations
      size_t at = below(region);
      if (below(2) == 0)
        damaged[at] = static_cast<uint8_t>(damaged[at] ^ (1U << below(8)));
      else
        damaged[at] = std::array<uint8_t, 5>{0, 1, 0x7f, 0x80, 0xff}[below(5)];
    }
    (survives(damaged) ? read : refused)++;
  }
  EXPECT_GT(read, 100U); // otherwise the damage never gets past the first checks
  EXPECT_GT(refused, 100U);
}

} // namespace
} // namespace lpc::backend
