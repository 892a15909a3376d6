// x86-64 instructions moved, by what they say about their own address (Intel SDM vol. 2):
//
//   [rip + disp32]         the same bytes with another displacement; with an address-size prefix it is eip: refused
//   jmp rel8, rel32        jmp rel32
//   jcc rel8, rel32        jcc rel32
//   loop, jrcxz            there is no wide form: they hop over a jump that is not taken to one that is
//   call rel32             push [rip + …] of the old return address, then jmp rel32
//   call r/m               push …, then jmp r/m; refused where the operand counts from rsp, which the push has changed
//   anything else          the same bytes
//
// A call has to be the last instruction, so that it returns behind the jump and not into it. Prefixes of direct
// branches are dropped: they are hints, `bnd`, or padding (decoder_x86.cpp tells what 66 means there). A branch to one
// of the moved instructions goes to where that one is now; only the author of a loop at a function's entry writes one.
//
// The price of push and jmp is one mispredicted return; a processor with a shadow stack would not let it return at all.
// Linux gives one only to programs that ask for it (6.6, arch_prctl(ARCH_SHSTK_ENABLE)).
#include "ir/machine/moved_code_x86.h"

#include <algorithm>
#include <optional>

#include "ir/machine/decoder_x86.h"
#include "ir/support/address.h"
#include "ir/support/cat.h"

namespace lpc::x86_64 {
namespace {

constexpr size_t kSlot = 16; // sizes are multiples of it, so that each moved function starts a line of the decoder's

class Builder {
public:
  Builder(const Decoder &decoder, BytesView code, uint64_t from) : decoder_(decoder), code_(code), from_(from) {}

  Result<MovedCode> build() {
    instructions_ = decodeAll(decoder_, code_, from_);
    uint64_t end = instructions_.empty() ? from_ : instructions_.back().address + instructions_.back().length;
    if (end != resume())
      return fail(DiagnosticId::CannotMove,
                  cat("the bytes at ", hexAddress(RemoteAddress{end}), " are no instruction"));
    if (!instructions_.front().isEndbr) emit({0xf3, 0x0f, 0x1e, 0xfa}); // endbr64
    for (const Instruction &instruction : instructions_) {
      starts_.push_back(out_.size());
      if (auto done = move(instruction); !done) return std::unexpected(std::move(done.error()));
    }
    if (!returnAddress_ && !instructions_.back().endsFlow) jump(resume());
    finish();
    return MovedCode(std::move(out_), std::move(links_));
  }

private:
  [[nodiscard]] uint64_t resume() const { return from_ + code_.size(); }
  [[nodiscard]] BytesView bytesOf(const Instruction &instruction) const {
    return code_.subspan(instruction.address - from_, instruction.length);
  }

  Result<void> move(const Instruction &instruction) {
    BytesView bytes = bytesOf(instruction);
    if (instruction.isCall) return moveCall(instruction, bytes);
    if (instruction.isBranch && instruction.target) return moveBranch(instruction, bytes, *instruction.target);
    return copy(instruction, bytes);
  }

  // --- kinds of instructions

  Result<void> copy(const Instruction &instruction, BytesView bytes) {
    size_t start = out_.size();
    out_.insert(out_.end(), bytes.begin(), bytes.end());
    if (!instruction.relative) return {};
    if (std::ranges::count(bytes.first(opcodeOffset(bytes)), 0x67) != 0)
      return cannot(instruction, "it addresses memory relative to `eip`");
    link(start + instruction.relative->offset, out_.size(), instruction.relative->address);
    return {};
  }

  Result<void> moveBranch(const Instruction &instruction, BytesView bytes, uint64_t target) {
    size_t opcode = opcodeOffset(bytes);
    uint8_t code = bytes[opcode];
    if (target > from_ && target < resume() && !isStart(target))
      return cannot(instruction, "it leads into the middle of another");
    if (code == 0xe9 || code == 0xeb) {
      jump(target);
    } else if ((code & 0xf0) == 0x70) {
      emit({0x0f, static_cast<uint8_t>(0x80 | (code & 0x0f))}); // jcc rel32
      displacement(target);
    } else if (code == 0x0f && opcode + 1 < bytes.size() && (bytes[opcode + 1] & 0xf0) == 0x80) {
      emit({0x0f, bytes[opcode + 1]});
      displacement(target);
    } else if (code >= 0xe0 && code <= 0xe3) { // loopne, loope, loop, jrcxz
      out_.insert(out_.end(), bytes.begin(), bytes.end() - 1);
      emit({0x02});       // … to the third of these
      emit({0xeb, 0x05}); // jmp behind it
      jump(target);
    } else {
      return cannot(instruction, "its displacement is of a kind that lpc does not know");
    }
    return {};
  }

  Result<void> moveCall(const Instruction &instruction, BytesView bytes) {
    size_t opcode = opcodeOffset(bytes);
    uint8_t code = bytes[opcode], modrm = opcode + 1 < bytes.size() ? bytes[opcode + 1] : uint8_t{0};
    if (instruction.address + instruction.length != resume())
      return cannot(instruction, "it would return into the bytes that the jump overwrites");
    bool indirect = code == 0xff && ((modrm >> 3) & 7U) == 2;
    if (!indirect && !(code == 0xe8 && instruction.target)) return cannot(instruction, "it is a far call");
    auto wide = [](uint8_t byte) { return (byte & 0xf8) == 0x48; }; // REX.W
    if (indirect && std::ranges::count(bytes.first(opcode), 0x66) != 0 && (opcode == 0 || !wide(bytes[opcode - 1])))
      return cannot(instruction, "it is a 16-bit call");
    if (indirect && countsFromStack(bytes, opcode))
      return cannot(instruction, "its operand counts from the stack pointer");
    if (instruction.target && *instruction.target > from_ && *instruction.target < resume())
      return cannot(instruction, "it leads into the bytes that the jump overwrites");

    emit({0xff, 0x35}); // push qword ptr [rip + …]
    returnAddress_ = out_.size();
    appendLittle(out_, 0, 4);
    if (!indirect) {
      emit({0xe9}); // jmp rel32; to the function's start it is a call like any other, and meets the jump there
      link(out_.size(), out_.size() + 4, *instruction.target);
      appendLittle(out_, 0, 4);
      return {};
    }
    size_t start = out_.size();
    if (auto copied = copy(instruction, bytes); !copied) return copied;
    out_[start + opcode + 1] = static_cast<uint8_t>((modrm & ~0x38U) | 4U << 3); // ff /2 call becomes ff /4 jmp
    return {};
  }

  // Whether the operand of `call r/m` is rsp, or memory that is found through it.
  static bool countsFromStack(BytesView bytes, size_t opcode) {
    uint8_t modrm = bytes[opcode + 1];
    bool extended = opcode > 0 && (bytes[opcode - 1] & 0xf1) == 0x41; // REX.B: r12 instead of rsp
    if ((modrm & 7U) != 4 || extended) return false;
    return modrm >> 6 == 3 || (opcode + 2 < bytes.size() && (bytes[opcode + 2] & 7U) == 4);
  }

  Result<void> cannot(const Instruction &instruction, std::string_view why) const {
    return fail(DiagnosticId::CannotMove,
                cat("`", decoder_.text(bytesOf(instruction), instruction.address), "` cannot be moved: ", why));
  }

  // --- emission

  void emit(std::initializer_list<uint8_t> bytes) { out_.insert(out_.end(), bytes); }

  void jump(uint64_t target) {
    emit({0xe9}); // jmp rel32
    displacement(target);
  }

  // Four bytes at the end of an instruction.
  void displacement(uint64_t target) {
    if (target >= from_ && target < resume())
      inside_.push_back({out_.size(), out_.size() + 4, target});
    else
      link(out_.size(), out_.size() + 4, target);
    appendLittle(out_, 0, 4);
  }

  void link(size_t offset, size_t end, uint64_t target) { links_.push_back({offset, end, target}); }

  [[nodiscard]] bool isStart(uint64_t address) const {
    return std::ranges::find(instructions_, address, &Instruction::address) != instructions_.end();
  }

  void store(size_t offset, uint64_t value) { storeLittle(std::span(out_).subspan(offset, 4), value); }

  // What is known only when all instructions have their place.
  void finish() {
    for (const MovedCode::Link &link : inside_) {
      auto at = std::ranges::find(instructions_, link.target, &Instruction::address) - instructions_.begin();
      store(link.offset, static_cast<uint32_t>(starts_[static_cast<size_t>(at)] - link.end));
    }
    if (returnAddress_) {
      out_.resize((out_.size() + 7) & ~size_t{7}, 0xcc); // int3: never reached
      store(*returnAddress_, out_.size() - (*returnAddress_ + 4));
      appendLittle(out_, resume(), 8);
    }
    out_.resize((out_.size() + kSlot - 1) & ~(kSlot - 1), 0xcc);
  }

  const Decoder &decoder_;
  BytesView code_;
  uint64_t from_;
  std::vector<Instruction> instructions_;
  std::vector<size_t> starts_; // of each instruction, in out_
  Bytes out_;
  std::vector<MovedCode::Link> links_, inside_;
  std::optional<size_t> returnAddress_; // where the displacement stands that leads to the address pushed
};

} // namespace

Result<MovedCode> moved(const Decoder &decoder, BytesView code, uint64_t from) {
  return Builder(decoder, code, from).build();
}

} // namespace lpc::x86_64
