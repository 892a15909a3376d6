// A million symbols, of which 20 names are looked up: the answers are expected, time and memory are printed (the aim is
// 25 ms and 30 MB).
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <random>

#include "files.h"

namespace lpc::target {
namespace {

using namespace lpc::test;

constexpr size_t kSymbols = 1'000'000, kWanted = 20;

// A program with nothing but a symbol table, names of 30 to 45 characters in no order of addresses.
struct Million {
  std::string path = madeFile("million-") + testing::UnitTest::GetInstance()->current_test_info()->name();
  std::vector<std::string> names; // wanted
  std::vector<uint64_t> addresses;
};

Million makeMillion(bool cxx) {
  Million result;
  std::mt19937_64 random(42);
  const std::vector<std::string> words{"connection", "buffer", "request", "handler", "server", "client", "parse",
                                       "config",     "thread", "worker",  "queue",   "cache",  "stream", "session"};
  const std::vector<std::string> endings{"v", "i", "PKcS1_", "RKNS_5ValueE", "PNS_8FunctionENS_9StringRefE"};
  Bytes strings{0}, symbols(24);
  for (size_t i = 0; i < kSymbols; i++) {
    const std::string &first = words[random() % words.size()],
                      second = words[random() % words.size()] + std::to_string(i);
    std::string name = cxx ? "_ZN4llvm" + std::to_string(first.size()) + first + std::to_string(second.size()) +
                                 second + "E" + endings[random() % endings.size()]
                           : first + "_" + words[random() % words.size()] + "_" + second;
    uint64_t address = 0x400000 + (i * 7919 % kSymbols) * 16;
    appendLittle(symbols, strings.size(), 4);
    appendLittle(symbols, 0x12, 1); // a global function
    appendLittle(symbols, 0, 1);
    appendLittle(symbols, 0xff00, 2);
    appendLittle(symbols, address, 8);
    appendLittle(symbols, 16, 8);
    strings.insert(strings.end(), name.begin(), name.end());
    strings.push_back(0);
    if (i % (kSymbols / kWanted) == 77) result.names.push_back(name), result.addresses.push_back(address);
  }
  // Header, three section headers (null, .symtab, .strtab), a segment of zeros for the addresses, then the tables.
  Bytes bytes = fromHex("7f454c46020101000000000000000000").value();
  auto append = [&](std::initializer_list<std::pair<uint64_t, unsigned>> numbers) {
    for (auto [value, width] : numbers)
      appendLittle(bytes, value, width);
  };
  constexpr uint64_t kSegments = 64, kSections = kSegments + 56;
  append({{2, 2},
          {62, 2},
          {1, 4},
          {0, 8},
          {kSegments, 8},
          {kSections, 8},
          {0, 4},
          {64, 2},
          {56, 2},
          {1, 2},
          {64, 2},
          {3, 2},
          {0, 2}});
  append({{1, 4}, {5, 4}, {0, 8}, {0x400000, 8}, {0, 8}, {0, 8}, {kSymbols * 16, 8}, {0x1000, 8}}); // PT_LOAD, r-x
  bytes.resize(kSections + 64);
  uint64_t at = kSections + 3 * 64;
  auto section = [&](uint64_t type, uint64_t size, uint64_t link, uint64_t entry) {
    append({{0, 4}, {type, 4}, {0, 8}, {0, 8}, {at, 8}, {size, 8}, {link, 4}, {1, 4}, {8, 8}, {entry, 8}});
    at += size;
  };
  section(2, symbols.size(), 2, 24);
  section(3, strings.size(), 0, 0);
  bytes.insert(bytes.end(), symbols.begin(), symbols.end());
  bytes.insert(bytes.end(), strings.begin(), strings.end());
  writeAll(result.path, bytes);
  return result;
}

// Time of this thread alone: others may be using the machine.
double cpuMilliseconds() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  auto of = [](const timeval &time) {
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

long statusKilobytes(const std::string &field) {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line))
    if (line.starts_with(field)) return std::stol(line.substr(field.size() + 1));
  return 0;
}

// How much a look-up makes a process grow at its peak: in a child, whose peak starts with what it inherits.
long grownKilobytes(const Million &million) {
  int ends[2];
  if (pipe(ends) != 0) return -1;
  pid_t child = fork();
  if (child == 0) {
    long before = statusKilobytes("VmRSS:");
    auto file = ElfFile::open(million.path, "million");
    bool right = file && (*file)->find(million.names).size() == kWanted;
    long grown = right ? statusKilobytes("VmHWM:") - before : -1;
    _exit(write(ends[1], &grown, sizeof grown) == sizeof grown ? 0 : 1);
  }
  close(ends[1]);
  long grown = -1;
  if (read(ends[0], &grown, sizeof grown) != sizeof grown) grown = -1;
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return grown;
}

// The figures are printed, not expected: they are the machine's as much as ours.
void lookUpTwenty(bool cxx) {
  Million million = makeMillion(cxx);
  std::vector<double> times;
  for (unsigned round = 0; round < 7; round++) {
    double start = cpuMilliseconds();
    auto file = openElf(million.path);
    ASSERT_TRUE(file);
    auto found = file->find(million.names);
    times.push_back(cpuMilliseconds() - start);
    for (size_t i = 0; i < kWanted; i++) {
      ASSERT_EQ(found[i].size(), 1U) << million.names[i];
      ASSERT_EQ(found[i][0].address.value, million.addresses[i]);
      ASSERT_EQ(found[i][0].name, million.names[i]);
    }
  }
  long grown = grownKilobytes(million);
  EXPECT_GT(grown, 0);
  std::ranges::sort(times);
  std::printf("%s names: %.1f ms of processor (fastest %.1f), %ld KB\n", cxx ? "C++" : "C", times[times.size() / 2],
              times[0], grown);
  std::remove(million.path.c_str());
}

TEST(Million, TwentyNamesOfC) { lookUpTwenty(false); }
TEST(Million, TwentyMangledNames) { lookUpTwenty(true); }

TEST(Million, DemangledName) {
  Million million = makeMillion(true);
  auto file = openElf(million.path);
  ASSERT_TRUE(file);
  RunResult demangled = run({"c++filt", million.names[0]});
  if (demangled.status != 0) GTEST_SKIP() << "no c++filt: " << demangled.err;
  demangled.out.pop_back();
  double start = cpuMilliseconds();
  Symbol symbol = only(*file, demangled.out);
  std::printf("one demangled name: %.1f ms of processor\n", cpuMilliseconds() - start);
  EXPECT_EQ(symbol.name, million.names[0]);
  // Questions by address: the first ones scan, then there is an index.
  for (unsigned i = 0; i < 20; i++) {
    start = cpuMilliseconds();
    auto there = file->symbolAt(LinkAddress{million.addresses[i]} + 3);
    if (i == 0 || i == 4 || i == 5)
      std::printf("question %u by address: %.2f ms of processor\n", i + 1, cpuMilliseconds() - start);
    ASSERT_TRUE(there);
    ASSERT_EQ(there->name, million.names[i]);
  }
  std::remove(million.path.c_str());
}

} // namespace
} // namespace lpc::target
