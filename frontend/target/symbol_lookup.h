// From names and table entries to Symbols: what .symtab, .dynsym and a debug file's .symtab say, put together. Internal
// to frontend/target.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "frontend/target/elf_image.h"
#include "frontend/target/file_contents.h"
#include "frontend/target/symbol_table.h"

namespace lpc::target {

// What passes over the tables showed besides what they were made for: it is asked for next. Of patches with so many
// names that to keep it would cost more than another pass, nothing is kept.
struct SeenSymbols {
  struct Clone {
    uint32_t table = 0, symbol = 0; // of tables()
  };
  std::unordered_map<std::string, std::vector<Clone>> clones; // of each name that was looked for
  std::vector<uint64_t> places;                               // where code that was found begins and ends
};

class SymbolLookup {
public:
  struct Source {
    const ElfImage *image = nullptr;
    const FileContents *contents = nullptr;
  };
  // `debug` may be empty. `seen` outlives this; it is of these two sources.
  SymbolLookup(Source file, Source debug, SeenSymbols &seen) : file_(file), debug_(debug), seen_(seen) {}

  struct Table {
    const SymbolTable *table = nullptr;
    const FileContents *contents = nullptr;
    bool dynamic = false;
  };
  // The tables there are, .dynsym last.
  [[nodiscard]] std::vector<Table> tables() const;

  // As ElfFile's.
  [[nodiscard]] std::vector<std::vector<Symbol>> find(const std::vector<std::string> &names, Spelling spelling) const;
  [[nodiscard]] std::vector<std::vector<Symbol>> clonesOf(const std::vector<std::string> &names) const;
  // The symbol at `index` of one of the tables(), with what .dynsym says of it.
  [[nodiscard]] Symbol describe(const Table &table, size_t index) const;
  // Its name as a patch can write it: with `@VERSION` where that is not the default one. Empty: nameless or too long.
  [[nodiscard]] std::string nameToWrite(const Table &table, size_t index) const;

private:
  [[nodiscard]] Symbol symbolOf(const Table &table, size_t index) const;
  [[nodiscard]] std::vector<NameHit> dynamicHits(std::span<const std::string_view> names) const;
  [[nodiscard]] std::vector<std::vector<Symbol>> byName(const std::vector<std::string_view> &bases,
                                                        Spelling spelling) const;
  [[nodiscard]] std::vector<std::vector<Symbol>> byCxxName(const std::vector<std::string_view> &names) const;
  void addExports(std::vector<Symbol> &symbols, const std::vector<Symbol> &dynamic) const;
  void note(const std::vector<std::vector<Symbol>> &found) const;

  Source file_, debug_;
  SeenSymbols &seen_;
};

} // namespace lpc::target
