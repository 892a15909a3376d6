// Every patch of the golden tests that is right: what stands in its bundle is what lpc understood, in all forms.
#include <gmock/gmock.h>

#include <filesystem>

#include "tests/cli/lpc.h"

namespace lpc::test {
namespace {

namespace fs = std::filesystem;

TEST(BundlesOfAll, AreWhatThePatchIs) {
  Folder folder;
  const std::string bundle = folder.path("x.lpb"), again = folder.path("again.lpb");
  size_t built = 0;
  for (const fs::directory_entry &entry : fs::directory_iterator(LPC_SOURCE_DIR "/tests/check")) {
    if (entry.path().extension() != ".lp") continue;
    const std::string name = entry.path().filename();
    const std::string patch = LPC_CHECK_WORK "/" + ("bundled-" + name); // beside the targets
    fs::copy_file(entry.path(), patch, fs::copy_options::overwrite_existing);
    RunResult result = lpcWith({"build", patch, "-o", bundle});
    RunResult ir = lpcWith({"dump", patch});
    fs::remove(patch);
    if (result.status != 0) continue;
    ASSERT_EQ(ir.status, 0) << name << ir.err;
    EXPECT_EQ(lpcWith({"dump", bundle}).out, ir.out) << name;
    ASSERT_EQ(lpcWith({"build", folder.write("x.lpir", ir.out), "-o", again}).status, 0) << name;
    EXPECT_EQ(run({"cmp", bundle, again}).status, 0) << name;
    built++;
  }
  EXPECT_GE(built, 60U);
}

} // namespace
} // namespace lpc::test
