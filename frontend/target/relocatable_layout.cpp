// Where the sections of a relocatable object stand: by kind of memory, in the order of the file, each segment on pages
// of its own. Addresses are offsets in the file up to the zeroed part, so that every alignment holds by itself.
#include <algorithm>

#include "frontend/target/relocatable_image.h"

namespace lpc::target {
namespace {

constexpr uint64_t kPage = 4096, kWord = 8, kMaximumImage = uint64_t{1} << 30;

// A small file must not ask for a large image of nothing.
constexpr uint64_t kMaximumPadding = uint64_t{64} << 20;

uint64_t up(uint64_t value, uint64_t alignment) { return (value + alignment - 1) & ~(alignment - 1); }

// `.init_array.00101` runs before `.init_array.00200`, and those without a number last (GNU ld's
// SORT_BY_INIT_PRIORITY).
uint64_t priorityOf(std::string_view section) {
  constexpr uint64_t kLast = 65536;
  size_t dot = section.rfind('.');
  if (dot == 0 || dot == std::string_view::npos || dot + 1 == section.size()) return kLast;
  uint64_t number = 0;
  for (char digit : section.substr(dot + 1)) {
    if (digit < '0' || digit > '9' || number > kLast) return kLast;
    number = number * 10 + static_cast<uint64_t>(digit - '0');
  }
  return number;
}

class Layouter {
public:
  explicit Layouter(RelocatableInput &input) : input_(input) {
    for (InputSection &section : input.sections)
      if (section.part != Part::None) sections_[static_cast<size_t>(section.part)].push_back(&section);
    for (Part part : {Part::PreinitArray, Part::InitArray, Part::FiniArray})
      std::ranges::stable_sort(sections_[static_cast<size_t>(part)], {},
                               [](const InputSection *section) { return priorityOf(section->name); });
    layout_.alignment = kPage;
  }

  Result<ImageLayout> run(const LinkerMade &made) {
    constexpr uint64_t kTerminator = 4; // a length of 0 ends .eh_frame
    at_ = headersSize();
    add(Part::ReadOnly);
    add(Part::Unwind);
    if (ImageRange &unwind = range(Part::Unwind); unwind.size() != 0) unwind.end = at_ += kTerminator;
    layout_.unwindIndex = room(made.unwindIndex, kTerminator);
    layout_.readOnly = {0, at_};

    at_ = layout_.code.begin = up(at_, kPage);
    add(Part::Code);
    layout_.stubs = room(made.stubs, 2 * kWord);
    layout_.code.end = at_;

    at_ = layout_.relro.begin = layout_.data.begin = up(at_, kPage);
    for (Part part : {Part::PreinitArray, Part::InitArray, Part::FiniArray, Part::Relro})
      add(part);
    layout_.table = room(made.table, kWord);
    at_ = layout_.relro.end = up(at_, kPage);
    add(Part::Data);
    layout_.contentEnd = layout_.data.end = at_;
    add(Part::Zeroed);
    addCommons();
    range(Part::Zeroed).end = at_;
    layout_.end = up(at_, kPage);
    if (tooLarge_) return input_.unsupported("needs more than 1 GiB of address space");
    if (padding_ > kMaximumPadding) return input_.unsupported("has many sections that are aligned to large pages");
    setSymbols();
    return layout_;
  }

private:
  ImageRange &range(Part part) { return layout_.parts[static_cast<size_t>(part)]; }

  ImageRange room(uint64_t size, uint64_t alignment) {
    if (size == 0) return {at_, at_};
    at_ = up(at_, alignment);
    uint64_t begin = at_;
    advance(size);
    return {begin, at_};
  }

  // Sizes and alignments are at most 1 GiB: no sum wraps.
  void advance(uint64_t size) {
    if (tooLarge_ || at_ + size > kMaximumImage) tooLarge_ = true;
    if (!tooLarge_) at_ += size;
  }

  void add(Part part) {
    bool first = true;
    range(part) = {at_, at_};
    for (InputSection *section : sections_[static_cast<size_t>(part)]) {
      // A gap between two sections of frames would be taken for their end; they are whole words.
      constexpr uint64_t kFrameAlignment = 4;
      uint64_t alignment =
          part == Part::Unwind && !first ? std::min(section->alignment, kFrameAlignment) : section->alignment;
      layout_.alignment = std::max(layout_.alignment, alignment);
      section->address = up(at_, alignment);
      if (part != Part::Zeroed) padding_ += section->address - at_;
      at_ = section->address;
      if (first) range(part).begin = at_;
      first = false;
      advance(section->size);
    }
    range(part).end = at_;
  }

  void addCommons() {
    for (InputSymbol &symbol : input_.symbols) {
      if (symbol.home != InputSymbol::Home::Common) continue;
      uint64_t alignment = std::max<uint64_t>(symbol.raw.st_value, 1);
      layout_.alignment = std::max(layout_.alignment, alignment);
      symbol.address = at_ = up(at_, alignment);
      advance(symbol.raw.st_size);
    }
  }

  void setSymbols() {
    using Home = InputSymbol::Home;
    for (InputSymbol &symbol : input_.symbols) {
      switch (symbol.home) {
      case Home::Section: symbol.address = input_.sections[symbol.section].address + symbol.raw.st_value; break;
      case Home::Absolute: symbol.address = symbol.raw.st_value; break;
      case Home::Made: symbol.address += layout_.table.begin; break;
      case Home::Common:
      case Home::Undefined:
      case Home::Stub: // made when there is a layout
      case Home::Nowhere: break;
      }
    }
  }

  RelocatableInput &input_;
  std::array<std::vector<InputSection *>, static_cast<size_t>(Part::None)> sections_;
  ImageLayout layout_;
  uint64_t at_ = 0;
  uint64_t padding_ = 0; // between sections that have bytes
  bool tooLarge_ = false;
};

} // namespace

Result<ImageLayout> layOut(RelocatableInput &input, const LinkerMade &made) { return Layouter(input).run(made); }

} // namespace lpc::target
