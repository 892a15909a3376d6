// The parser of options, against its table.
#include "frontend/driver/options.h"

#include <gmock/gmock.h>

#include <array>

namespace lpc::driver {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

constexpr std::array kAll = {OptionId::Target,   OptionId::Object,  OptionId::Pid,        OptionId::Timeout,
                             OptionId::MaxPause, OptionId::DryRun,  OptionId::Emit,       OptionId::Format,
                             OptionId::Quiet,    OptionId::Verbose, OptionId::AllowActive};

Arguments parsed(const std::vector<std::string> &words) {
  Result<Arguments> arguments = parseOptions(words, kAll);
  EXPECT_TRUE(arguments.has_value()) << arguments.error().message;
  return arguments.value_or(Arguments{});
}

std::string refused(const std::vector<std::string> &words) {
  Result<Arguments> arguments = parseOptions(words, kAll);
  EXPECT_FALSE(arguments.has_value());
  return arguments ? "" : arguments.error().message;
}

TEST(Options, HaveDefaults) {
  Arguments arguments = parsed({});
  EXPECT_EQ(arguments.timeout, 5s);
  EXPECT_EQ(arguments.maxPause, 10ms);
  EXPECT_EQ(arguments.format, Format::Text);
  EXPECT_FALSE(arguments.dryRun);
}

TEST(Options, StandBesideOrBehindAnEqualsSign) {
  EXPECT_EQ(parsed({"--target", "server"}).target, "server");
  EXPECT_EQ(parsed({"--target=server"}).target, "server");
  EXPECT_EQ(parsed({"--target=a=b"}).target, "a=b");
  EXPECT_EQ(parsed({"--target", "--timeout"}).target, "--timeout"); // a value is taken as it stands
}

TEST(Options, MixWithOperands) {
  Arguments arguments = parsed({"one", "--dry-run", "two", "-", "--", "--timeout", "-q"});
  EXPECT_THAT(arguments.operands, ElementsAre("one", "two", "-", "--timeout", "-q"));
  EXPECT_TRUE(arguments.dryRun);
  EXPECT_FALSE(arguments.quiet);
}

TEST(Options, HaveLetters) {
  Arguments arguments = parsed({"-qv", "-p4711", "-p", "12,13"});
  EXPECT_TRUE(arguments.quiet);
  EXPECT_TRUE(arguments.verbose);
  EXPECT_THAT(arguments.pids, ElementsAre(4711, 12, 13));
}

TEST(Options, RepeatWhereTheTableSaysSo) {
  EXPECT_THAT(parsed({"--pid", "1", "--pid=2", "--pid", "1"}).pids, ElementsAre(1, 2)); // each process once
  EXPECT_THAT(parsed({"--object", "a=x", "--object=b=y=z"}).objects,
              ElementsAre(ObjectFile{"a", "x"}, ObjectFile{"b", "y=z"}));
  EXPECT_THAT(parsed({"--allow-active", "f", "--allow-active=*"}).allowActive, ElementsAre("f", "*"));
  EXPECT_EQ(refused({"--format=json", "--format=json"}), "`--format` is given twice");
}

TEST(Options, ArePickedByName) {
  EXPECT_EQ(parsed({"--emit", "ast"}).emit, Emit::Ast);
  EXPECT_EQ(refused({"--emit", "as"}), "`--emit` wants text|ast|ir|json, not `as`");
  EXPECT_EQ(refused({"--time", "5s"}), "unknown option `--time`"); // no abbreviations
}

TEST(Options, RefuseProcessIdsThatAreNone) {
  for (const char *word : {"0", "-1", "", "1,", ",1", "1 2", "99999999999", "0x10", "self"})
    EXPECT_NE(refused({std::string("--pid=") + word}), "") << word;
}

TEST(Duration, HasAUnit) {
  EXPECT_EQ(parseDuration("5s"), 5s);
  EXPECT_EQ(parseDuration("10ms"), 10ms);
  EXPECT_EQ(parseDuration("200us"), 200us);
  EXPECT_EQ(parseDuration("1.5s"), 1500ms);
  EXPECT_EQ(parseDuration("2m"), 2min);
  EXPECT_EQ(parseDuration("0s"), 0s);
  EXPECT_EQ(parseDuration("24.0s"), 24s);
}

TEST(Duration, IsNothingElse) {
  for (const char *text :
       {"", "5", "s", "-5s", "5 s", "5S", "5ss", "1e3s", "inf s", "nans", "1e400s", "100000s", "0x5s", "5s ", " 5s"})
    EXPECT_EQ(parseDuration(text), std::nullopt) << text;
}

TEST(Table, HasOneMeaningForEachWord) {
  // --emit and --target have two rows each, for different commands, and no other name or letter may be there twice.
  std::vector<std::string> words;
  for (int i = 0; i <= static_cast<int>(OptionId::Version); ++i) {
    const OptionInfo &option = info(static_cast<OptionId>(i));
    EXPECT_EQ(static_cast<int>(option.id), i);
    EXPECT_FALSE(option.help.empty());
    if (option.id != OptionId::EmitHelp && option.id != OptionId::Builds) words.emplace_back(option.name);
    if (option.letter != 0) words.emplace_back(1, option.letter);
  }
  std::ranges::sort(words);
  EXPECT_EQ(std::ranges::adjacent_find(words), words.end());
}

} // namespace
} // namespace lpc::driver
