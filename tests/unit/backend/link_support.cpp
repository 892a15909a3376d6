#include "link_support.h"

#include <dlfcn.h>
#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/child.h"

namespace lpc::backend::test {
namespace {

template <class T> T *at(Bytes &file, uint64_t offset) {
  return offset + sizeof(T) <= file.size() ? reinterpret_cast<T *>(file.data() + offset) : nullptr;
}

Elf64_Phdr *segment(Bytes &file, uint32_t type) {
  auto *header = at<Elf64_Ehdr>(file, 0);
  for (unsigned i = 0; i < header->e_phnum; i++)
    if (auto *found = at<Elf64_Phdr>(file, header->e_phoff + i * sizeof(Elf64_Phdr)); found->p_type == type)
      return found;
  return nullptr;
}

Elf64_Dyn *dynamicEntry(Bytes &file, int64_t tag) {
  Elf64_Phdr *dynamic = segment(file, PT_DYNAMIC);
  for (uint64_t offset = 0; dynamic && offset < dynamic->p_filesz; offset += sizeof(Elf64_Dyn))
    if (auto *entry = at<Elf64_Dyn>(file, dynamic->p_offset + offset); entry->d_tag == tag) return entry;
  return nullptr;
}

} // namespace

namespace {

Bytes built(std::vector<std::string> command, const std::string &source, const std::vector<std::string> &flags) {
  namespace fs = std::filesystem;
  static int number = 0;
  fs::path folder =
      fs::temp_directory_path() / ("lpc-link-" + std::to_string(getpid()) + "-" + std::to_string(number++));
  fs::create_directory(folder);
  const bool cxx = command[0].ends_with("++");
  const std::string text = folder / (cxx ? "payload.cpp" : "payload.c");
  std::ofstream(text) << source;
  command.insert(command.end(), {"-o", folder / "payload.so", text});
  command.insert(command.end(), flags.begin(), flags.end());
  auto result = lpc::test::run(command);
  EXPECT_EQ(result.status, 0) << result.err;
  std::ifstream file(folder / "payload.so", std::ios::binary);
  Bytes bytes((std::istreambuf_iterator<char>(file)), {});
  fs::remove_all(folder);
  return bytes;
}

} // namespace

Bytes compile(const std::string &source, const std::vector<std::string> &flags) {
  return built({"gcc", "-O2", "-shared", "-fPIC"}, source, flags);
}

Bytes compileObject(const std::string &compiler, const std::string &source, const std::vector<std::string> &flags) {
  if (lpc::test::run({"sh", "-c", "command -v " + compiler}).status != 0) return {};
  return built({compiler, "-c"}, source, flags);
}

bool setMachine(Bytes &file, uint16_t machine) {
  at<Elf64_Ehdr>(file, 0)->e_machine = machine;
  return true;
}

bool changeSegment(Bytes &file, uint32_t type, const std::function<void(SegmentFields &)> &change) {
  Elf64_Phdr *header = segment(file, type);
  if (header == nullptr) return false;
  SegmentFields fields{header->p_flags,  header->p_offset, header->p_vaddr,
                       header->p_filesz, header->p_memsz,  header->p_align};
  change(fields);
  header->p_flags = fields.flags;
  header->p_offset = fields.offset;
  header->p_vaddr = fields.address;
  header->p_filesz = fields.fileSize;
  header->p_memsz = fields.memorySize;
  header->p_align = fields.alignment;
  return true;
}

bool changeTag(Bytes &file, int64_t tag, int64_t newTag, uint64_t value) {
  Elf64_Dyn *entry = dynamicEntry(file, tag);
  if (entry == nullptr) return false;
  entry->d_tag = newTag;
  entry->d_un.d_val = value;
  return true;
}

bool changeRelocation(Bytes &file, uint32_t type, uint32_t newType) {
  for (auto [table, size] : {std::pair{DT_RELA, DT_RELASZ}, std::pair{DT_JMPREL, DT_PLTRELSZ}}) {
    Elf64_Dyn *address = dynamicEntry(file, table), *bytes = dynamicEntry(file, size);
    if (address == nullptr || bytes == nullptr) continue;
    // Relocation tables stand in the first segment, whose offsets are its addresses.
    for (uint64_t offset = 0; offset < bytes->d_un.d_val; offset += sizeof(Elf64_Rela)) {
      auto *rela = at<Elf64_Rela>(file, address->d_un.d_val + offset);
      if (rela == nullptr || ELF64_R_TYPE(rela->r_info) != type) continue;
      rela->r_info = ELF64_R_INFO(ELF64_R_SYM(rela->r_info), newType);
      return true;
    }
  }
  return false;
}

Loaded::Loaded(const PayloadImage &image, const std::map<std::string, uint64_t> &given, Where where) : image_(image) {
  mappingSize_ = image.size + image.alignment;
  mapping_ = mmap(nullptr, mappingSize_, PROT_NONE,
                  MAP_PRIVATE | MAP_ANONYMOUS | (where == Where::Near ? MAP_32BIT : 0), -1, 0);
  base_ = (reinterpret_cast<uint64_t>(mapping_) + image.alignment - 1) & ~(image.alignment - 1);
  auto content = image.place({base_}, [&](const UndefinedSymbol &symbol) -> Result<RemoteAddress> {
    if (symbol.own) return RemoteAddress{base_ + *symbol.own};
    if (auto found = given.find(symbol.name); found != given.end()) return RemoteAddress{found->second};
    void *address = dlsym(RTLD_DEFAULT, symbol.name.c_str());
    if (address == nullptr && !symbol.weak) return fail(DiagnosticId::UndefinedPayloadSymbol, symbol.name);
    return RemoteAddress{reinterpret_cast<uint64_t>(address)};
  });
  EXPECT_TRUE(content.has_value()) << content.error().message;
  if (!content) return;
  EXPECT_LE(content->size(), image.size);
  // As the executor does it: filled while writable, then the protections of the segments.
  for (const PayloadSegment &segment : image.segments) {
    auto *start = reinterpret_cast<uint8_t *>(base_ + segment.offset);
    EXPECT_EQ(mprotect(start, segment.size, PROT_READ | PROT_WRITE), 0);
    if (segment.offset < content->size())
      std::memcpy(start, content->data() + segment.offset, std::min(segment.size, content->size() - segment.offset));
    EXPECT_EQ(mprotect(start, segment.size, segment.protection), 0);
  }
  good_ = true;
}

Loaded::~Loaded() { munmap(mapping_, mappingSize_); }

int Loaded::protectionOf(const std::string &name) const {
  const PayloadSymbol *symbol = image_.find(name);
  EXPECT_NE(symbol, nullptr) << name;
  for (const PayloadSegment &segment : image_.segments)
    if (symbol && symbol->offset >= segment.offset && symbol->offset - segment.offset < segment.size)
      return segment.protection;
  return -1;
}

} // namespace lpc::backend::test
