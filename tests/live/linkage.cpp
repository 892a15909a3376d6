// Programs as they are linked and shipped: every kind of executable, C libraries, separate debug files, files that were
// replaced since the start. The same patch works on each, from both kinds of payload, and is taken back.
#include "tests/live/linkage.h"

#include <filesystem>

namespace lpc::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct Kind {
  std::string name;
  std::vector<std::string> compiler;
};
void PrintTo(const Kind &kind, std::ostream *out) { *out << kind.name; }

class LinkageOf : public Linkage, public testing::WithParamInterface<Kind> {};

TEST_P(LinkageOf, AppliedAndReverted) {
  buildPayloads();
  folder_.write("program.c", kLinkageProgram);
  std::vector<std::string> words = GetParam().compiler;
  if (words[0] != "gcc" && !fs::exists("/usr/bin/" + words[0])) GTEST_SKIP() << words[0] << " is not installed";
  words.insert(words.end(), {"-O2", "-o", "program", "program.c"});
  if (!compile(words)) GTEST_SKIP() << why_;
  start({"./program"});
  expectPatchable();
}

INSTANTIATE_TEST_SUITE_P(
    Live, LinkageOf,
    testing::Values(Kind{"Pie", {"gcc", "-fPIE", "-pie"}}, Kind{"NoPie", {"gcc", "-fno-pie", "-no-pie"}},
                    Kind{"BoundAtStart", {"gcc", "-fPIE", "-pie", "-Wl,-z,now,-z,relro"}},
                    Kind{"WithEndbr", {"gcc", "-fPIE", "-pie", "-fcf-protection=full"}},
                    Kind{"RelativeRelocationsPacked", {"gcc", "-fPIE", "-pie", "-Wl,-z,pack-relative-relocs"}},
                    Kind{"InOneSegment", {"gcc", "-fno-pie", "-no-pie", "-Wl,-z,noseparate-code"}},
                    Kind{"Static", {"gcc", "-fno-pie", "-static"}}, Kind{"StaticPie", {"gcc", "-fPIE", "-static-pie"}},
                    Kind{"Clang", {"clang-19", "-fPIE", "-pie"}}, Kind{"Musl", {"musl-gcc", "-fPIE", "-pie"}},
                    Kind{"MuslNoPie", {"musl-gcc", "-fno-pie", "-no-pie"}},
                    Kind{"MuslStatic", {"musl-gcc", "-fno-pie", "-static"}},
                    Kind{"MuslStaticPie", {"musl-gcc", "-fPIE", "-static-pie"}}),
    [](const auto &test) { return test.param.name; });

// --- where the names are, and which file is meant ----------------------------------------------------------------

class LinkageFiles : public Linkage {
protected:
  void SetUp() override {
    buildPayloads();
    folder_.write("program.c", kLinkageProgram);
    ASSERT_TRUE(compile({"gcc", "-O2", "-g", "-o", "program", "program.c"})) << why_;
  }
  void mustRun(const std::vector<std::string> &words) {
    RunResult done = run(words);
    ASSERT_EQ(done.status, 0) << done.err;
  }
};

TEST_F(LinkageFiles, StrippedWithADebugFileThatItNames) {
  mustRun({"objcopy", "--only-keep-debug", "program", "program.debug"});
  mustRun({"objcopy", "--strip-all", "--add-gnu-debuglink=program.debug", "program"});
  start({"./program"});
  expectPatchable();
}

TEST_F(LinkageFiles, StrippedWithoutADebugFile) {
  mustRun({"strip", "program"});
  start({"./program"});
  writePatch("payload.o");
  expectUntouched(apply(), "unknown-symbol", 1);
}

TEST_F(LinkageFiles, StrippedWithTheDebugFileOfAnotherBuild) {
  folder_.write("other.c", std::string(kLinkageProgram) + "\nint added = 1;\n");
  ASSERT_TRUE(compile({"gcc", "-O1", "-g", "-o", "other", "other.c"})) << why_;
  mustRun({"objcopy", "--only-keep-debug", "other", "program.debug"});
  mustRun({"objcopy", "--strip-all", "--add-gnu-debuglink=program.debug", "program"});
  start({"./program"});
  writePatch("payload.o");
  expectUntouched(apply(), "unknown-symbol", 1);
}

TEST_F(LinkageFiles, MovedAndTheOldPlaceRemoved) {
  start({"./program"});
  fs::copy_file("program", "kept");
  fs::remove("program");
  expectPatchable("kept"); // by build-id
}

TEST_F(LinkageFiles, DeletedSinceTheStart) {
  start({"./program"});
  fs::remove("program");
  expectPatchable("/proc/" + pid() + "/exe");
  // Without `target`, the program that runs is meant.
  folder_.write("fix.lp", "set limit i32 500 was 100\n");
  RunResult done = apply();
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(ask(), "handle 9 limit 500 greeting hello");
  EXPECT_EQ(revert().status, 0);
  writePatch("payload.o");
  done = apply();
  expectUntouched(done, "cannot-open", 1);
  EXPECT_THAT(done.err, HasSubstr("--target /proc/" + pid() + "/exe"));
}

TEST_F(LinkageFiles, ReplacedByAnotherBuildSinceTheStart) {
  start({"./program"});
  fs::remove("program"); // as package managers do: a new file under the same name
  ASSERT_TRUE(compile({"gcc", "-O1", "-g", "-o", "program", "program.c"})) << why_;
  writePatch("payload.o");
  RunResult done = apply();
  expectUntouched(done, "build-id-mismatch", 3);
  EXPECT_THAT(done.err, HasSubstr("file replaced since it started"));
  expectPatchable("/proc/" + pid() + "/exe");
}

} // namespace
} // namespace lpc::test
