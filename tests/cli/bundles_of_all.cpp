// Every patch that is right, of the golden tests, the samples and the language reference: what stands in its bundle is
// what lpc understood, in all forms.
#include <gmock/gmock.h>

#include <filesystem>

#include "tests/cli/lpc.h"

namespace lpc::test {
namespace {

namespace fs = std::filesystem;

class BundlesOfAll : public testing::Test {
protected:
  // The patch at `path`, built and read again; `copy`: the same bytes, beside the files that it names. False where it
  // has errors.
  bool isWhatItsBundleIs(const fs::path &path, const fs::path &copy) {
    if (copy != path) fs::copy_file(path, copy, fs::copy_options::overwrite_existing);
    const std::string bundle = folder_.path("x.lpb"), again = folder_.path("again.lpb");
    RunResult result = lpcWith({"build", copy, "-o", bundle});
    RunResult ir = lpcWith({"dump", copy});
    if (copy != path) fs::remove(copy);
    EXPECT_EQ(result.status, ir.status) << path;
    if (result.status != 0) return false;
    EXPECT_EQ(lpcWith({"dump", bundle}).out, ir.out) << path;
    EXPECT_EQ(lpcWith({"build", folder_.write("x.lpir", ir.out), "-o", again}).status, 0) << path;
    EXPECT_EQ(run({"cmp", bundle, again}).status, 0) << path;
    return true;
  }

  Folder folder_;
};

TEST_F(BundlesOfAll, GoldenTests) {
  size_t built = 0;
  for (const fs::directory_entry &entry : fs::directory_iterator(LPC_SOURCE_DIR "/tests/check"))
    if (entry.path().extension() == ".lp")
      built += isWhatItsBundleIs(entry.path(), LPC_CHECK_WORK "/bundled-" + entry.path().filename().string()) ? 1U : 0U;
  EXPECT_GE(built, 60U);
}

TEST_F(BundlesOfAll, Samples) {
  size_t built = 0;
  for (const fs::directory_entry &sample : fs::directory_iterator(LPC_SAMPLES))
    if (sample.is_directory())
      for (const fs::directory_entry &file : fs::directory_iterator(sample))
        if (file.path().extension() == ".lp") {
          EXPECT_TRUE(isWhatItsBundleIs(file, file)) << file;
          built++;
        }
  EXPECT_GE(built, 5U);
}

TEST_F(BundlesOfAll, LanguageReference) {
  size_t built = 0;
  for (const auto &[heading, example] : languageExamples()) {
    const fs::path file = folder_.write("example.lp", example);
    EXPECT_TRUE(isWhatItsBundleIs(file, LPC_CHECK_WORK "/bundled-example.lp")) << heading << example;
    built++;
  }
  EXPECT_GE(built, 3U);
}

} // namespace
} // namespace lpc::test
