// Addresses of the patch: resolved, with what the files know of the place they lead to.
#pragma once

#include <map>

#include "frontend/sema/names.h"

namespace lpc::sema {

// Something whose parts have fixed distances: two addresses in one region can be compared before anything is loaded.
enum class RegionKind : uint8_t { Object, Memory, Absolute, Loaded };
struct Region {
  RegionKind kind = RegionKind::Absolute;
  uint32_t index = 0;
  auto operator<=>(const Region &) const = default;
};

struct Spot {
  const ast::Address *written = nullptr; // with its place
  ir::Address address;
  Region region;
  uint64_t offset =
      0; // in the region: link address, offset in the memory, address, displacement from the pointer + 2^63

  // The file that has the bytes: an object, or the payload of linked memory. Null for other memory, absolute and loaded
  // addresses.
  const target::ElfFile *file = nullptr;
  LinkAddress link{};                     // in `file`
  std::string owner{};                    // how messages call the file
  size_t object = 0;                      // whose file it is, where it is no payload's
  const target::Symbol *symbol = nullptr; // that it was named by
  int64_t addend = 0;                     // from the symbol
  const Memory *memory = nullptr;         // of `new`, `load`, `dl`

  [[nodiscard]] Place place() const { return written->place; }
  [[nodiscard]] bool inProgramFile() const {
    return file != nullptr && memory == nullptr;
  } // of an object, not of a payload
};

class Addresses {
public:
  Addresses(Context &context, const Memories &memories, const Symbols &symbols, Program &out)
      : context_(context), memories_(memories), symbols_(symbols), out_(out) {}

  // Nothing where a name has no meaning, or where it belongs to something that was reported before. `statement` is the
  // index of the statement that it stands in, for `$` names are known from the next statement on.
  std::optional<Spot> resolve(const ast::Address &address, size_t statement);

  // A `let`: its address is resolved, and its name can be used from the next statement on.
  void name(const ast::Let &let, size_t statement);

  // A link address of an object, for `written`. NotMapped.
  std::optional<Spot> inFile(const ast::Address &written, size_t object, LinkAddress address);

  // The address of a symbol of the program (object 0), for bindings.
  ir::Address ofProgram(const target::Symbol &symbol);

  Context &context() { return context_; }
  [[nodiscard]] const Memories &memories() const { return memories_; }
  [[nodiscard]] const Symbols &symbols() const { return symbols_; }

private:
  using Base = decltype(ast::Address::base);
  // What a `let` stands for, with no other `let` in between.
  struct Named {
    const Base *base = nullptr;
    int64_t addend = 0;
    size_t statement = 0; // that the base is seen from
    unsigned depth = 0;   // pointers that are followed
  };

  std::optional<Spot> resolveBase(const ast::Address &address, const Base &base, int64_t addend, size_t statement);
  std::optional<Spot> named(const ast::Address &address, const ast::MemoryAddress &base, int64_t addend,
                            const Memory &let);
  [[nodiscard]] const Named *letBehind(const Base &base, size_t statement) const;
  [[nodiscard]] unsigned depthOf(const ast::Address &address, size_t statement) const;
  bool tooDeep(const ast::Address &address, size_t statement);
  std::optional<Spot> symbol(const ast::Address &address, const ast::SymbolAddress &base, int64_t addend);
  std::optional<Spot> absolute(const ast::Address &address, const ast::AbsoluteAddress &base, int64_t addend);
  std::optional<Spot> object(const ast::Address &address, const ast::ObjectAddress &base, int64_t addend);
  std::optional<Spot> memory(const ast::Address &address, const ast::MemoryAddress &base, int64_t addend,
                             size_t statement);
  std::optional<Spot> loaded(const ast::Address &address, const ast::LoadedAddress &base, int64_t addend,
                             size_t statement);

  std::optional<Spot> inObject(Spot spot, size_t object, const std::shared_ptr<const target::ElfFile> &file,
                               LinkAddress base);
  std::optional<Spot> inPayload(Spot spot, const ast::Name &name);
  std::optional<Spot> outside(const ast::Address &address, const std::string &why);
  std::optional<size_t> objectOf(const ast::Name &name);
  ir::ObjectId idOf(size_t object, const target::ElfFile &file);

  Context &context_;
  const Memories &memories_;
  const Symbols &symbols_;
  Program &out_;
  std::map<size_t, ir::ObjectId> ids_;       // objects that are referred to
  std::map<std::string, uint32_t> pointers_; // regions behind `[ … ]`
  std::map<const Memory *, Named> lets_;     // those without errors
};

} // namespace lpc::sema
