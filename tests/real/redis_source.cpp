// Files of the Redis source with one function of each changed, linked into the redis-server that runs under load: how a
// fix is made from a package's source. LPC_REDIS_SOURCE names the source of the installed version, unpacked;
// tests/real/fetch_redis_source gets it, tests/run calls that.
#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "tests/real/redis.h"

namespace lpc::test {
namespace {

class RedisSource : public Redis, public testing::WithParamInterface<std::string> {
protected:
  void SetUp() override {
    const char *source = std::getenv("LPC_REDIS_SOURCE");
    if (!source) GTEST_SKIP() << "LPC_REDIS_SOURCE does not name the unpacked source of redis-server";
    source_ = source;
    std::string version = textOf("/src/version.h"); // #define REDIS_VERSION "7.0.15"
    auto begin = version.find('"'), end = version.rfind('"');
    ASSERT_LT(begin, end) << source_;
    Redis::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    ASSERT_THAT(cli({"info", "server"}),
                testing::HasSubstr("redis_version:" + version.substr(begin + 1, end - begin - 1)));
    copy("sds.c", "memset(s+curlen,0,(len-curlen+1));", "memset(s+curlen,'.',len-curlen); s[len] = 0;");
    copy("t_string.c", "addReplyLongLong(c,stringObjectLen(o));", "addReplyLongLong(c,stringObjectLen(o)+1000);");
  }
  [[nodiscard]] std::string textOf(const std::string &name) const {
    std::ifstream file(source_ + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // A file of the source with one change.
  void copy(const std::string &name, const std::string &old, const std::string &changed) const {
    std::string text = textOf("/src/" + name);
    size_t at = text.find(old);
    ASSERT_NE(at, std::string::npos) << name;
    folder_.write(name, text.replace(at, old.size(), changed));
  }
  void compile(std::vector<std::string> words) const {
    words.insert(words.begin(), {"gcc", "-O2", "-g", "-fPIC", "-w", "-DUSE_OPENSSL=1"});
    for (const char *include : {"src", "deps/hiredis", "deps/linenoise", "deps/lua/src", "deps/hdr_histogram"})
      words.push_back("-I" + source_ + "/" + include);
    RunResult done = run(words);
    ASSERT_EQ(done.status, 0) << done.err;
  }

  std::string source_;
};

TEST_P(RedisSource, ChangedFilesLinkedUnderLoad) {
  // setrangeCommand as well: the package's compiler has put the old sdsgrowzero into it.
  std::string names = "jmp sdsgrowzero $sds:sdsgrowzero\njmp strlenCommand $string:strlenCommand\njmp setrangeCommand "
                      "$string:setrangeCommand\n";
  std::string payloads = "dl sds sds.o\ndl string t_string.o\n";
  if (GetParam() == "o") {
    compile({"-c", "sds.c", "t_string.c"});
  } else {
    compile({"-shared", "-o", "both.so", "sds.c", "t_string.c"});
    payloads = "dl both both.so\n";
    names = "jmp sdsgrowzero $both:sdsgrowzero\njmp strlenCommand $both:strlenCommand\njmp setrangeCommand "
            "$both:setrangeCommand\n";
  }
  ASSERT_FALSE(HasFatalFailure());
  folder_.write("fix.lp", "patch fix\ntarget /usr/bin/redis-server\n" + payloads + names);

  // SETRANGE beyond the end of a string pads it: with zero bytes in the old function, with dots in the new.
  auto padded = [&](const std::string &key) {
    EXPECT_EQ(cli({"set", key, "ab"}), "OK\n");
    std::string length = cli({"setrange", key, "5", "x"});
    return length + cli({"--no-raw", "get", key});
  };
  ASSERT_EQ(cli({"set", "text", "hello"}), "OK\n");
  ASSERT_EQ(cli({"strlen", "text"}), "5\n");
  const std::string zeros = "6\n\"ab\\x00\\x00\\x00x\"\n";
  ASSERT_EQ(padded("before"), zeros);

  Child benchmark = load();
  ASSERT_TRUE(benchmark.line(std::chrono::seconds(60)).has_value()); // it runs
  RunResult done = onServer("apply", "fix.lp");
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(cli({"strlen", "text"}), "1005\n");
  EXPECT_EQ(padded("patched"), "6\n\"ab...x\"\n");
  EXPECT_EQ(benchmark.wait(std::chrono::seconds(120)), 0); // every request was answered

  done = onServer("revert", "fix");
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(cli({"strlen", "text"}), "5\n");
  EXPECT_EQ(padded("after"), zeros);
  EXPECT_EQ(cli({"--no-raw", "get", "patched"}), "\"ab...x\"\n"); // what it stored stays
  EXPECT_TRUE(server_->alive());
  EXPECT_EQ(stateOf(server_->pid()).threads, before_.threads);
  EXPECT_EQ(stateOf(server_->pid()).tracer, 0);
}

INSTANTIATE_TEST_SUITE_P(Real, RedisSource, testing::Values("o", "so"), [](const auto &test) { return test.param; });

} // namespace
} // namespace lpc::test
