// The mappings of live processes, and that memory really can be had where freeSpace says so.
#include "runtime/maps.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "tests/live/stop_support.h"

namespace lpc::runtime {
namespace {

using namespace lpc::test;

TEST(Maps, OfALiveProcess) {
  for (const char *name : {"crowd", "crowd_pie"}) {
    Child child({target(name), "2", "0"});
    ASSERT_TRUE(child.lineWith("ready"));
    Process process = opened(child.pid());
    auto maps = readMaps(process);
    ASSERT_TRUE(maps) << maps.error().message;
    EXPECT_EQ(maps->size(), stateOf(child.pid()).mappings);
    EXPECT_TRUE(std::ranges::is_sorted(*maps, {}, &Mapping::range));
    auto program = std::ranges::find(*maps, process.executable(), &Mapping::path);
    ASSERT_NE(program, maps->end());
    EXPECT_EQ(program->offset, 0U);
    EXPECT_NE(std::ranges::find(*maps, "[stack]", &Mapping::path), maps->end());
    for (const Mapping &mapping : *maps)
      EXPECT_EQ(mappingAt(*maps, mapping.range.end - 1), &mapping);
  }
}

// In this very process: mmap takes every candidate.
TEST(Maps, FreeSpaceIsFree) {
  std::string text;
  char chunk[65536];
  int fd = open("/proc/self/maps", O_RDONLY);
  for (ssize_t size; (size = read(fd, chunk, sizeof chunk)) > 0;)
    text.append(chunk, static_cast<size_t>(size));
  close(fd);
  auto maps = parseMaps(text);
  for (const Mapping &near : maps) {
    if (!near.executable || near.path.starts_with("[")) continue;
    auto candidates = freeSpace(maps, near.range, 65536, 0x7ff00000);
    EXPECT_FALSE(candidates.empty()) << near.path;
    for (RemoteAddress at : candidates) {
      void *wanted = reinterpret_cast<void *>(at.value); // our own memory, for once
      void *got = mmap(wanted, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
      EXPECT_EQ(got, wanted) << hexAddress(at);
      if (got != MAP_FAILED) munmap(got, 65536);
    }
  }
}

} // namespace
} // namespace lpc::runtime
