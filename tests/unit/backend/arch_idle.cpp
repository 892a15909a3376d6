// Which functions do nothing: small functions in bytes, at 0x1000, with data at 0x2000.
#include <gtest/gtest.h>

#include "backend/arch/arch.h"

namespace lpc::backend {
namespace {

constexpr uint64_t kCode = 0x1000, kData = 0x2000, kUnknown = 0x2010, kDataEnd = 0x2020;

// Data is zero, but for a word that depends on the process.
class TestMemory final : public CodeMemory {
public:
  explicit TestMemory(Bytes bytes) : bytes_(std::move(bytes)) {}
  [[nodiscard]] BytesView code(uint64_t address) const override {
    return address >= kCode && address - kCode < bytes_.size() ? BytesView(bytes_).subspan(address - kCode)
                                                               : BytesView{};
  }
  [[nodiscard]] std::optional<uint64_t> load(uint64_t address, unsigned width) const override {
    bool inData = address >= kData && address + width <= kDataEnd;
    bool known = address + width <= kUnknown || address >= kUnknown + 8;
    return inData && known ? std::optional<uint64_t>(0) : std::nullopt;
  }
  [[nodiscard]] bool isWritable(uint64_t address, unsigned width) const override {
    return address >= kData && address + width <= kDataEnd;
  }

private:
  Bytes bytes_;
};

enum class Verdict : uint8_t { Idle, OwnMemory, Busy };

struct Row {
  const char *what;
  const char *hex;
  Verdict verdict;
};

// One instruction a word.
constexpr Row kRows[] = {
    {"ret", "c3", Verdict::Idle},
    {"endbr64; ret", "f30f1efa c3", Verdict::Idle},
    {"rep ret", "f3c3", Verdict::Idle},
    {"frame", "55 4889e5 5d c3", Verdict::Idle},
    {"leave", "55 4889e5 4883ec20 c9 c3", Verdict::Idle},
    {"_init of crti.o: no hook", "4883ec08 488b05f50f0000 4885c0 7402 ffd0 4883c408 c3", Verdict::Idle},
    {"_init of crti.o: a hook that may be there", "4883ec08 488b0505100000 4885c0 7402 ffd0 4883c408 c3",
     Verdict::Busy},
    {"_fini of crti.o", "f30f1efa 4883ec08 4883c408 c3", Verdict::Idle},
    {"_init of musl", "50 58 c3", Verdict::Idle},
    {"jump", "eb01 cc c3", Verdict::Idle},
    {"call", "e801000000 c3 c3", Verdict::Idle},
    {"register_tm_clones", "488d3dff0f0000 488d35f80f0000 4829fe 4889f0 48c1ee3f 48c1f803 4801c6 48d1fe 7401 cc c3",
     Verdict::Idle},
    {"deregister_tm_clones", "488d3df90f0000 488d05f20f0000 4839f8 7401 cc c3", Verdict::Idle},
    {"xor eax, eax", "31c0 85c0 7401 cc c3", Verdict::Idle},
    {"unsigned comparison", "b80e000000 83f80f 7201 cc c3", Verdict::Idle},
    {"32-bit results clear the upper half", "48c7c0ffffffff 89c0 48c1e820 4885c0 7401 cc c3", Verdict::Idle},
    {"sign extension", "48c7c0ffffffff 4883f8ff 7401 cc c3", Verdict::Idle},
    {"flag set in own memory", "c605f90f000001 c3", Verdict::OwnMemory},
    {"word set in own memory", "48c705f50f000001000000 c3", Verdict::OwnMemory},
    {"__do_global_dtors_aux", "803df90f000000 750d 55 4889e5 c605ec0f000001 5d c3 c3", Verdict::OwnMemory},
    {"a read of what was written", "c605f90f000001 803df20f000000 7401 c3 c3", Verdict::Busy},
    {"store to code", "c605f9ffffff90 c3", Verdict::Busy},
    {"store through an argument", "c60701 c3", Verdict::Busy},
    {"store over the return address", "48c7042400000000 c3", Verdict::Busy},
    {"store above the frame", "48c7442408000000 00 c3", Verdict::Busy},
    {"store in the frame", "4883ec08 48c7042400000000 4883c408 c3", Verdict::Idle},
    {"return to elsewhere", "6800100000 c3", Verdict::Busy},
    {"return with a wrong stack", "50 c3", Verdict::Busy},
    {"call of the process", "ff1509100000 c3", Verdict::Busy},
    {"call of null", "ff15fa0f0000 c3", Verdict::Busy},
    {"system call", "0f05 c3", Verdict::Busy},
    {"branch on an unknown value", "4885ff 7400 c3", Verdict::Busy},
    {"branch on an unknown flag", "7200 c3", Verdict::Busy},
    {"loop without an end", "ebfe", Verdict::Busy},
    {"locked", "f0ff05fa0f0000 c3", Verdict::Busy},
    {"string store", "f348ab c3", Verdict::Busy},
    {"segment", "64c7042500000000 00000000 c3", Verdict::Busy},
    {"16-bit operand", "66c705f70f00000100 c3", Verdict::Busy},
    {"runs off its end", "90", Verdict::Busy},
    {"nothing", "", Verdict::Busy},
    {"recursion", "e8fbffffff c3", Verdict::Busy},
};

TEST(ArchIdle, Table) {
  const Arch &arch = Arch::of(Machine::X86_64);
  for (const Row &row : kRows) {
    SCOPED_TRACE(row.what);
    std::string hex = row.hex;
    std::erase(hex, ' ');
    TestMemory memory(fromHex(hex).value());
    EXPECT_EQ(arch.isIdle(memory, kCode, AllowedEffects::None), row.verdict == Verdict::Idle);
    EXPECT_EQ(arch.isIdle(memory, kCode, AllowedEffects::OwnMemory), row.verdict != Verdict::Busy);
  }
}

// Bytes of no meaning must not be taken for idle by accident of a bad length: every prefix of the idle rows is busy.
TEST(ArchIdle, CutOffFunctionsAreBusy) {
  const Arch &arch = Arch::of(Machine::X86_64);
  for (const char *hex : {"4883ec084883c408c3", "f30f1efa554889e55dc3", "31c085c07401ccc3"}) {
    Bytes whole = fromHex(hex).value();
    for (size_t size = 0; size < whole.size(); size++)
      EXPECT_FALSE(arch.isIdle(TestMemory({whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size)}), kCode,
                               AllowedEffects::OwnMemory))
          << hex << " cut to " << size;
  }
}

} // namespace
} // namespace lpc::backend
