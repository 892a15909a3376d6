// LLVM's assembler writes an object file into memory, and what is wanted of it is read from there. The object writer's
// own interface would spare the file, but its fixups are numbered in a header that LLVM does not install.
//
// A jump to a symbol takes its long form, for the assembler can't know that the short one reaches: so sizes are final.
#include "ir/machine/assembler.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "ir/support/cat.h"
#include "ir/support/result.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/MC/MCAsmBackend.h"
#include "llvm/MC/MCAsmInfo.h"
#include "llvm/MC/MCCodeEmitter.h"
#include "llvm/MC/MCContext.h"
#include "llvm/MC/MCInstrInfo.h"
#include "llvm/MC/MCObjectFileInfo.h"
#include "llvm/MC/MCObjectWriter.h"
#include "llvm/MC/MCParser/MCAsmParser.h"
#include "llvm/MC/MCParser/MCTargetAsmParser.h"
#include "llvm/MC/MCRegisterInfo.h"
#include "llvm/MC/MCStreamer.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/MCTargetOptions.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Triple.h"

// What llvm/Support/TargetSelect.h declares through macros, for the one target that is linked.
extern "C" {
void LLVMInitializeX86TargetInfo(); // NOLINT(readability-identifier-naming)
void LLVMInitializeX86TargetMC();   // NOLINT(readability-identifier-naming)
void LLVMInitializeX86AsmParser();  // NOLINT(readability-identifier-naming)
}

namespace lpc {
namespace {

using Faults = std::vector<AssemblyFault>;
constexpr const char *kTriple = "x86_64-unknown-linux-gnu";
constexpr size_t kMostFaults = 20;

// --- the object file ------------------------------------------------------------------------------------------------

// Reads what LLVM has just written, so that a field out of bounds is a bug and not an error.
class ObjectReader {
public:
  explicit ObjectReader(llvm::StringRef file) : file_(file), header_(at<llvm::ELF::Elf64_Ehdr>(0)) {
    const auto &names = section(header_.e_shstrndx);
    for (uint16_t i = 0; i < header_.e_shnum; i++) {
      std::string name = string(names, section(i).sh_name);
      if (name == ".text") text_ = i;
      if (name == ".rela.text") relocations_ = i;
      if (section(i).sh_type == llvm::ELF::SHT_SYMTAB) symbols_ = i;
    }
  }

  [[nodiscard]] Bytes text() const {
    llvm::StringRef bytes = contents(section(text_));
    return {bytes.begin(), bytes.end()};
  }

  template <class Visit> void forEachSymbol(Visit visit) const {
    if (symbols_ == 0) return;
    for (uint64_t i = 1; i < section(symbols_).sh_size / sizeof(llvm::ELF::Elf64_Sym); i++)
      visit(symbol(i), nameOf(symbol(i)));
  }

  template <class Visit> void forEachRelocation(Visit visit) const {
    if (relocations_ == 0) return;
    uint64_t count = section(relocations_).sh_size / sizeof(llvm::ELF::Elf64_Rela);
    for (uint64_t i = 0; i < count; i++) {
      auto relocation = at<llvm::ELF::Elf64_Rela>(section(relocations_).sh_offset + i * sizeof(llvm::ELF::Elf64_Rela));
      visit(relocation, symbol(relocation.getSymbol()));
    }
  }

  [[nodiscard]] bool inText(const llvm::ELF::Elf64_Sym &symbol) const { return symbol.st_shndx == text_; }
  [[nodiscard]] std::string nameOf(const llvm::ELF::Elf64_Sym &symbol) const {
    return string(section(section(symbols_).sh_link), symbol.st_name);
  }

private:
  template <class T> [[nodiscard]] T at(uint64_t offset) const {
    LPC_CHECK(offset + sizeof(T) <= file_.size());
    T out;
    std::memcpy(&out, file_.data() + offset, sizeof out);
    return out;
  }
  [[nodiscard]] llvm::ELF::Elf64_Shdr section(uint64_t index) const {
    return at<llvm::ELF::Elf64_Shdr>(header_.e_shoff + index * sizeof(llvm::ELF::Elf64_Shdr));
  }
  [[nodiscard]] llvm::ELF::Elf64_Sym symbol(uint64_t index) const {
    return at<llvm::ELF::Elf64_Sym>(section(symbols_).sh_offset + index * sizeof(llvm::ELF::Elf64_Sym));
  }
  [[nodiscard]] llvm::StringRef contents(const llvm::ELF::Elf64_Shdr &section) const {
    LPC_CHECK(section.sh_offset + section.sh_size <= file_.size());
    return file_.substr(section.sh_offset, section.sh_size);
  }
  [[nodiscard]] std::string string(const llvm::ELF::Elf64_Shdr &table, uint64_t offset) const {
    llvm::StringRef bytes = contents(table).substr(offset);
    return bytes.substr(0, bytes.find('\0')).str();
  }

  llvm::StringRef file_;
  llvm::ELF::Elf64_Ehdr header_;
  uint64_t text_ = 0, relocations_ = 0, symbols_ = 0; // indexes of sections; 0: none
};

std::optional<ReferenceKind> kindOf(uint32_t type) {
  switch (type) {
  case llvm::ELF::R_X86_64_64: return ReferenceKind::Whole64;
  case llvm::ELF::R_X86_64_PC32: return ReferenceKind::Relative32;
  case llvm::ELF::R_X86_64_PLT32: return ReferenceKind::Branch32;
  case llvm::ELF::R_X86_64_32: return ReferenceKind::Unsigned32;
  case llvm::ELF::R_X86_64_32S: return ReferenceKind::Signed32;
  default: return std::nullopt;
  }
}

// --- the assembler --------------------------------------------------------------------------------------------------

class Assembler {
public:
  Assembler(const AssemblyText &text, AssemblySyntax syntax) : text_(text), syntax_(syntax) {}

  std::expected<AssembledCode, Faults> run() {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmParser();
    std::string problem;
    const llvm::Target *target = llvm::TargetRegistry::lookupTarget(kTriple, problem);
    LPC_CHECK(target != nullptr);
    llvm::SmallVector<char, 0> object;
    bool failed = write(*target, object);
    if (failed && faults_.empty()) faults_.push_back({.message = "the assembler does not accept this block"});
    if (!faults_.empty()) return std::unexpected(std::move(faults_));
    return result(ObjectReader(llvm::StringRef(object.data(), object.size())));
  }

private:
  // Assembles text_ into an object file; true where there were errors.
  bool write(const llvm::Target &target, llvm::SmallVector<char, 0> &object) {
    llvm::SourceMgr sources;
    sources.setDiagHandler([](const llvm::SMDiagnostic &d, void *self) { static_cast<Assembler *>(self)->take(d); },
                           this);
    sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBuffer(text_.text(), "asm", true), llvm::SMLoc());
    begin_ = sources.getMemoryBuffer(1)->getBufferStart();

    llvm::MCTargetOptions options;
    std::unique_ptr<llvm::MCRegisterInfo> registers(target.createMCRegInfo(kTriple));
    std::unique_ptr<llvm::MCAsmInfo> asmInfo(target.createMCAsmInfo(*registers, kTriple, options));
    std::unique_ptr<llvm::MCInstrInfo> instructions(target.createMCInstrInfo());
    std::unique_ptr<llvm::MCSubtargetInfo> subtarget(target.createMCSubtargetInfo(kTriple, "", ""));
    llvm::MCContext context(llvm::Triple(kTriple), asmInfo.get(), registers.get(), subtarget.get(), &sources, &options);
    std::unique_ptr<llvm::MCObjectFileInfo> sections(target.createMCObjectFileInfo(context, true));
    context.setObjectFileInfo(sections.get());
    context.setDiagnosticHandler([this](const llvm::SMDiagnostic &diagnostic, bool, const llvm::SourceMgr &,
                                        std::vector<const llvm::MDNode *> &) { take(diagnostic); });

    llvm::raw_svector_ostream stream(object);
    std::unique_ptr<llvm::MCAsmBackend> backend(target.createMCAsmBackend(*subtarget, *registers, options));
    std::unique_ptr<llvm::MCObjectWriter> writer = backend->createObjectWriter(stream);
    std::unique_ptr<llvm::MCCodeEmitter> emitter(target.createMCCodeEmitter(*instructions, context));
    std::unique_ptr<llvm::MCStreamer> streamer(target.createMCObjectStreamer(
        llvm::Triple(kTriple), context, std::move(backend), std::move(writer), std::move(emitter), *subtarget));
    std::unique_ptr<llvm::MCAsmParser> parser(llvm::createMCAsmParser(sources, context, *streamer, *asmInfo));
    std::unique_ptr<llvm::MCTargetAsmParser> machine(
        target.createMCAsmParser(*subtarget, *parser, *instructions, options));
    parser->setTargetParser(*machine);
    if (syntax_ == AssemblySyntax::Intel) parser->setAssemblerDialect(1);
    return parser->Run(false) || context.hadError();
  }

  void take(const llvm::SMDiagnostic &diagnostic) {
    if (diagnostic.getKind() != llvm::SourceMgr::DK_Error || faults_.size() == kMostFaults) return;
    AssemblyFault fault{.message = messageOf(diagnostic)};
    if (diagnostic.getLoc().isValid()) {
      const std::string &text = text_.text();
      size_t begin = std::min(static_cast<size_t>(diagnostic.getLoc().getPointer() - begin_), text.size()), end = begin;
      while (end < text.size() && std::string_view(" \t\r\n,;").find(text[end]) == std::string_view::npos)
        end++;
      fault.offset = text_.origin(begin);
      fault.length = text_.origin(end) - std::min(fault.offset, text_.origin(end));
    }
    faults_.push_back(std::move(fault));
  }

  std::string messageOf(const llvm::SMDiagnostic &diagnostic) const {
    std::string message = text_.inItsWords(diagnostic.getMessage().str());
    std::ranges::replace(message, '\'', '`');
    return message;
  }

  std::expected<AssembledCode, Faults> result(const ObjectReader &object) {
    AssembledCode code{.bytes = object.text(), .references = {}, .labels = {}};
    object.forEachSymbol([&](const llvm::ELF::Elf64_Sym &symbol, const std::string &name) {
      if (object.inText(symbol) && symbol.getType() != llvm::ELF::STT_SECTION)
        code.labels.push_back({name, symbol.st_value});
    });
    object.forEachRelocation([&](const llvm::ELF::Elf64_Rela &relocation, const llvm::ELF::Elf64_Sym &symbol) {
      auto kind = kindOf(relocation.getType());
      std::string name = object.inText(symbol) ? "" : object.nameOf(symbol);
      if (!kind) return refuse(name);
      int64_t addend = relocation.r_addend + (object.inText(symbol) ? static_cast<int64_t>(symbol.st_value) : 0);
      code.references.push_back({*kind, static_cast<uint32_t>(relocation.r_offset), name, addend});
    });
    std::ranges::sort(code.references, {}, &AssembledReference::offset);
    if (!faults_.empty()) return std::unexpected(std::move(faults_));
    return code;
  }

  void refuse(const std::string &identifier) {
    AssemblyName name = text_.nameOf(identifier);
    faults_.push_back(
        {.message = "an address can't be written in this form: it takes 8 bytes, or 4 where it is relative",
         .offset = name.offset,
         .length = name.length});
  }

  const AssemblyText &text_;
  AssemblySyntax syntax_;
  const char *begin_ = nullptr; // of the assembler's copy of the text
  Faults faults_;
};

} // namespace

std::expected<AssembledCode, Faults> assemble(Machine machine, const AssemblyText &text, AssemblySyntax syntax) {
  if (machine != Machine::X86_64)
    return std::unexpected(Faults{{.id = DiagnosticId::UnsupportedMachine,
                                   .message = cat("this version of lpc has no assembler for `", name(machine), "`")}});
  return Assembler(text, syntax).run();
}

} // namespace lpc
