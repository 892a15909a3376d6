// The first instructions of every function of real programs: moved, decoded again and compared in meaning, or refused
// with a reason. Functions are those of the unwinding tables, which stripped programs have too.
#include <elf.h>
#include <gtest/gtest.h>

#include <charconv>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "ir/machine/moved_code.h"
#include "ir/support/address.h"
#include "ir/support/cat.h"
#include "tests/support/child.h"

namespace lpc {
namespace {

constexpr uint64_t kRoom = 5, kAway = uint64_t{1} << 30;

// The file's bytes from a link address to the end of its segment.
class Image {
public:
  explicit Image(const std::string &path) {
    std::ifstream in(path, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(in), {});
    std::memcpy(&header_, bytes_.data(), sizeof header_);
  }
  [[nodiscard]] BytesView at(uint64_t address) const {
    for (unsigned i = 0; i < header_.e_phnum; i++) {
      Elf64_Phdr segment;
      std::memcpy(&segment, bytes_.data() + header_.e_phoff + i * sizeof segment, sizeof segment);
      if (segment.p_type != PT_LOAD || address < segment.p_vaddr || address - segment.p_vaddr >= segment.p_filesz)
        continue;
      uint64_t skip = address - segment.p_vaddr;
      return BytesView(bytes_).subspan(segment.p_offset + skip, segment.p_filesz - skip);
    }
    return {};
  }

private:
  Bytes bytes_;
  Elf64_Ehdr header_{};
};

struct Range {
  uint64_t begin = 0, end = 0;
};

// "… FDE cie=00000000 pc=0000000000026080..00000000000260a6"
std::vector<Range> functionsOf(const std::string &path) {
  test::RunResult listed = test::run({"readelf", "-wf", path}); // fails where the debug file is not installed
  std::vector<Range> functions;
  std::string_view rest = listed.out;
  for (size_t at = rest.find(" pc="); at != std::string_view::npos; at = rest.find(" pc=")) {
    rest.remove_prefix(at + 4);
    Range range;
    auto begin = std::from_chars(rest.data(), rest.data() + rest.size(), range.begin, 16);
    std::from_chars(begin.ptr + 2, rest.data() + rest.size(), range.end, 16);
    functions.push_back(range);
  }
  return functions;
}

class Comparison {
public:
  Comparison(const Decoder &decoder, BytesView old, uint64_t from, BytesView moved, uint64_t to)
      : decoder_(decoder), old_(old), from_(from), moved_(moved), to_(to) {}

  // "" or what differs.
  std::string differs() {
    std::vector<Instruction> instructions = decodeAll(decoder_, old_, from_);
    if (!instructions.front().isEndbr && !take()->isEndbr) return "no endbr64";
    for (const Instruction &instruction : instructions)
      if (!same(instruction)) return cat("`", text(old_, from_, instruction), "` became ", shown());
    const Instruction &last = instructions.back();
    if (last.isCall || last.endsFlow) return "";
    auto back = take();
    bool returns = back && back->endsFlow && back->target == from_ + old_.size();
    return returns ? "" : "no jump back";
  }

private:
  bool same(const Instruction &old) {
    if (old.isCall) return sameCall(old);
    auto now = take();
    if (!now) return false;
    if (old.isBranch && old.target) return sameBranch(old, *now);
    return sameBytes(old, *now) && sameOperand(old, *now);
  }

  bool sameBranch(const Instruction &old, const Instruction &now) {
    if (mnemonic(old_, from_, old) != mnemonic(moved_, to_, now)) return false;
    if (now.length > 3) return now.target == old.target && now.isConditional == old.isConditional;
    auto over = take(), there = take(); // loop, jrcxz
    return over && there && now.target == there->address && over->target == there->address + there->length &&
           there->target == old.target && there->endsFlow && over->endsFlow;
  }

  bool sameCall(const Instruction &old) {
    auto push = take(), now = take();
    if (!push || !now || !push->relative || !text(moved_, to_, *push).starts_with("push qword ptr [rip")) return false;
    uint64_t at = push->relative->address - to_;
    if (at + 8 > moved_.size() || loadLittle(moved_.subspan(at, 8)) != old.address + old.length) return false;
    if (!now->isBranch || !now->endsFlow) return false;
    if (old.target) return now->target == old.target;
    std::string before = text(old_, from_, old), after = text(moved_, to_, *now);
    size_t call = before.find("call"), jump = after.find("jmp");
    if (call == std::string::npos || jump != call) return false;
    return withoutDisplacement(before.substr(call + 4)) == withoutDisplacement(after.substr(jump + 3)) &&
           sameOperand(old, *now);
  }

  // The same bytes, but for the displacement.
  bool sameBytes(const Instruction &old, const Instruction &now) const {
    if (old.length != now.length) return false;
    for (size_t i = 0; i < old.length; i++) {
      bool displacement = old.relative && i >= old.relative->offset && i < old.relative->offset + 4U;
      if (!displacement && bytesOf(old_, from_, old)[i] != bytesOf(moved_, to_, now)[i]) return false;
    }
    return true;
  }

  static bool sameOperand(const Instruction &old, const Instruction &now) {
    return old.relative.has_value() == now.relative.has_value() &&
           (!old.relative || old.relative->address == now.relative->address);
  }

  static BytesView bytesOf(BytesView all, uint64_t base, const Instruction &instruction) {
    return all.subspan(instruction.address - base);
  }
  [[nodiscard]] std::string text(BytesView all, uint64_t base, const Instruction &instruction) const {
    return decoder_.text(bytesOf(all, base, instruction), instruction.address);
  }
  // Without prefixes, which direct branches lose.
  [[nodiscard]] std::string mnemonic(BytesView all, uint64_t base, const Instruction &instruction) const {
    std::string words = text(all, base, instruction);
    words.resize(words.rfind(" 0x"));
    return words.substr(words.rfind(' ') + 1);
  }
  static std::string withoutDisplacement(std::string text) {
    size_t begin = text.find("[rip "), end = text.find(']', begin);
    return begin == std::string::npos ? text : text.replace(begin, end - begin, "[rip");
  }

  std::optional<Instruction> take() {
    auto instruction = decoder_.decode(moved_.subspan(at_), to_ + at_);
    if (instruction) at_ += instruction->length;
    return instruction;
  }
  [[nodiscard]] std::string shown() const {
    std::string all;
    for (const Instruction &instruction : decodeAll(decoder_, moved_, to_))
      all += text(moved_, to_, instruction) + "; ";
    return all;
  }

  const Decoder &decoder_;
  BytesView old_;
  uint64_t from_;
  BytesView moved_;
  uint64_t to_;
  size_t at_ = 0;
};

struct Tally {
  size_t moved = 0, tooShort = 0;
  std::map<std::string, size_t> refused; // by reason
};

void moveAll(const std::string &path, const Decoder &decoder, Tally &tally) {
  Image image(path);
  std::set<uint64_t> seen;
  for (const Range &function : functionsOf(path)) {
    BytesView code = image.at(function.begin);
    code = code.first(std::min<size_t>(code.size(), function.end - function.begin));
    if (code.empty() || !seen.insert(function.begin).second) continue;
    uint64_t from = function.begin;
    auto first = decoder.decode(code, from);
    if (first && first->isEndbr) code = code.subspan(first->length), from += first->length;
    size_t room = 0;
    while (room < kRoom) {
      auto instruction = decoder.decode(code.subspan(room), from + room);
      if (!instruction) break;
      room += instruction->length;
    }
    if (room < kRoom) {
      tally.tooShort++;
      continue;
    }
    code = code.first(room);
    auto moved = MovedCode::of(Machine::X86_64, decoder, code, from);
    if (!moved) {
      const std::string &message = moved.error().message;
      tally.refused[message.substr(message.rfind(": ") + 2)]++;
      continue;
    }
    uint64_t to = from + kAway;
    Bytes bytes = moved->at(to).value();
    std::string difference = Comparison(decoder, code, from, bytes, to).differs();
    EXPECT_EQ(difference, "") << path << " " << hexAddress(RemoteAddress{from});
    tally.moved++;
  }
}

class EveryFunctionOf : public testing::TestWithParam<const char *> {};

TEST_P(EveryFunctionOf, IsMovedOrRefused) {
  if (!std::ifstream(GetParam()).good()) GTEST_SKIP() << GetParam() << " is not installed";
  auto decoder = Decoder::create(Machine::X86_64).value();
  Tally tally;
  moveAll(GetParam(), *decoder, tally);
  size_t refused = 0;
  std::string reasons;
  for (const auto &[reason, count] : tally.refused) {
    refused += count;
    reasons += cat("\n  ", count, " refused: ", reason);
  }
  std::cout << GetParam() << ": " << tally.moved << " moved, " << tally.tooShort << " too short, " << refused
            << " refused" << reasons << "\n";
  EXPECT_GT(tally.moved, 1000U);
  EXPECT_LT(refused * 100, tally.moved); // what compilers write can be moved, but for oddities
}

INSTANTIATE_TEST_SUITE_P(MovedCode, EveryFunctionOf,
                         testing::Values("/usr/lib/x86_64-linux-gnu/libc.so.6",
                                         "/usr/lib/x86_64-linux-gnu/libstdc++.so.6", "/usr/bin/redis-server"));

} // namespace
} // namespace lpc
