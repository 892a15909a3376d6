// Follows a function instruction by instruction, to find out whether calling it changes anything.
//
// An interpreter for the few instructions that start files consist of, with values that are known or not. What it
// does not know, it does not guess: an unknown instruction, a branch on an unknown flag, a load that depends on the
// process, a store outside of the frame, or too many steps all mean "not idle". So it can be wrong in one direction
// only, and then a payload is refused that could have been linked.
//
// The stack is at an address of its own that no payload can have; cells that were not written are unknown.
#include "backend/arch/x86_64.h"

#include <array>
#include <map>

namespace lpc::backend::x86_64 {
namespace {

constexpr uint64_t kStackTop = 0x7fff'ffff'0000; // where the return address lies
constexpr uint64_t kStackSize = 4096;
constexpr uint64_t kReturn = 0x7fff'ffff'8000; // what lies there
constexpr unsigned kSteps = 256;

constexpr unsigned kRsp = 4, kRbp = 5;

using Value = std::optional<uint64_t>;

enum class Step : uint8_t { Next, Done, Unknown };

struct Operand { // of a ModRM byte
  bool isRegister = false;
  unsigned reg = 0; // the other operand, or the opcode's extension
  unsigned rm = 0;  // where isRegister
  Value address{};  // else
};

class Follower {
public:
  Follower(const CodeMemory &memory, AllowedEffects allowed) : memory_(memory), allowed_(allowed) {}

  bool returns(uint64_t function) {
    ip_ = function;
    registers_[kRsp] = kStackTop;
    stack_[kStackTop] = kReturn;
    for (unsigned i = 0; i < kSteps; i++) {
      Step step = follow();
      if (step != Step::Next) return step == Step::Done;
    }
    return false;
  }

private:
  // --- bytes of the instruction

  std::optional<uint8_t> byte() {
    if (at_ >= code_.size()) return std::nullopt;
    return code_[at_++];
  }

  Value immediate(unsigned width) { // sign-extended to 64 bits
    if (code_.size() - at_ < width) return std::nullopt;
    uint64_t value = loadLittle(code_.subspan(at_, width));
    at_ += width;
    unsigned shift = 64 - 8 * width;
    return static_cast<uint64_t>(static_cast<int64_t>(value << shift) >> shift);
  }

  [[nodiscard]] uint64_t end() const { return ip_ + at_; }
  [[nodiscard]] unsigned width() const { return (rex_ & 8) != 0 ? 8 : 4; }

  // `immediateSize`: bytes that follow it, for addresses that count from the end of the instruction.
  std::optional<Operand> modrm(unsigned immediateSize) {
    auto modrm = byte();
    if (!modrm) return std::nullopt;
    unsigned mod = *modrm >> 6, low = *modrm & 7U;
    Operand operand;
    operand.reg = ((*modrm >> 3) & 7U) | ((rex_ & 4U) << 1);
    operand.rm = low | ((rex_ & 1U) << 3);
    if (mod == 3) {
      operand.isRegister = true;
      return operand;
    }
    if (mod == 0 && low == 5) { // [rip + disp32]
      Value displacement = immediate(4);
      if (!displacement) return std::nullopt;
      operand.address = end() + immediateSize + *displacement;
      return operand;
    }
    Value base = registers_[operand.rm];
    if (low == 4) { // SIB; with an index, the address is not one of ours
      auto sib = byte();
      if (!sib || ((*sib >> 3) & 7U) != 4 || (rex_ & 2U) != 0 || (mod == 0 && (*sib & 7U) == 5)) return std::nullopt;
      base = registers_[(*sib & 7U) | ((rex_ & 1U) << 3)];
    }
    Value displacement = mod == 0 ? Value(0) : immediate(mod == 1 ? 1 : 4);
    if (!displacement) return std::nullopt;
    if (base) operand.address = *base + *displacement;
    return operand;
  }

  // --- memory and registers

  static bool onStack(uint64_t address) { return address >= kStackTop - kStackSize && address <= kStackTop; }

  Value load(uint64_t address, unsigned width) {
    if (onStack(address)) {
      auto cell = stack_.find(address);
      return cell == stack_.end() || width != 8 ? std::nullopt : cell->second;
    }
    if (written_) return std::nullopt; // what a store changed is not followed any further
    return memory_.load(address, width);
  }

  bool store(uint64_t address, unsigned width, Value value) {
    if (onStack(address)) {
      if (address >= kStackTop || width != 8 || address % 8 != 0) return false; // the caller's, or a part of a cell
      stack_[address] = value;
      return true;
    }
    written_ = true;
    return allowed_ == AllowedEffects::OwnMemory && memory_.isWritable(address, width);
  }

  static uint64_t truncated(uint64_t value, unsigned width) {
    return width == 8 ? value : value & ((uint64_t{1} << (8 * width)) - 1);
  }

  Value read(const Operand &operand, unsigned width) {
    Value value = operand.isRegister ? registers_[operand.rm]
                  : operand.address  ? load(*operand.address, width)
                                     : std::nullopt;
    return value ? Value(truncated(*value, width)) : std::nullopt;
  }

  // A 32-bit result clears the upper half of a register (SDM vol. 1, 3.4.1.1).
  bool write(const Operand &operand, unsigned width, Value value) {
    if (value) value = truncated(*value, width);
    if (operand.isRegister) {
      registers_[operand.rm] = value;
      return true;
    }
    return operand.address && store(*operand.address, width, value);
  }

  bool push(Value value) {
    if (!registers_[kRsp]) return false;
    registers_[kRsp] = *registers_[kRsp] - 8;
    return onStack(*registers_[kRsp]) && store(*registers_[kRsp], 8, value);
  }

  std::optional<Value> pop() {
    if (!registers_[kRsp] || !onStack(*registers_[kRsp])) return std::nullopt;
    Value value = load(*registers_[kRsp], 8);
    registers_[kRsp] = *registers_[kRsp] + 8;
    return value;
  }

  // --- instructions

  Step next() {
    ip_ = end();
    return Step::Next;
  }
  Step nextIf(bool known) { return known ? next() : Step::Unknown; }

  Step jumpTo(Value target) {
    if (!target) return Step::Unknown;
    ip_ = *target;
    return Step::Next;
  }

  Step jumpRelative(unsigned size, bool call) {
    Value displacement = immediate(size);
    if (!displacement || (call && !push(end()))) return Step::Unknown;
    return jumpTo(end() + *displacement);
  }

  Step jumpIf(uint8_t condition, unsigned size) {
    Value displacement = immediate(size);
    std::optional<bool> holds;
    switch (condition & 0xe) {
    case 0x2: holds = carry_; break; // b, ae
    case 0x4: holds = zero_; break;  // e, ne
    case 0x6:                        // be, a
      if (carry_ && zero_) holds = *carry_ || *zero_;
      break;
    default: break;
    }
    if (!displacement || !holds) return Step::Unknown;
    bool taken = *holds != ((condition & 1) != 0);
    return taken ? jumpTo(end() + *displacement) : next();
  }

  Step ret() {
    std::optional<Value> target = pop();
    if (!target || !*target) return Step::Unknown;
    if (**target != kReturn) return jumpTo(*target);
    return registers_[kRsp] == kStackTop + 8 ? Step::Done : Step::Unknown;
  }

  // Numbers are those of the opcode's bits 3-5: add or - - and sub xor cmp.
  Step arithmetic(unsigned operation, const Operand &to, Value a, Value b, unsigned width) {
    Value result;
    carry_ = zero_ = std::nullopt;
    if (a && b) {
      switch (operation) {
      case 0: result = *a + *b; break;
      case 1: result = *a | *b; break;
      case 4: result = *a & *b; break;
      case 5:
      case 7: result = *a - *b; break;
      case 6: result = *a ^ *b; break;
      default: return Step::Unknown; // adc, sbb
      }
      result = truncated(*result, width);
      zero_ = *result == 0;
      if (operation == 5 || operation == 7) carry_ = *a < *b;
      if (operation == 1 || operation == 4 || operation == 6) carry_ = false;
    } else if (operation == 2 || operation == 3) {
      return Step::Unknown;
    }
    return nextIf(operation == 7 || write(to, width, result));
  }

  Step arithmeticWithRegister(uint8_t opcode) {
    auto operand = modrm(0);
    if (!operand) return Step::Unknown;
    Operand other{.isRegister = true, .rm = operand->reg};
    bool toRegister = (opcode & 2) != 0;
    const Operand &to = toRegister ? other : *operand, &from = toRegister ? *operand : other;
    unsigned operation = (opcode >> 3) & 7U;
    bool clears = operand->isRegister && operand->rm == operand->reg && (operation == 5 || operation == 6);
    if (clears) return arithmetic(operation, to, 0, 0, width()); // sub or xor of a register with itself
    return arithmetic(operation, to, read(to, width()), read(from, width()), width());
  }

  Step arithmeticWithImmediate(unsigned operandWidth, unsigned size) {
    auto operand = modrm(size);
    Value value = immediate(size);
    if (!operand || !value || (operandWidth == 1 && operand->isRegister)) return Step::Unknown;
    return arithmetic(operand->reg & 7U, *operand, read(*operand, operandWidth), truncated(*value, operandWidth),
                      operandWidth);
  }

  Step shift(unsigned size) { // by an immediate, or by one
    auto operand = modrm(size);
    Value count = size == 0 ? Value(1) : immediate(size);
    if (!operand || !count) return Step::Unknown;
    unsigned bits = static_cast<unsigned>(*count & (width() == 8 ? 63 : 31)), operandWidth = width();
    Value value = read(*operand, operandWidth);
    if (bits == 0) return Step::Unknown; // leaves the flags: not worth following
    carry_ = zero_ = std::nullopt;
    if (value) {
      unsigned spare = 64 - 8 * operandWidth;
      switch (operand->reg & 7U) {
      case 4: value = truncated(*value << bits, operandWidth); break;
      case 5: value = *value >> bits; break;
      case 7:
        value = truncated(static_cast<uint64_t>(static_cast<int64_t>(*value << spare) >> spare >> bits), operandWidth);
        break;
      default: return Step::Unknown;
      }
      zero_ = *value == 0;
    }
    return nextIf(write(*operand, operandWidth, value));
  }

  Step move(uint8_t opcode) {
    auto operand = modrm(0);
    if (!operand) return Step::Unknown;
    Operand other{.isRegister = true, .rm = operand->reg};
    bool toRegister = (opcode & 2) != 0;
    return nextIf(write(toRegister ? other : *operand, width(), read(toRegister ? *operand : other, width())));
  }

  Step moveImmediate(unsigned operandWidth, unsigned size) {
    auto operand = modrm(size);
    Value value = immediate(size);
    if (!operand || !value || (operand->reg & 7U) != 0 || (operandWidth == 1 && operand->isRegister))
      return Step::Unknown;
    return nextIf(write(*operand, operandWidth, value));
  }

  Step loadAddress() {
    auto operand = modrm(0);
    if (!operand || operand->isRegister) return Step::Unknown;
    return nextIf(write({.isRegister = true, .rm = operand->reg}, width(), operand->address));
  }

  Step test() {
    auto operand = modrm(0);
    if (!operand) return Step::Unknown;
    Value a = read(*operand, width()), b = read({.isRegister = true, .rm = operand->reg}, width());
    carry_ = false;
    zero_ = a && b ? std::optional((*a & *b) == 0) : std::nullopt;
    return next();
  }

  Step indirect() { // ff /2 call, ff /4 jmp
    auto operand = modrm(0);
    if (!operand || ((operand->reg & 7U) != 2 && (operand->reg & 7U) != 4)) return Step::Unknown;
    Value target = read(*operand, 8);
    if ((operand->reg & 7U) == 2 && !push(end())) return Step::Unknown;
    return jumpTo(target);
  }

  Step leave() {
    registers_[kRsp] = registers_[kRbp];
    auto value = pop();
    if (!value) return Step::Unknown;
    registers_[kRbp] = *value;
    return next();
  }

  Step twoByte() {
    auto opcode = byte();
    if (!opcode) return Step::Unknown;
    if ((*opcode & 0xf0) == 0x80) return jumpIf(*opcode, 4);
    if (*opcode == 0x1f) return nextIf(modrm(0).has_value()); // nop
    auto modrmByte = byte();
    return nextIf(*opcode == 0x1e && repeat_ && modrmByte && (*modrmByte == 0xfa || *modrmByte == 0xfb)); // endbr
  }

  Step follow() {
    code_ = memory_.code(ip_);
    at_ = 0;
    rex_ = 0;
    repeat_ = false;
    bool operandSize = false;
    auto opcode = byte();
    // f3 and f2 before a branch or return (`rep`, `bnd`), 3e (`notrack`) and 66 before a no-op change nothing.
    while (opcode && (*opcode == 0xf3 || *opcode == 0xf2 || *opcode == 0x3e || *opcode == 0x2e || *opcode == 0x66)) {
      repeat_ = repeat_ || *opcode == 0xf3;
      operandSize = operandSize || *opcode == 0x66;
      opcode = byte();
    }
    bool prefixed = at_ > 1;
    if (opcode && (*opcode & 0xf0) == 0x40) {
      rex_ = *opcode;
      opcode = byte();
    }
    if (!opcode) return Step::Unknown;
    if (*opcode == 0x0f) return operandSize && (at_ >= code_.size() || code_[at_] != 0x1f) ? Step::Unknown : twoByte();
    if (*opcode == 0x90 && (rex_ & 1) == 0) return next();
    if (operandSize) return Step::Unknown;
    bool branch = *opcode == 0xc3 || *opcode == 0xe8 || *opcode == 0xe9 || *opcode == 0xeb || *opcode == 0xff ||
                  (*opcode & 0xf0) == 0x70;
    if (prefixed && !branch) return Step::Unknown;
    return dispatch(*opcode);
  }

  Step dispatch(uint8_t opcode) {
    unsigned low = (opcode & 7U) | ((rex_ & 1U) << 3);
    if ((opcode & 0xf8) == 0x50) return nextIf(push(registers_[low]));
    if ((opcode & 0xf8) == 0x58) {
      auto value = pop();
      if (value) registers_[low] = *value;
      return nextIf(value.has_value());
    }
    if ((opcode & 0xf0) == 0x70) return jumpIf(opcode, 1);
    if (opcode < 0x40 && ((opcode & 7) == 1 || (opcode & 7) == 3)) return arithmeticWithRegister(opcode);
    if ((opcode & 0xf8) == 0xb8 && width() == 4) { // mov r32, imm32
      Value value = immediate(4);
      return nextIf(value && write({.isRegister = true, .rm = low}, 4, value));
    }
    switch (opcode) {
    case 0x80: return arithmeticWithImmediate(1, 1);
    case 0x81: return arithmeticWithImmediate(width(), 4);
    case 0x83: return arithmeticWithImmediate(width(), 1);
    case 0x85: return test();
    case 0x89:
    case 0x8b: return move(opcode);
    case 0x8d: return loadAddress();
    case 0xc1: return shift(1);
    case 0xc3: return ret();
    case 0xc6: return moveImmediate(1, 1);
    case 0xc7: return moveImmediate(width(), 4);
    case 0xc9: return leave();
    case 0xd1: return shift(0);
    case 0xe8: return jumpRelative(4, true);
    case 0xe9: return jumpRelative(4, false);
    case 0xeb: return jumpRelative(1, false);
    case 0xff: return indirect();
    default: return Step::Unknown;
    }
  }

  const CodeMemory &memory_;
  AllowedEffects allowed_;
  uint64_t ip_ = 0;
  std::array<Value, 16> registers_{};
  std::optional<bool> zero_, carry_;
  std::map<uint64_t, Value> stack_;
  bool written_ = false;

  // of the instruction that is being followed
  BytesView code_;
  size_t at_ = 0;
  uint8_t rex_ = 0;
  bool repeat_ = false;
};

} // namespace

bool isIdle(const CodeMemory &memory, uint64_t function, AllowedEffects allowed) {
  return Follower(memory, allowed).returns(function);
}

} // namespace lpc::backend::x86_64
