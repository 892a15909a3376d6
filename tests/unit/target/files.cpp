#include "files.h"

#include <cstdlib>
#include <sstream>

namespace lpc::test {

// "   12: 0000000000012345    16 FUNC    GLOBAL DEFAULT   14 name@@VERSION (2)"
std::vector<ReadelfSymbol> readelfSymbols(const std::string &path) {
  std::vector<ReadelfSymbol> symbols;
  std::istringstream lines(run({"readelf", "-sW", path}).out);
  std::string line;
  bool dynamic = false;
  while (std::getline(lines, line)) {
    if (line.starts_with("Symbol table")) dynamic = line.find("'.dynsym'") != std::string::npos;
    std::istringstream words(line);
    std::string number, address, size, visibility;
    ReadelfSymbol symbol{.dynamic = dynamic};
    if (!(words >> number >> address >> size >> symbol.type >> symbol.binding >> visibility >> symbol.section))
      continue;
    if (number.back() != ':' || number == "Num:") continue;
    // "[<other>: 88]" may stand between visibility and section (aarch64, ppc); not on the machines of these tests.
    words >> symbol.name;
    symbol.address = std::strtoull(address.c_str(), nullptr, 16);
    symbol.size = std::strtoull(size.c_str(), nullptr, 0);
    if (size_t at = symbol.name.find('@', 1); at != std::string::npos) {
      // "@@V": the default; "@V (2)": a copy of a library's variable, with the only version it can have; "@V": another
      // one.
      bool twice = symbol.name.compare(at, 2, "@@") == 0;
      symbol.isDefault = twice || line.ends_with(')');
      symbol.version = symbol.name.substr(at + (twice ? 2 : 1));
      symbol.name.resize(at);
    }
    symbols.push_back(std::move(symbol));
  }
  return symbols;
}

} // namespace lpc::test
