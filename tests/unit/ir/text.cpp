// The text form: how it looks, that it comes back the same, and that no input harms the reader.
#include "ir/text.h"

#include <gtest/gtest.h>

#include "ir/verify.h"
#include "patches.h"

namespace lpc::ir {
namespace {

const std::string kSample = R"(# lpir 1
patch "hotfix"
  version "1.2"
  source "hotfix.lp"
  machine x86_64
object o0 "target"
  path "./server"
  build-id 3f2a9c1d
object o1 "libc.so.6"
  soname "libc.so.6"
  path "/lib/libc.so.6"
payload p0 "patch.so"
  | 7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f
  | 7f7f7f7f7f7f7f7f
payload p1 "table.bin"
  | 010203
memory $fresh
  size 4096
  permission rw
  place 3:1-3:15
memory $table
  size 3
  permission r
  payload p1
  place 4:1-4:21
memory $fix
  size 8192
  permission rx
  payload p0
  place 5:1-5:16
new $fresh
  place 3:1-3:20
load $table
  place 4:1-4:20
link $fix
  with "log_line" = o0!0x1130 ("log_line")
  with "table" = $table
  place 5:1-5:20
write int
  at o0!0x4018 ("counter"+8)
  width 4
  value bytes 2a000000
  recorded 01000000
  was bytes 01000000
  place 6:1-6:20
write addr
  at $fresh+16
  width 8
  value address $fix:"patch_message"-4
  place 7:1-7:20
write addr
  at [[o0!0x4020 ("root")]+16]-8
  width 8
  value address $fresh+4096
  was address o1!0x8000
  place 8:1-8:20
branch
  from o0!0x1234 ("func_J")
  to $fix:"func1"
  room 6
  recorded 554889e55390
  function "func_J" 0x1234 64
  place 9:1-9:20
branch
  from 0x7f0000001000
  to [$fix+8]
  room 0
  place 10:1-10:20
return
  at o0!0x1300 ("ready")
  room 8
  value 1
  recorded 554889e553909090
  function "ready" 0x1300 32
  place 11:1-11:20
nop
  at o0!0x1410 ("poll"+16)
  size 5
  recorded e8ebfeffff
  place 12:1-12:20
expect u32
  at o0!0x4018 ("version")
  width 4
  value bytes 07000000
  place 13:1-13:20
quiesce
  at o0!0x1500 ("commit")
  function "commit" 0x1500 64
  place 14:1-14:20
import "puts"
  slot o0!0x4010
  to $fix:"puts"
  kind function
  place 15:1-15:20
call post-apply
  function $fix:"start"
  argument 1
  argument 18446744073709551615
  place 16:1-16:20
end
)";

std::string replaced(std::string text, const std::string &what, const std::string &with) {
  size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), with);
}

// The message for the sample with one change in it.
std::string messageFor(const std::string &what, const std::string &with) {
  auto result = parseText(replaced(kSample, what, with));
  return result ? "(accepted)" : result.error().message;
}

void expectRoundTrip(const Patch &patch) {
  std::string text = printText(patch);
  auto back = parseText(text);
  ASSERT_TRUE(back) << back.error().message << "\n" << text.substr(0, 5000);
  ASSERT_EQ(*back, patch) << text;
  ASSERT_EQ(printText(*back), text);
}

TEST(Text, looksLikeThis) { EXPECT_EQ(printText(test::samplePatch()), kSample); }

TEST(Text, comesBack) { expectRoundTrip(test::samplePatch()); }

TEST(Text, comesBackForThousandsOfRandomPatches) {
  std::mt19937_64 random(20040713);
  for (int i = 0; i < 5000; i++) {
    expectRoundTrip(test::randomPatch(random));
    if (HasFatalFailure()) FAIL() << "patch " << i;
  }
}

TEST(Text, comesBackAtTheBorders) {
  Patch patch = test::samplePatch();
  patch.version = std::string("\0\xff\"\\\n\u202e", 8);
  patch.payloads.push_back({"empty", {}});
  patch.payloads.push_back({"a line", Bytes(32)});
  patch.payloads.push_back({"a line and a byte", Bytes(33)});
  patch.objects[0].buildId = Bytes(100, 0xab);
  std::get<Write>(patch.operations[4].action).value = Address{InPayload{MemoryId{2}, "s", INT64_MIN}};
  std::get<Write>(patch.operations[5].action).was = Address{InObject{ObjectId{1}, {UINT64_MAX}, "", INT64_MAX}};
  patch.operations[7].place = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
  patch.operations[6].place = {};
  expectRoundTrip(patch);
}

TEST(Text, comesBackWithDeepLoads) {
  Patch patch = test::samplePatch();
  Address address{Absolute{{0}}};
  for (unsigned i = 0; i < kMaxLoadDepth; i++)
    address = Address{Loaded{std::make_shared<const Address>(std::move(address)), static_cast<int64_t>(i) - 4}};
  std::get<Branch>(patch.operations[7].action).to = address;
  expectRoundTrip(patch);
  std::string text = printText(patch), brackets(kMaxLoadDepth, '[');
  auto deeper = parseText(replaced(text, brackets, brackets + "["));
  ASSERT_FALSE(deeper);
  EXPECT_EQ(deeper.error().message, "66:39: pointers are followed more than 32 times");
}

TEST(Text, letsPeopleEdit) {
  std::string text = replaced(kSample, "object o1", "\n# a comment\n  # another\nobject   o1");
  text = replaced(text, "  version \"1.2\"\n  source \"hotfix.lp\"\n",
                  "  source \"hotfix.lp\"\n     version   \"1.2\"  \n");
  text = replaced(text, "  | 7f7f7f7f7f7f7f7f\n", "  | 7f7f7f7f\n\n  | 7F7F7F7F\n");
  auto patch = parseText(text);
  ASSERT_TRUE(patch) << patch.error().message;
  EXPECT_EQ(*patch, test::samplePatch());
  EXPECT_TRUE(parseText(kSample.substr(0, kSample.size() - 1))); // without the last newline
}

TEST(Text, saysWhereItIsWrong) {
  EXPECT_EQ(messageFor("# lpir 1\n", ""), "1:1: not the text of a patch: the first line is not `# lpir 1`");
  EXPECT_EQ(messageFor("# lpir 1", "# lpir 2"), "1:1: version `2` of the format is not known, only `1`");
  EXPECT_EQ(messageFor("patch \"hotfix\"", "patch hotfix"), "2:7: expected a text in double quotes");
  EXPECT_EQ(messageFor("patch \"", "pitch \""), "2:1: expected `patch`");
  EXPECT_EQ(messageFor("\"hotfix\"", "\"hotfix"), "2:14: the text has no closing double quote");
  EXPECT_EQ(messageFor("\"hotfix\"", "\"hot\\fix\""), "2:12: no escape of a text: \\n \\t \\r \\\\ \\\" \\xHH");
  EXPECT_EQ(messageFor("\"hotfix\"", "\"hot\\x4\""), "2:12: no escape of a text: \\n \\t \\r \\\\ \\\" \\xHH");
  EXPECT_EQ(messageFor("\"hotfix\"", "\"hotfix\" x"), "2:16: expected the end of the line");
  EXPECT_EQ(messageFor("x86_64", "vax"), "5:14: no machine `vax` is known");
  EXPECT_EQ(messageFor("  machine x86_64\n", ""), "4:1: the section ends here without `machine`");
  EXPECT_EQ(messageFor("  source", "  version"), "4:1: `version` stands twice");
  EXPECT_EQ(messageFor("  source", "  size"), "4:1: no field `size` here");
  EXPECT_EQ(messageFor("object o1", "object o2"), "9:1: expected the label `o1`: rows are numbered in order");
  EXPECT_EQ(messageFor("object o1", "object p1"), "9:8: expected `o`");
  EXPECT_EQ(messageFor("3f2a9c1d", "3f2a9c1"), "8:19: expected hexadecimal digits in pairs");
  EXPECT_EQ(messageFor("| 010203", "| 01020g"), "16:10: expected hexadecimal digits in pairs");
  EXPECT_EQ(messageFor("| 010203", "010203"), "16:1: an indented line belongs to nothing");
  EXPECT_EQ(messageFor("size 4096", "size -1"), "18:8: expected a number");
  EXPECT_EQ(messageFor("size 4096", "size 18446744073709551616"),
            "18:8: the number is greater than 18446744073709551615");
  EXPECT_EQ(messageFor("permission rw", "permission w"), "19:15: no permission is called `w`: r rw rx rwx");
  EXPECT_EQ(messageFor("place 3:1", "place 4294967296:1"), "20:9: the number is greater than 4294967295");
  EXPECT_EQ(messageFor("new $fresh", "new $frosh"), "31:11: no memory is called `frosh` above");
  EXPECT_EQ(messageFor("new $fresh", "now $fresh"), "31:1: no section is called `now`");
  EXPECT_EQ(messageFor("  at o0!", "  at o0"), "40:9: expected `!`");
  EXPECT_EQ(messageFor("0x4018", "0x10000000000000000"), "40:9: the number has more than 64 bits");
  EXPECT_EQ(messageFor("0x4018", "4018"), "40:9: expected `0x`");
  EXPECT_EQ(messageFor("\"+8)", "\"+9223372036854775808)"), "40:27: the number is greater than 9223372036854775807");
  EXPECT_EQ(messageFor("  width 4\n", ""), "44:1: the section ends here without `width`");
  EXPECT_EQ(messageFor("value bytes", "value"), "42:9: expected `bytes `");
  EXPECT_EQ(messageFor("+16]-8", "+16-8"), "52:30: expected `]`");
  EXPECT_EQ(messageFor("end\n", ""), "99:1: the patch has no `end`: it was cut off");
  EXPECT_EQ(messageFor("end\n", "end\nnew $fresh\n"), "101:1: something stands behind `end`");
  EXPECT_EQ(messageFor("branch", "brän\u202ech" + std::string(100, 'x')), "57:1: no section is called `br`");
}

TEST(Text, givesTheErrorAPlace) {
  auto result = parseText(replaced(kSample, "\"+8)", "\"+)"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().id, DiagnosticId::BadIr);
  EXPECT_EQ(result.error().place, (Place{40, 27, 40, 28}));
}

TEST(Text, isVerified) {
  auto result = parseText(replaced(replaced(kSample, "room 6", "room 3"), "payload p1\n", "payload p7\n"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().id, DiagnosticId::BadIr);
  EXPECT_EQ(result.error().message, "not a well-formed patch: memory 1 is filled by payload 7, which does not exist");
  EXPECT_EQ(result.error().notes.size(), 3U);
}

TEST(Text, isNotAcceptedWhenCutOff) {
  for (size_t length = 0; length + 1 < kSample.size(); length++) {
    auto result = parseText(std::string_view(kSample).substr(0, length));
    ASSERT_FALSE(result) << "the first " << length << " bytes were accepted";
    ASSERT_EQ(result.error().id, DiagnosticId::BadIr);
  }
}

// Whatever is accepted must be a patch that comes back.
void expectHarmless(const std::string &text) {
  if (auto patch = parseText(text)) expectRoundTrip(*patch);
}

TEST(Text, survivesEveryFlippedBit) {
  for (size_t i = 0; i < kSample.size(); i++)
    for (unsigned bit = 0; bit < 8; bit++) {
      std::string text = kSample;
      text[i] = static_cast<char>(text[i] ^ (1 << bit));
      expectHarmless(text);
      if (HasFatalFailure()) FAIL() << "byte " << i << " bit " << bit;
    }
}

TEST(Text, survivesMovedAndDoubledLines) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < kSample.size();) {
    size_t end = kSample.find('\n', at) + 1;
    lines.push_back(kSample.substr(at, end - at));
    at = end;
  }
  auto joined = [](const std::vector<std::string> &all) {
    std::string out;
    for (const std::string &line : all)
      out += line;
    return out;
  };
  std::mt19937_64 random(3);
  for (int round = 0; round < 3000; round++) {
    std::vector<std::string> changed = lines;
    for (uint64_t n = 1 + random() % 3; n > 0; n--) {
      size_t i = random() % changed.size(), j = random() % changed.size();
      switch (random() % 3) {
      case 0: std::swap(changed[i], changed[j]); break;
      case 1: changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(i), changed[j]); break;
      default: changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(i)); break;
      }
    }
    expectHarmless(joined(changed));
    ASSERT_FALSE(HasFatalFailure()) << joined(changed);
  }
}

TEST(Text, survivesHostileNesting) {
  std::string text = replaced(kSample, "[$fix+8]", std::string(1'000'000, '['));
  auto result = parseText(text);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "66:39: pointers are followed more than 32 times");
}

} // namespace
} // namespace lpc::ir
