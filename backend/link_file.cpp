// Headers of a payload. <elf.h> and our own checks instead of libObject: the linker needs the program headers as the
// truth, every number of them checked, and nothing else of the file.
#include "backend/link_file.h"

#include <algorithm>
#include <utility>

#include "backend/arch/arch.h"
#include "ir/support/address.h"
#include "ir/support/cat.h"

namespace lpc::backend {
namespace {

constexpr uint64_t kMaximumName = 65536;
constexpr uint64_t kMaximumFile = uint64_t{1} << 30;

std::string_view kindOf(uint16_t type) {
  switch (type) {
  case ET_EXEC: return "a program";
  case ET_CORE: return "a core dump";
  default: return "an ELF file of an unknown kind";
  }
}

} // namespace

std::optional<std::string_view> stringAt(BytesView table, uint64_t offset) {
  if (offset >= table.size()) return std::nullopt;
  // The limit keeps many names that share one long tail from costing their product.
  BytesView rest = table.subspan(offset, std::min<uint64_t>(table.size() - offset, kMaximumName));
  const void *end = std::memchr(rest.data(), 0, rest.size());
  if (end == nullptr) return std::nullopt;
  auto length = static_cast<size_t>(static_cast<const uint8_t *>(end) - rest.data());
  return std::string_view(reinterpret_cast<const char *>(rest.data()), length);
}

Result<void> PayloadFile::isFor(BytesView bytes, const std::string &name, Machine machine) {
  PayloadFile file(bytes, name);
  if (bytes.size() > kMaximumFile) return fail(DiagnosticId::FileTooLarge, cat("`", name, "` has more than 1 GiB"));
  if (bytes.size() < EI_NIDENT || std::memcmp(bytes.data(), ELFMAG, SELFMAG) != 0)
    return fail(DiagnosticId::NotElf, cat("`", name, "` is not an ELF file"));
  bool is64 = bytes[EI_CLASS] == ELFCLASS64;
  if ((!is64 && bytes[EI_CLASS] != ELFCLASS32) || bytes[EI_VERSION] != EV_CURRENT)
    return fail(DiagnosticId::NotElf, cat("`", name, "` is not an ELF file of a known class and version"));
  // e_machine stands at the same place in both classes.
  auto eMachine = readAt<uint16_t>(bytes, offsetof(Elf64_Ehdr, e_machine));
  if (!eMachine) return file.corrupt("it ends inside of its header");
  std::optional<Machine> found = bytes[EI_DATA] == ELFDATA2LSB ? machineOfElf(*eMachine, is64) : std::nullopt;
  if (found != machine)
    return fail(DiagnosticId::WrongMachine, cat("`", name, "` is for ", found ? lpc::name(*found) : "another machine",
                                                ", the target for ", lpc::name(machine)));
  if (!Arch::supports(machine) || !is64)
    return fail(DiagnosticId::UnsupportedMachine, cat("payloads for ", lpc::name(machine), " cannot be linked yet"));
  return {};
}

Result<PayloadFile> PayloadFile::open(BytesView bytes, const std::string &name, Machine machine) {
  PayloadFile file(bytes, name);
  if (auto right = isFor(bytes, name, machine); !right) return std::unexpected(std::move(right.error()));
  auto header = readAt<Elf64_Ehdr>(bytes, 0);
  if (!header) return file.corrupt("it ends inside of its header");
  file.header_ = *header;
  if (header->e_version != EV_CURRENT || header->e_ehsize < sizeof(Elf64_Ehdr))
    return file.corrupt("its header has an unknown version or size");
  if (header->e_type != ET_DYN)
    return file.unsupported(cat("is ", kindOf(header->e_type), ", and `dl` links shared and relocatable objects"));
  if (header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum == PN_XNUM)
    return file.corrupt("its program headers have an unknown form");
  for (uint64_t i = 0; i < header->e_phnum; i++) {
    // The first comparison keeps the sum from wrapping.
    if (header->e_phoff > bytes.size()) return file.corrupt("its program headers lie outside of the file");
    auto programHeader = readAt<Elf64_Phdr>(bytes, header->e_phoff + i * sizeof(Elf64_Phdr));
    if (!programHeader) return file.corrupt("its program headers lie outside of the file");
    file.programHeaders_.push_back(*programHeader);
  }
  return file;
}

Result<std::vector<Elf64_Shdr>> PayloadFile::sectionHeaders() const {
  std::vector<Elf64_Shdr> headers;
  if (header_.e_shoff == 0) return headers;
  if (header_.e_shentsize != sizeof(Elf64_Shdr)) return corrupt("its section headers have an unknown form");
  auto first = header_.e_shoff <= bytes_.size() ? readAt<Elf64_Shdr>(bytes_, header_.e_shoff) : std::nullopt;
  if (!first) return corrupt("its section headers lie outside of the file");
  // More than 0xff00 sections: their number is in the first header (gABI).
  uint64_t count = header_.e_shnum != 0 ? header_.e_shnum : first->sh_size;
  if (count > (bytes_.size() - header_.e_shoff) / sizeof(Elf64_Shdr))
    return corrupt("its section headers lie outside of the file");
  for (uint64_t i = 0; i < count; i++)
    headers.push_back(*readAt<Elf64_Shdr>(bytes_, header_.e_shoff + i * sizeof(Elf64_Shdr)));
  return headers;
}

std::optional<BytesView> PayloadFile::range(uint64_t offset, uint64_t size) const {
  if (offset > bytes_.size() || bytes_.size() - offset < size) return std::nullopt;
  return bytes_.subspan(offset, size);
}

std::unexpected<Error> PayloadFile::corrupt(const std::string &what) const {
  return fail(DiagnosticId::CorruptPayload, cat("`", name_, "` is corrupt: ", what));
}

std::unexpected<Error> PayloadFile::unsupported(const std::string &what, const std::string &help) const {
  return fail(DiagnosticId::UnsupportedPayload, cat("`", name_, "` ", what), help);
}

Result<void> PayloadFile::account(std::string_view text) {
  constexpr uint64_t kTimes = 4, kFree = 65536;
  textSize_ += text.size() + 1;
  if (textSize_ > kTimes * bytes_.size() + kFree) return corrupt("its symbols' names add up to many times its size");
  return {};
}

} // namespace lpc::backend
