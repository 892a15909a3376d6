// Where an object keeps the addresses of what it imports. Internal to frontend/target.
#pragma once

#include <string_view>
#include <vector>

#include "frontend/target/elf_image.h"

namespace lpc::target {

// As ElfFile::importSlots; in the order of the relocations, each address once.
std::vector<ElfFile::ImportSlot> importSlots(const ElfImage &image, std::string_view symbol);

// As ElfFile::resolvedSlots.
std::vector<LinkAddress> resolvedSlots(const ElfImage &image, LinkAddress resolver);

} // namespace lpc::target
