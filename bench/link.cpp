// bench_link OBJECT [ROUNDS]: how long the payload linker takes for a file, from its bytes to relocated ones, in
// microseconds; a JSON line of the fastest and the median. Undefined symbols are taken to be near.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "backend/link.h"

using namespace lpc;

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  std::ifstream in(argv[1], std::ios::binary);
  Bytes file((std::istreambuf_iterator<char>(in)), {});
  int rounds = argc > 2 ? std::max(atoi(argv[2]), 1) : 1;
  std::vector<double> took;
  size_t size = 0;
  for (int i = 0; i < rounds; i++) {
    auto begin = std::chrono::steady_clock::now();
    auto image = backend::PayloadImage::read(file, argv[1], Machine::X86_64);
    auto content = image ? image->place({0x5555'0000'0000},
                                        [](const backend::UndefinedSymbol &) -> Result<RemoteAddress> {
                                          return RemoteAddress{0x5555'1000'0000};
                                        })
                         : std::unexpected(image.error());
    took.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
    if (!content) {
      fprintf(stderr, "%s\n", content.error().message.c_str());
      return 1;
    }
    size = content->size();
  }
  std::ranges::sort(took);
  printf("{\"fastest_us\":%.0f,\"median_us\":%.0f,\"bytes\":%zu}\n", took.front(), took[took.size() / 2], size);
}
