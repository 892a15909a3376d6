// Whose patches are applied: --public-key, the trust folder, and a message of its own for each way not to be trusted.
#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "tests/cli/lpc.h"
#include "tests/support/signer.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

class Signatures : public testing::Test {
protected:
  Signatures() {
    EXPECT_EQ(child_.line(), "ready");
    patch_ = folder_.write("hotfix.lp", "set counter int 8\n");
    bundle_ = folder_.path("hotfix.lpb");
    EXPECT_EQ(lpcWith({"build", patch_, "-o", bundle_, "--target", LPC_WAITER "same_id"}).status, 0);
    fs::create_directory(folder_.path("trusted.d"));
    setenv("LPC_TRUST_FOLDER", folder_.path("trusted.d").c_str(), 1);
  }
  Signatures(const Signatures &) = delete;
  Signatures &operator=(const Signatures &) = delete;
  ~Signatures() override { unsetenv("LPC_TRUST_FOLDER"); }

  void trust(const std::string &key) const { (void)folder_.write("trusted.d/release.pub", key); }
  RunResult plan(const std::string &file, std::vector<std::string> options = {}) {
    options.insert(options.begin(), {"plan", file, "--pid", pid()});
    return lpcWith(options);
  }
  // Refused by every command that would touch a process, which nothing happens to.
  void expectRefused(const std::string &file, const std::string &message,
                     const std::vector<std::string> &options = {}) {
    ProcessState before = stateOf(child_.pid());
    for (const char *command : {"plan", "apply"}) {
      std::vector<std::string> words = {command, file, "--pid", pid()};
      words.insert(words.end(), options.begin(), options.end());
      RunResult result = lpcWith(words);
      EXPECT_EQ(result.status, 3) << command;
      EXPECT_EQ(result.out, "");
      EXPECT_THAT(result.err, HasSubstr("lpc " + std::string(command) + ": error: " + message));
      EXPECT_THAT(result.err, HasSubstr("  state: no process was touched\n"));
    }
    EXPECT_EQ(stateOf(child_.pid()), before);
    EXPECT_EQ(lpcWith({"status", "--pid", pid()}).out.find("hotfix"), std::string::npos);
  }
  [[nodiscard]] std::string pid() const { return std::to_string(child_.pid()); }

  Folder folder_;
  Child child_{{LPC_WAITER "same_id"}};
  std::string patch_, bundle_;
  Signer release_{1}, foreign_{2};
};

TEST_F(Signatures, WithoutKeysAnythingIsTaken) {
  EXPECT_EQ(plan(patch_).status, 0);
  EXPECT_EQ(plan(bundle_).status, 0);
  setenv("LPC_TRUST_FOLDER", "/no/such/folder", 1);
  EXPECT_EQ(plan(patch_).status, 0);
}

TEST_F(Signatures, OfATrustedKeyAreTaken) {
  release_.signFile(bundle_);
  RunResult byOption = plan(bundle_, {"--public-key", release_.key()});
  EXPECT_EQ(byOption.status, 0) << byOption.err;
  EXPECT_EQ(plan(bundle_, {"--public-key", folder_.write("key", release_.keyFile())}).status, 0);
  trust(release_.keyFile());
  EXPECT_EQ(plan(bundle_).status, 0);
  RunResult applied = lpcWith({"apply", bundle_, "--pid", pid()});
  EXPECT_EQ(applied.status, 0) << applied.err;
}

TEST_F(Signatures, AreDemandedOnceAKeyIsTrusted) {
  trust(release_.key() + "\n");
  expectRefused(bundle_, "`" + bundle_ + "` is not signed: there is no `" + bundle_ +
                             ".minisig` [unsigned]\n  help: sign it: minisign -S -m " + bundle_);
}

TEST_F(Signatures, AreOfBundlesAlone) {
  trust(release_.keyFile());
  release_.signFile(patch_);
  expectRefused(patch_, "`" + patch_ + "` is no bundle, and only bundles that are signed are taken here [unsigned]");
  RunResult script = livepatchWith({pid(), LPC_WAITER "same_id"}, "set counter int 8\n");
  EXPECT_EQ(script.status, 3);
  EXPECT_THAT(script.err, HasSubstr("`-` is no bundle, and only bundles that are signed are taken here [unsigned]"));
}

TEST_F(Signatures, CannotStandBesideStandardInput) {
  std::ifstream file(bundle_, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  RunResult result = lpcWith({"plan", "-", "--pid", pid(), "--public-key", release_.key()}, bytes);
  EXPECT_EQ(result.status, 3);
  EXPECT_THAT(result.err, HasSubstr("a bundle on standard input has no signature beside it"));
}

TEST_F(Signatures, OfOtherBytesAreRefused) {
  release_.signFile(bundle_);
  ASSERT_EQ(lpcWith({"build", folder_.write("hotfix.lp", "set counter int 9\n"), "-o", bundle_, "--target",
                     LPC_WAITER "same_id"})
                .status,
            0);
  trust(release_.keyFile());
  expectRefused(bundle_, "`" + bundle_ + "` is not what was signed: `" + bundle_ +
                             ".minisig` does not fit its contents [bad-signature]");
}

TEST_F(Signatures, OfAForeignKeyAreRefused) {
  foreign_.signFile(bundle_);
  expectRefused(bundle_,
                "`" + bundle_ +
                    "` is signed by the key 0202020202020202, which is not trusted here [foreign-key]\n"
                    "  note: keys that are trusted:\n        0101010101010101  --public-key\n",
                {"--public-key", release_.key()});
  // The option takes the place of the folder.
  trust(foreign_.keyFile());
  EXPECT_EQ(plan(bundle_).status, 0);
  EXPECT_EQ(plan(bundle_, {"--public-key", release_.key()}).status, 3);
}

TEST_F(Signatures, ThatAreNoneAreRefused) {
  (void)folder_.write("hotfix.lpb.minisig", "not a signature\n");
  expectRefused(bundle_, "`" + bundle_ + ".minisig` is no signature in minisign's format [bad-signature]",
                {"--public-key", release_.key()});
}

TEST_F(Signatures, AKeyThatCannotBeReadForbids) {
  release_.signFile(bundle_);
  trust("not a key\n");
  expectRefused(bundle_, "the trust folder: `" + folder_.path("trusted.d/release.pub") +
                             "` is no public key of minisign [bad-key]");
  fs::remove(folder_.path("trusted.d/release.pub"));
  fs::create_directory(folder_.path("trusted.d/release.pub"));
  EXPECT_THAT(plan(bundle_).err, HasSubstr("cannot read `" + folder_.path("trusted.d/release.pub") + "`"));
  setenv("LPC_TRUST_FOLDER", patch_.c_str(), 1);
  EXPECT_THAT(plan(bundle_).err, HasSubstr("cannot read the trust folder `" + patch_ + "`: Not a directory"));
  EXPECT_THAT(plan(bundle_, {"--public-key", "RWQ"}).err, HasSubstr("cannot open `RWQ`"));
}

TEST_F(Signatures, AreLookedAtByOtherCommandsWhereAKeyIsGiven) {
  trust(release_.keyFile());
  EXPECT_EQ(lpcWith({"check", bundle_}).status, 0); // touches nothing
  EXPECT_EQ(lpcWith({"check", bundle_, "--public-key", release_.key()}).status, 3);
  EXPECT_EQ(lpcWith({"dump", bundle_, "--public-key", release_.key()}).status, 3);
  release_.signFile(bundle_);
  EXPECT_EQ(lpcWith({"check", bundle_, "--public-key", release_.key()}).status, 0);
  EXPECT_EQ(lpcWith({"dump", bundle_, "--public-key", release_.key()}).status, 0);
}

TEST_F(Signatures, OfMinisignItselfAreTaken) {
  if (run({"minisign", "-v"}).status != 0) GTEST_SKIP() << "minisign is not installed";
  std::string key = folder_.path("m.pub"), secret = folder_.path("m.key");
  ASSERT_EQ(run({"minisign", "-G", "-W", "-p", key, "-s", secret}).status, 0);
  for (const char *form : {"-H", "-l"}) {
    ASSERT_EQ(run({"minisign", "-S", "-W", form, "-s", secret, "-m", bundle_}).status, 0) << form;
    RunResult result = plan(bundle_, {"--public-key", key});
    EXPECT_EQ(result.status, 0) << form << result.err;
  }
  // And what the other tests sign with, minisign takes.
  release_.signFile(bundle_);
  EXPECT_EQ(run({"minisign", "-V", "-P", release_.key(), "-m", bundle_}).status, 0);
}

} // namespace
} // namespace lpc::test
