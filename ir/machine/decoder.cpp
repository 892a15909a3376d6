// Decoding through LLVM MC: one class for all machines, one row of a table and one file of byte facts for each.
//
// MC's disassembler gives length and text, MCInstrAnalysis the flow of control and the targets. What it gets wrong, or
// does not know, is corrected from the bytes (decoder_x86.h). Only the three initialisers that decoding needs run, on
// the first call of create(), so that commands that decode nothing pay nothing.
//
// Rejected: our own length decoder (thousands of opcodes, new ones every year), and libopcodes (text only, its
// interface differs with every binutils).
#include "ir/machine/decoder.h"

#include <algorithm>
#include <array>

#include "ir/machine/decoder_x86.h"

#include "llvm/MC/MCAsmInfo.h"
#include "llvm/MC/MCContext.h"
#include "llvm/MC/MCDisassembler/MCDisassembler.h"
#include "llvm/MC/MCDisassembler/MCRelocationInfo.h"
#include "llvm/MC/MCDisassembler/MCSymbolizer.h"
#include "llvm/MC/MCInst.h"
#include "llvm/MC/MCInstPrinter.h"
#include "llvm/MC/MCInstrAnalysis.h"
#include "llvm/MC/MCInstrInfo.h"
#include "llvm/MC/MCRegisterInfo.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/MCTargetOptions.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Triple.h"

// What llvm/Support/TargetSelect.h declares through macros, for the one target that is linked.
extern "C" {
void LLVMInitializeX86TargetInfo();
void LLVMInitializeX86TargetMC();
void LLVMInitializeX86Disassembler();
}

namespace lpc {
namespace {

struct DecoderRow {
  Machine machine;
  const char *triple;
  unsigned maximumLength; // of one instruction, in bytes
  unsigned syntax;        // MC's number of the assembler dialect: 1 is Intel's for x86
  void (*initialize)();   // registers the target with LLVM; may run more than once
  size_t (*skippedPrefixes)(BytesView);
  bool (*onlyPrefixes)(BytesView);
  std::string (*prefixText)(BytesView, size_t);
  void (*refine)(Instruction &, BytesView);
  std::optional<x86_64::NamedRegister> (*registerNamed)(std::string_view);
  void (*refineRegisters)(RegisterUse &, BytesView);
  bool (*clearsItself)(std::string_view);
  std::vector<uint64_t> (*callsOf)(uint64_t, BytesView, uint64_t);
};

constexpr std::array<DecoderRow, 1> kDecoders{{
    {Machine::X86_64, "x86_64-unknown-linux-gnu", 15, 1,
     [] {
       LLVMInitializeX86TargetInfo();
       LLVMInitializeX86TargetMC();
       LLVMInitializeX86Disassembler();
     },
     x86_64::skippedPrefixes, x86_64::onlyPrefixes, x86_64::prefixText, x86_64::refine, x86_64::registerNamed,
     x86_64::refineRegisters, x86_64::clearsItself, x86_64::callsOf},
}};

// An instruction as LLVM read it, behind the prefixes that it did not.
struct RawInstruction {
  llvm::MCInst inst;
  size_t prefixes = 0; // bytes in front of it that belong to the instruction
  size_t length = 0;   // with the prefixes
  std::optional<RelativeOperand> relative{};
};

// MC tells where the displacement of a PC-relative operand stands to nobody but a symbolizer: for x86, as the "address"
// of the comment that it could make.
class RelativeOperandFinder final : public llvm::MCSymbolizer {
public:
  using MCSymbolizer::MCSymbolizer;

  bool tryAddingSymbolicOperand(llvm::MCInst & /*inst*/, llvm::raw_ostream & /*comments*/, int64_t /*value*/,
                                uint64_t /*address*/, bool /*isBranch*/, uint64_t /*offset*/, uint64_t /*size*/,
                                uint64_t /*length*/) override {
    return false;
  }
  void tryAddingPcLoadReferenceComment(llvm::raw_ostream & /*comments*/, int64_t value, uint64_t field) override {
    found = {static_cast<uint64_t>(value), field};
  }

  struct Found {
    uint64_t address = 0, field = 0;
  };
  std::optional<Found> found;
};

// LLVM separates with tabs, and puts both a blank and a tab behind prefixes.
std::string withSingleBlanks(std::string_view printed) {
  std::string text;
  for (char c : printed) {
    bool blank = c == ' ' || c == '\t';
    if (!blank)
      text += c;
    else if (!text.empty() && text.back() != ' ')
      text += ' ';
  }
  return text;
}

class McDecoder final : public Decoder {
public:
  McDecoder(const DecoderRow &row, const llvm::Target &target)
      : row_(row), triple_(row.triple), registers_(target.createMCRegInfo(row.triple)),
        asmInfo_(target.createMCAsmInfo(*registers_, row.triple, options_)), instructions_(target.createMCInstrInfo()),
        subtarget_(target.createMCSubtargetInfo(row.triple, "", "")),
        context_(triple_, asmInfo_.get(), registers_.get(), subtarget_.get()),
        disassembler_(target.createMCDisassembler(*subtarget_, context_)),
        analysis_(target.createMCInstrAnalysis(instructions_.get())),
        printer_(target.createMCInstPrinter(triple_, row.syntax, *asmInfo_, *instructions_, *registers_)) {
    auto finder = std::make_unique<RelativeOperandFinder>(context_, nullptr);
    finder_ = finder.get();
    disassembler_->setSymbolizer(std::move(finder));
    printer_->setPrintImmHex(true);
    printer_->setPrintBranchImmAsAddress(true);
  }

  [[nodiscard]] std::optional<Instruction> decode(BytesView bytes, uint64_t address) const override {
    std::optional<RawInstruction> raw = disassemble(bytes, address);
    if (!raw) return std::nullopt;
    Instruction result;
    result.address = address;
    result.length = static_cast<uint8_t>(raw->length);
    result.isBranch = analysis_->isBranch(raw->inst);
    result.isConditional = analysis_->isConditionalBranch(raw->inst);
    result.isCall = analysis_->isCall(raw->inst);
    result.isReturn = analysis_->isReturn(raw->inst);
    result.endsFlow = result.isReturn || (result.isBranch && !result.isConditional);
    uint64_t target = 0;
    if ((result.isBranch || result.isCall) &&
        analysis_->evaluateBranch(raw->inst, address + raw->prefixes, raw->length - raw->prefixes, target))
      result.target = target;
    result.relative = raw->relative;
    result.isIndirect = (result.isBranch || result.isCall) && !result.target;
    row_.refine(result, bytes.first(raw->length));
    return result;
  }

  [[nodiscard]] RegisterUse registers(BytesView bytes, uint64_t address) const override {
    RegisterUse use;
    std::optional<RawInstruction> raw = disassemble(bytes, address);
    if (!raw) return use;
    const llvm::MCInst &inst = raw->inst;
    const llvm::MCInstrDesc &what = instructions_->get(inst.getOpcode());
    const llvm::StringRef name = instructions_->getName(inst.getOpcode());
    auto reads = [&](llvm::MCRegister each) { use.reads |= setOf(each).first; };
    auto changes = [&](llvm::MCRegister each) {
      auto [set, whole] = setOf(each);
      use.changes |= set;
      if (whole) use.replaces |= set;
    };
    std::array<unsigned, 2> sources{};
    unsigned count = 0;
    for (unsigned i = 0; i < inst.getNumOperands(); i++) {
      if (!inst.getOperand(i).isReg()) continue;
      if (i < what.getNumDefs()) {
        changes(inst.getOperand(i).getReg());
      } else {
        reads(inst.getOperand(i).getReg());
        if (count < sources.size()) sources[count] = inst.getOperand(i).getReg();
        count++;
      }
    }
    if (count == 2 && sources[0] == sources[1] && what.getNumDefs() == 1 &&
        row_.clearsItself({name.data(), name.size()}))
      use.reads = 0;
    for (llvm::MCPhysReg each : what.implicit_uses())
      reads(each);
    for (llvm::MCPhysReg each : what.implicit_defs())
      changes(each);
    row_.refineRegisters(use, bytes.first(raw->length));
    bool onStack = name.starts_with("PUSH") || name.starts_with("POP") || usesStackPointer(inst);
    if (onStack && what.mayStore() && !what.mayLoad()) use.saves = use.reads;
    if (onStack && what.mayLoad() && !what.mayStore()) use.restores = use.replaces;
    return use;
  }

  [[nodiscard]] std::vector<uint64_t> callsOf(uint64_t target, BytesView code, uint64_t address) const override {
    return row_.callsOf(target, code, address);
  }

  [[nodiscard]] std::string text(BytesView bytes, uint64_t address) const override {
    std::optional<RawInstruction> raw = disassemble(bytes, address);
    if (!raw) return "(bad)";
    std::string printed;
    llvm::raw_string_ostream stream(printed);
    // The printer adds a displacement to the address that it is given and knows no length: hence the end.
    printer_->printInst(&raw->inst, address + raw->length, "", *subtarget_, stream);
    return row_.prefixText(bytes.first(raw->length), raw->prefixes) + withSingleBlanks(printed);
  }

private:
  // What of the calling convention's registers it is, and whether all of that.
  [[nodiscard]] std::pair<RegisterSet, bool> setOf(llvm::MCRegister each) const {
    if (!each.isValid()) return {};
    const char *name = registers_->getName(each);
    auto found = row_.registerNamed(name);
    return found ? std::pair(RegisterSet{1} << found->number, found->whole) : std::pair(RegisterSet{0}, false);
  }
  [[nodiscard]] bool usesStackPointer(const llvm::MCInst &inst) const {
    return std::ranges::any_of(inst, [&](const llvm::MCOperand &operand) {
      return operand.isReg() && operand.getReg() != 0 &&
             std::string_view(registers_->getName(operand.getReg())) == "RSP";
    });
  }
  [[nodiscard]] std::optional<RawInstruction> disassemble(BytesView bytes, uint64_t address) const {
    bytes = bytes.first(std::min<size_t>(bytes.size(), row_.maximumLength));
    RawInstruction raw;
    raw.prefixes = row_.skippedPrefixes(bytes);
    while (raw.prefixes < bytes.size()) {
      BytesView rest = bytes.subspan(raw.prefixes);
      uint64_t size = 0;
      raw.inst = llvm::MCInst();
      finder_->found.reset();
      auto status = disassembler_->getInstruction(raw.inst, size, llvm::ArrayRef(rest.data(), rest.size()),
                                                  address + raw.prefixes, llvm::nulls());
      if (status != llvm::MCDisassembler::Success || size == 0 || size > rest.size()) return std::nullopt;
      if (!row_.onlyPrefixes(rest.first(size))) {
        raw.length = raw.prefixes + size;
        if (finder_->found)
          raw.relative = {finder_->found->address, static_cast<uint8_t>(finder_->found->field - address)};
        return raw;
      }
      raw.prefixes += size;
    }
    return std::nullopt; // nothing but prefixes: cut off
  }

  const DecoderRow &row_;
  llvm::Triple triple_;
  llvm::MCTargetOptions options_;
  std::unique_ptr<llvm::MCRegisterInfo> registers_;
  std::unique_ptr<llvm::MCAsmInfo> asmInfo_;
  std::unique_ptr<llvm::MCInstrInfo> instructions_;
  std::unique_ptr<llvm::MCSubtargetInfo> subtarget_;
  llvm::MCContext context_;
  std::unique_ptr<llvm::MCDisassembler> disassembler_;
  RelativeOperandFinder *finder_ = nullptr; // owned by the disassembler
  std::unique_ptr<llvm::MCInstrAnalysis> analysis_;
  std::unique_ptr<llvm::MCInstPrinter> printer_;
};

} // namespace

Result<std::unique_ptr<Decoder>> Decoder::create(Machine machine) {
  auto row = std::ranges::find(kDecoders, machine, &DecoderRow::machine);
  if (row == kDecoders.end())
    return fail(DiagnosticId::UnsupportedMachine,
                "instructions of `" + std::string(name(machine)) + "` cannot be decoded by this version of lpc");
  row->initialize();
  std::string problem;
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(row->triple, problem);
  if (target == nullptr)
    return fail(DiagnosticId::UnsupportedMachine, "LLVM was built without `" + std::string(name(machine)) + "`");
  return std::make_unique<McDecoder>(*row, *target);
}

std::vector<Instruction> decodeAll(const Decoder &decoder, BytesView bytes, uint64_t address) {
  std::vector<Instruction> result;
  while (!bytes.empty()) {
    std::optional<Instruction> instruction = decoder.decode(bytes, address);
    if (!instruction) break;
    bytes = bytes.subspan(instruction->length);
    address += instruction->length;
    result.push_back(*instruction);
  }
  return result;
}

} // namespace lpc
