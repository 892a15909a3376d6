// All of the code is decoded: what a name is called for, relocations don't tell, and pointers to functions have none.
//
// A call to an own function that is exported goes through the procedure linkage table, whose entries have unwinding
// entries, too: those jump through slots that only a linker writes. The first entry, which would call the dynamic
// linker, is left out by its first instruction; nothing that we link is bound lazily through it.
#include "backend/calls_out.h"

#include <dwarf.h>
#include <elfutils/libdw.h>

#include <algorithm>

#include "backend/link_start.h"
#include "ir/machine/decoder.h"

namespace lpc::backend {
namespace {

constexpr uint64_t kMostCode = 32 << 10; // a millisecond or two
constexpr uint8_t kEncoding = DW_EH_PE_pcrel | DW_EH_PE_sdata4;
constexpr uint8_t kPushSlot[] = {0xff, 0x35}; // push [rip + …], which compilers don't begin a function with

class CodeWalk {
public:
  CodeWalk(const PayloadImage &image, BytesView content, RemoteAddress base)
      : image_(image), content_(content), base_(base) {}

  // The functions of a table, at their offsets; nothing where it is not understood.
  [[nodiscard]] std::optional<std::vector<PayloadRange>> functionsOf(const PayloadRange &frames) const {
    BytesView table = content_.subspan(frames.offset, frames.size);
    Elf_Data data{};
    data.d_buf = const_cast<uint8_t *>(table.data()); // only read
    data.d_size = table.size();
    unsigned char ident[EI_NIDENT] = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT};
    std::vector<PayloadRange> functions;
    Dwarf_Off next = 0;
    for (Dwarf_Off at = 0;; at = next) {
      Dwarf_CFI_Entry entry;
      int end = dwarf_next_cfi(ident, &data, true, at, &next, &entry);
      if (end != 0 || next == Dwarf_Off(-1)) return end == 1 ? std::optional(std::move(functions)) : std::nullopt;
      if (entry.CIE_id == LIBDW_CIE_ID) {
        bool plain = entry.cie.augmentation == std::string_view("zR") && entry.cie.augmentation_data_size == 1 &&
                     entry.cie.augmentation_data[0] == kEncoding;
        if (!plain) return std::nullopt;
        continue;
      }
      if (entry.fde.end - entry.fde.start < 8) return std::nullopt;
      uint64_t place = frames.offset + static_cast<uint64_t>(entry.fde.start - table.data());
      auto distance = static_cast<int32_t>(loadLittle({entry.fde.start, 4}));
      functions.push_back({place + static_cast<uint64_t>(int64_t{distance}), loadLittle({entry.fde.start + 4, 4})});
    }
  }

  [[nodiscard]] bool leaves(const Decoder &decoder, const PayloadRange &function) const {
    if (function.offset > content_.size() || function.size > content_.size() - function.offset) return true;
    BytesView code = content_.subspan(function.offset, function.size);
    if (std::ranges::equal(code.first(std::min(code.size(), std::size(kPushSlot))), kPushSlot)) return false;
    RemoteAddress at = base_ + function.offset;
    while (!code.empty()) {
      auto instruction = decoder.decode(code, at.value);
      if (!instruction) return true;
      if ((instruction->isCall || instruction->isBranch) && !staysInside(*instruction)) return true;
      code = code.subspan(instruction->length);
      at = at + instruction->length;
    }
    return false;
  }

private:
  [[nodiscard]] bool staysInside(const Instruction &instruction) const {
    if (instruction.isIndirect)
      return instruction.relative && image_.isImport(instruction.relative->address - base_.value);
    return instruction.target && *instruction.target - base_.value < image_.size;
  }

  const PayloadImage &image_;
  BytesView content_;
  RemoteAddress base_;
};

} // namespace

bool callsOut(const PayloadImage &image, BytesView content, RemoteAddress base, const PayloadRange &frames) {
  auto isHook = [](const UndefinedSymbol &symbol) { return isStartHook(symbol.name); };
  if (!std::ranges::all_of(image.undefined, isHook) || !image.indirect.empty()) return true;
  auto decoder = Decoder::create(image.machine());
  CodeWalk walk(image, content, base);
  auto functions = walk.functionsOf(frames);
  if (!decoder || !functions) return true;
  uint64_t left = kMostCode;
  return std::ranges::any_of(*functions, [&](const PayloadRange &function) {
    if (function.size > left) return true;
    left -= function.size;
    return walk.leaves(**decoder, function);
  });
}

} // namespace lpc::backend
