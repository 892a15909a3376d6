// What the file of a `dlopen` says of the object that it becomes in the process: its symbols, and what stands where.
//
// The address of the object is known once the process's dynamic linker has loaded it. Before that plans are made with a
// stand-in that lies outside of every address space, so that nothing real can be mistaken for it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "backend/plan.h"
#include "frontend/target/elf_file.h"

namespace lpc::backend {

class OpenImage {
public:
  // CorruptPayload, NotElf, WrongMachine, UnsupportedPayload; `number`: among those of the patch.
  static Result<OpenImage> read(const ir::Payload &payload, Machine machine, size_t number);

  void loadedAt(RemoteAddress base) { base_ = base, loaded_ = true; }
  [[nodiscard]] RemoteAddress baseFor(LoadBias bias) const { return bias.of(start_); }
  [[nodiscard]] bool loaded() const { return loaded_; }
  [[nodiscard]] RemoteAddress base() const { return base_; } // what `$NAME` means
  [[nodiscard]] uint64_t size() const { return size_; }
  [[nodiscard]] bool contains(RemoteAddress at) const { return at >= base_ && at - base_ < size_; }
  [[nodiscard]] const std::string &file() const { return file_->name(); }

  // What it exports under that name. Nothing: no such symbol.
  [[nodiscard]] std::optional<target::Symbol> exported(const std::string &symbol) const;
  [[nodiscard]] RemoteAddress of(LinkAddress address) const { return base_ + (address - start_); }
  // What the file has there before it is relocated; nothing where not all of it is in one segment.
  [[nodiscard]] std::optional<Bytes> bytesAt(RemoteAddress at, uint64_t size) const;
  [[nodiscard]] bool executableAt(RemoteAddress at) const;
  // Does the process have at `bias` what the file has, wherever neither relocation nor the program changes it?
  [[nodiscard]] Result<bool> standsAt(LoadBias bias, const runtime::Process &process) const;
  [[nodiscard]] const Bytes &buildId() const { return file_->buildId(); }

private:
  std::shared_ptr<const target::ElfFile> file_;
  LinkAddress start_{}; // of its first segment's page
  RemoteAddress base_{};
  uint64_t size_ = 0;
  bool loaded_ = false;
};

using OpenImages = std::map<ir::MemoryId, OpenImage>;

// The image with that address; null where there is none.
const OpenImage *imageAt(const OpenImages &images, RemoteAddress address);

} // namespace lpc::backend
