// Every type of value and every form of address, in a process: what is written, and that all of it goes again.
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include "tests/live/service.h"

namespace lpc::test {
namespace {

constexpr size_t kRoom = 96;
const std::string kHidden = "0102030405060708";

class Values : public testing::TestWithParam<const char *> {
protected:
  Values() : child_({kBinaries + "/" + GetParam()}) {
    auto line = child_.lineWith("ready ");
    address_ = line.value_or("ready 0").substr(6);
    before_ = stateOf(child_.pid());
  }

  std::string ask() {
    child_.send("show\n");
    return child_.line().value_or("(no answer)");
  }
  // The lines are applied, the variables are as said, and after the revert as they were.
  void expectWritten(const std::string &lines, const std::string &room, const std::string &hidden = kHidden,
                     const std::string &led = "") {
    const std::string zero(2 * kRoom, '0'), whole = room + zero.substr(room.size());
    folder_.write("change.lp", lines);
    std::string pid = std::to_string(child_.pid());
    RunResult done = lpc({"apply", "change.lp", "--pid", pid});
    EXPECT_EQ(done.status, 0) << lines << done.err;
    EXPECT_EQ(ask(), whole + " " + hidden + " " + (led.empty() ? whole.substr(0, 16) : led)) << lines;
    done = lpc({"revert", "change", "--pid", pid});
    EXPECT_EQ(done.status, 0) << lines << done.err;
    EXPECT_EQ(ask(), zero + " " + kHidden + " " + zero.substr(0, 16)) << lines;
    ProcessState now = stateOf(child_.pid());
    // A pointer that the program has read may be in a register or on its stack still: then the memory stays, and it is
    // said.
    if (!led.empty() && now.mappings != before_.mappings) {
      EXPECT_THAT(done.out, testing::HasSubstr("kept")) << lines;
      now.mappings = before_.mappings;
    }
    EXPECT_EQ(now, before_) << lines;
  }

  WorkFolder folder_;
  Child child_;
  std::string address_;
  ProcessState before_;
};

TEST_P(Values, OfEveryType) {
  const std::pair<const char *, const char *> kValues[] = {
      {"int -2", "feffffff"},
      {"int 0xffffffff", "ffffffff"},
      {"i8 -128", "80"},
      {"u8 0xff", "ff"},
      {"i16 -32768", "0080"},
      {"u16 0b1111_0000", "f000"},
      {"i32 -2_000_000_000", "006cca88"},
      {"u32 0777", "ff010000"},
      {"i64 -0x8000000000000000", "0000000000000080"},
      {"u64 18446744073709551615", "ffffffffffffffff"},
      {"f32 -1.5", "0000c0bf"},
      {"f64 0x1.8p-3", "000000000000c83f"},
      {"f64 -inf", "000000000000f0ff"},
      {"str   a #\"b ", "612023226220"},
      {"text \"a\\n\\x7f\\101\\\\\"", "610a7f415c"},
      {"cstr \"ab\"", "616200"},
      {"hex 0f1f 44 00", "0f1f4400"},
  };
  size_t at = 0;
  std::string all, bytes;
  for (const auto &[value, written] : kValues) {
    std::string hex = written;
    // Not over what is zero already: the byte before stays a mark between values.
    all += "set room+" + std::to_string(at) + " " + value + "\n";
    bytes += hex + "00";
    at += hex.size() / 2 + 1;
    expectWritten("set room " + std::string(value) + "\n", hex);
  }
  ASSERT_LE(at, kRoom);
  expectWritten(all, bytes);
}

TEST_P(Values, AtEveryFormOfAddress) {
  const std::string byte = " u8 0x11 was 0\n";
  expectWritten("set room" + byte, "11");
  expectWritten("set \"room\"" + byte, "11");
  expectWritten("set target!room" + byte, "11");
  expectWritten("set " + address_ + byte, "11");
  expectWritten("set room+2" + byte, "000011");
  expectWritten("set room + 0x3-1" + byte, "000011");
  expectWritten("set room+5 - 3" + byte, "000011");
  expectWritten("set [lead]" + byte, "11");
  expectWritten("set [lead]+1" + byte, "0011");
  expectWritten("let there = room + 1\nset $there" + byte, "0011");
  expectWritten("let there = [lead]\nset $there:2" + byte, "000011");
  expectWritten("let there = lead\nset [$there] + 1" + byte, "0011");
  expectWritten("set values.c:hidden u8 0 was 1\n", "", "0002030405060708");
  expectWritten("set target!values.c:hidden+1 u8 0 was 2\n", "", "0100030405060708");
  expectWritten("set target!\"values.c\":\"hidden\" + 7 u8 0 was 8\n", "", "0102030405060700");
}

// Memory of the patch is where the program's pointer leads as long as the patch is there.
TEST_P(Values, InMemoryOfThePatch) {
  folder_.write("data.bin", "12345678");
  expectWritten("new other 16\nset $other u8 0x22\nset $other:7 u8 0x33\nset lead addr $other\n", "", kHidden,
                "2200000000000033");
  expectWritten("load other data.bin r\nset lead addr $other\n", "", kHidden, "3132333435363738");
  expectWritten("load other data.bin\nset $other + 1 text \"ab\" was \"23\"\nset lead addr $other was room\n", "",
                kHidden, "3161623435363738");
}

// `OBJECT!INT` is moved as the object was.
TEST_P(Values, AtAddressesOfTheFile) {
  RunResult symbols = run({"nm", kBinaries + "/" + GetParam()});
  std::istringstream lines(symbols.out);
  std::string link;
  for (std::string line; std::getline(lines, line);)
    if (line.ends_with(" B room")) link = "0x" + line.substr(0, line.find(' '));
  ASSERT_NE(link, "");
  expectWritten("set target!" + link + " u8 0x11 was 0\n", "11");
  expectWritten("set target!" + link + "+1 u8 0x11 was 0\n", "0011");
}

INSTANTIATE_TEST_SUITE_P(Of, Values, testing::Values("target_values", "target_values_pie"),
                         [](const auto &test) { return std::string(test.param); });

} // namespace
} // namespace lpc::test
