// Bundles on the command line: built, looked into, given in place of the patch.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "tests/cli/lpc.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string contents(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Bundles : public testing::Test {
protected:
  Bundles() {
    std::filesystem::copy(LPC_CHECK_WORK "/fix.so", folder_.path("fix.so"));
    patch_ = folder_.write("hotfix.lp", "patch hotfix version \"1.2\"\ndl fix fix.so\nset counter int 8\n"
                                        "jmp greet $fix:func1\nload table hotfix.lp\n");
    bundle_ = folder_.path("hotfix.lpb");
  }

  [[nodiscard]] RunResult build(std::vector<std::string> options = {"--target", kServer}) const {
    options.insert(options.begin(), {"build", patch_, "-o", bundle_});
    return lpcWith(options);
  }
  void built() const {
    RunResult result = build();
    ASSERT_EQ(result.status, 0) << result.err;
  }

  Folder folder_;
  std::string patch_, bundle_;
};

TEST_F(Bundles, SayWhatWasBuilt) {
  RunResult result = build({"--target", kServer, "--target", LPC_CHECK_WORK "/orphan"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, bundle_ + ": 2 builds of hotfix 1.2, " + std::to_string(std::filesystem::file_size(bundle_)) +
                            " bytes\n  " + kServer +
                            "  build-id 5e7e0001aabbccdd\n  " LPC_CHECK_WORK "/orphan  build-id 09fa0001\n");
}

TEST_F(Bundles, AreTheSameBytesEveryTime) {
  built();
  std::string first = contents(bundle_);
  built();
  EXPECT_EQ(contents(bundle_), first);
}

// Neither folder, time, user nor locale stands in it; of paths, what was given.
TEST_F(Bundles, AreTheSameBytesElsewhere) {
  Folder other;
  std::filesystem::copy(kServer, folder_.path("server"));
  for (const char *file : {"hotfix.lp", "fix.so", "server"}) {
    std::filesystem::copy(folder_.path(file), other.path(file));
    std::filesystem::last_write_time(other.path(file),
                                     std::filesystem::file_time_type::clock::now() - std::chrono::hours(24 * 365));
  }
  auto builtIn = [](const Folder &folder, std::vector<std::string> words) {
    words.insert(words.begin(), {"env", "-C", folder.path(".")});
    words.insert(words.end(), {LPC_COMMAND, "build", "hotfix.lp", "-o", "x.lpb", "--target", "server"});
    RunResult result = run(words);
    EXPECT_EQ(result.status, 0) << result.err;
    return contents(folder.path("x.lpb"));
  };
  EXPECT_EQ(builtIn(folder_, {"TZ=UTC"}), builtIn(other, {"TZ=Asia/Tokyo", "LC_ALL=C.UTF-8", "USER=other", "HOME=/"}));
}

TEST_F(Bundles, StandForThePatchByWhatIsInThem) {
  built();
  std::string renamed = folder_.path("hotfix.lp2");
  std::filesystem::rename(bundle_, renamed);
  std::string ir = lpcWith({"dump", patch_, "--target", kServer}).out;
  EXPECT_EQ(lpcWith({"dump", renamed}).out, ir);
  EXPECT_EQ(lpcWith({"dump", "-", "--target", kServer}, contents(renamed)).out, ir);
  RunResult checked = lpcWith({"check", renamed});
  EXPECT_EQ(checked.status, 0) << checked.err;
  EXPECT_THAT(checked.out, HasSubstr(": ok: 2 changes and 2 new memories, for " + kServer));
}

TEST_F(Bundles, CanBeLookedInto) {
  built();
  EXPECT_THAT(lpcWith({"dump", bundle_, "--emit", "text"}).out,
              testing::MatchesRegex("hotfix 1.2  made from [^\n]*hotfix.lp  x86_64\nbundle of 1 build  sha256 "
                                    "[0-9a-f]+\nfor [^\n]*/server  build-id 5e7e0001aabbccdd\n(  [^\n]*\n)+"));
  std::string json = lpcWith({"dump", bundle_, "--emit", "json"}).out;
  EXPECT_THAT(json, HasSubstr("\"schema\": \"lpc.bundle/1\""));
  EXPECT_THAT(json, HasSubstr("\"build_id\": \"5e7e0001aabbccdd\""));
  RunResult tree = lpcWith({"dump", bundle_, "--emit", "ast"});
  EXPECT_EQ(tree.status, 2);
  EXPECT_THAT(tree.err, HasSubstr("the IR has no syntax tree"));
}

TEST_F(Bundles, OfSeveralBuildsOneIsChosenByBuildId) {
  ASSERT_EQ(build({"--target", kServer, "--target", LPC_CHECK_WORK "/orphan"}).status, 0);
  EXPECT_EQ(lpcWith({"dump", bundle_, "--target", LPC_CHECK_WORK "/orphan"}).out,
            lpcWith({"dump", patch_, "--target", LPC_CHECK_WORK "/orphan"}).out);
  std::string all = lpcWith({"dump", bundle_}).out;
  EXPECT_THAT(all, HasSubstr("# build 1 of 2\n"));
  EXPECT_THAT(all, HasSubstr("# build 2 of 2\n"));
  EXPECT_THAT(lpcWith({"check", bundle_}).out, testing::ContainsRegex("/server .*\n.*/orphan "));

  RunResult other = lpcWith({"check", bundle_, "--target", LPC_CHECK_WORK "/other"});
  EXPECT_EQ(other.status, 3);
  EXPECT_EQ(other.err, "lpc check: error: `" + bundle_ +
                           "` has no build for `" LPC_CHECK_WORK "/other` [build-id-mismatch]\n"
                           "  note: the bundle has:\n"
                           "        " +
                           kServer +
                           "  build-id 5e7e0001aabbccdd\n"
                           "        " LPC_CHECK_WORK "/orphan  build-id 09fa0001\n"
                           "  note: what runs has:\n"
                           "        " LPC_CHECK_WORK "/other  build-id 07e40001\n"
                           "  help: build it for that one, too: lpc build PATCH.lp --target " LPC_CHECK_WORK
                           "/other -o " +
                           bundle_ + "\n");
}

TEST_F(Bundles, AreNotBuiltOfWhatIsWrongForOneTarget) {
  (void)folder_.write("hotfix.lp", "set dispatch int 8\nset no_such_name int 8\n");
  EXPECT_EQ(build({"--target", kServer, "--target", LPC_CHECK_WORK "/orphan"}).status, 1);
  EXPECT_FALSE(std::filesystem::exists(bundle_));
}

TEST_F(Bundles, AreNotBuiltTwiceForOneBuild) {
  RunResult twice = build({"--target", kServer, "--target", kServer});
  EXPECT_EQ(twice.status, 2);
  EXPECT_THAT(twice.err, HasSubstr("are the same build [usage]"));
  EXPECT_FALSE(std::filesystem::exists(bundle_));
}

TEST_F(Bundles, WantAFileToBeWritten) {
  RunResult nowhere = lpcWith({"build", patch_, "--target", kServer});
  EXPECT_EQ(nowhere.status, 2);
  EXPECT_THAT(nowhere.err, HasSubstr("`lpc build` wants a file to write: -o FILE"));
  RunResult unwritable = lpcWith({"build", patch_, "--target", kServer, "-o", "/no/such/folder/x.lpb"});
  EXPECT_EQ(unwritable.status, 1);
  EXPECT_THAT(unwritable.err, HasSubstr("cannot write `/no/such/folder/x.lpb`: No such file or directory"));
}

TEST_F(Bundles, AreMadeOfPatchesAndIr) {
  std::string ir = lpcWith({"dump", patch_, "--target", kServer}).out;
  std::string text = folder_.write("hotfix.lpir", ir);
  ASSERT_EQ(lpcWith({"build", text, "-o", bundle_}).status, 0);
  EXPECT_EQ(lpcWith({"dump", bundle_}).out, ir);
  RunResult again = lpcWith({"build", bundle_, "-o", bundle_});
  EXPECT_EQ(again.status, 2);
  EXPECT_THAT(again.err, HasSubstr("is a bundle already"));
  EXPECT_THAT(lpcWith({"fmt", bundle_}).err, HasSubstr("is IR, which has one form only"));
}

TEST_F(Bundles, ThatAreDamagedAreRefused) {
  built();
  std::string whole = contents(bundle_);
  for (size_t size : {size_t{4}, size_t{64}, whole.size() / 2, whole.size() - 1}) {
    RunResult result = lpcWith({"check", folder_.write("cut.lpb", whole.substr(0, size))});
    EXPECT_EQ(result.status, 1) << size;
    EXPECT_THAT(result.err, HasSubstr("[bad-ir]")) << size;
  }
  whole[whole.find("counter")] ^= 1;
  EXPECT_THAT(lpcWith({"check", "-"}, whole).err,
              HasSubstr("the bundle is damaged: its contents are not those that its digest was taken of"));
}

TEST_F(Bundles, AreNotJustAnyElfFile) {
  for (const char *file : {"/server", "/fix.so", "/fix.o"})
    EXPECT_THAT(lpcWith({"check", std::string(LPC_CHECK_WORK) + file}).err,
                HasSubstr("the file is an ELF file, but no bundle of lpc: it has no section `.note.lp`"));
}

TEST_F(Bundles, AreReadByBinutils) {
  if (run({"readelf", "--version"}).status != 0) GTEST_SKIP() << "binutils are not installed";
  built();
  RunResult all = run({"readelf", "-aW", bundle_});
  EXPECT_EQ(all.status, 0);
  EXPECT_EQ(all.err, "");
  EXPECT_THAT(all.out, Not(testing::ContainsRegex("[Ww]arning|[Ee]rror")));
  EXPECT_THAT(all.out, HasSubstr("Machine:                           Advanced Micro Devices X86-64"));
  EXPECT_THAT(all.out, HasSubstr(" .lp.payload.1 "));
  RunResult headers = run({"objdump", "-h", bundle_});
  EXPECT_EQ(headers.status, 0);
  EXPECT_EQ(headers.err, "");
  // A payload comes out of it as it went in.
  ASSERT_EQ(run({"objcopy", "--dump-section", ".lp.payload.0=" + folder_.path("out.so"), bundle_, "/dev/null"}).status,
            0);
  EXPECT_EQ(contents(folder_.path("out.so")), contents(folder_.path("fix.so")));
}

} // namespace
} // namespace lpc::test
