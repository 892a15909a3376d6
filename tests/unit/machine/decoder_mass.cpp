// Every instruction of two real libraries, compared with what objdump says: length, kind of branch, target, ends.
//
// objdump and the decoder differ by design in two things, which are left out and counted: objdump joins an x87
// wait with what follows, and stops inside data that it takes for code.
#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <vector>

#include "ir/machine/decoder.h"
#include "ir/support/address.h"
#include "tests/support/child.h"

namespace lpc {
namespace {

struct Listed {
  uint64_t address = 0;
  std::string text;  // mnemonic and operands
  size_t offset = 0; // of its bytes in Listing::code
  size_t length = 0;
};

struct Listing {
  Bytes code;
  std::vector<Listed> instructions;
};

uint64_t parseHex(std::string_view digits) {
  uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return value;
}

// "  401000:\t55 48 \tpush   %rbp" of objdump -dw.
Listing disassembled(const std::string &file) {
  test::RunResult result = test::run({"objdump", "-dw", file});
  EXPECT_EQ(result.status, 0) << result.err;
  Listing listing;
  std::string_view rest = result.out;
  while (!rest.empty()) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    size_t colon = line.find(":\t");
    size_t tab = colon == std::string_view::npos ? colon : line.find('\t', colon + 2);
    if (tab == std::string_view::npos || line.front() != ' ') continue;
    Listed listed;
    listed.address = parseHex(line.substr(line.find_first_not_of(' '), colon));
    listed.text = line.substr(tab + 1);
    listed.offset = listing.code.size();
    for (size_t at = colon + 2; at + 1 < tab && line[at] != ' '; at += 3)
      listing.code.push_back(static_cast<uint8_t>(parseHex(line.substr(at, 2))));
    listed.length = listing.code.size() - listed.offset;
    listing.instructions.push_back(std::move(listed));
  }
  return listing;
}

// objdump's words for prefixes that stand before a mnemonic, or alone.
bool isPrefixWord(std::string_view word) {
  constexpr std::string_view kWords[] = {"bnd",  "notrack", "data16", "addr32", "repz", "repnz", "rep",
                                         "lock", "cs",      "ds",     "es",     "fs",   "gs",    "ss"};
  return word.starts_with("rex") || std::ranges::find(kWords, word) != std::end(kWords);
}

std::string_view withoutPrefixes(std::string_view text) {
  for (;;) {
    size_t blank = text.find(' ');
    if (!isPrefixWord(text.substr(0, blank)) || blank == std::string_view::npos) return text;
    text.remove_prefix(std::min(text.size(), text.find_first_not_of(' ', blank)));
  }
}

struct Expected {
  bool branch = false, conditional = false, call = false, isReturn = false, ends = false;
  std::optional<uint64_t> target{};
};

Expected expectedOf(std::string_view text) {
  text = withoutPrefixes(text);
  std::string_view word = text.substr(0, text.find_first_of(" ,"));
  Expected expected;
  bool jump = word.starts_with("jmp") || word.starts_with("ljmp");
  expected.branch = word.starts_with('j') || jump || word.starts_with("loop") || word == "xbegin";
  expected.conditional = expected.branch && !jump;
  expected.call = word.starts_with("call") || word.starts_with("lcall");
  expected.isReturn = word.starts_with("ret") || word.starts_with("lret") || word.starts_with("iret");
  expected.ends = jump || expected.isReturn || word.starts_with("ud") || word == "hlt";
  size_t operand = text.find_first_not_of(' ', word.size());
  if ((expected.branch || expected.call) && operand != std::string_view::npos && text[operand] != '*')
    expected.target = parseHex(text.substr(operand, text.find(' ', operand) - operand));
  return expected;
}

// Where objdump and the processor mean different things.
bool leftOut(const Listed &listed, const Listing &listing) {
  return listed.text.find("(bad)") != std::string::npos || (listing.code[listed.offset] == 0x9b && listed.length > 1) ||
         isPrefixWord(withoutPrefixes(listed.text)) || withoutPrefixes(listed.text).empty();
}

void compareAll(const std::string &file, size_t least) {
  SCOPED_TRACE(file);
  auto decoder = Decoder::create(Machine::X86_64).value();
  Listing listing = disassembled(file);
  ASSERT_GT(listing.instructions.size(), least);
  size_t skipped = 0, wrong = 0;
  for (const Listed &listed : listing.instructions) {
    auto found = decoder->decode(BytesView(listing.code).subspan(listed.offset), listed.address);
    Expected expected = expectedOf(listed.text);
    bool same = found && found->length == listed.length && found->isBranch == expected.branch &&
                found->isConditional == expected.conditional && found->isCall == expected.call &&
                found->isReturn == expected.isReturn && found->endsFlow == expected.ends &&
                found->target == expected.target;
    if (same) continue;
    if (listed.length == 0 || leftOut(listed, listing)) {
      skipped++;
      continue;
    }
    if (++wrong > 20) break;
    BytesView bytes = BytesView(listing.code).subspan(listed.offset, listed.length);
    ADD_FAILURE() << hexAddress(listed.address) << " " << toSpacedHex(bytes) << "  objdump: " << listed.text
                  << "  decoder: " << decoder->text(BytesView(listing.code).subspan(listed.offset), listed.address)
                  << ", length " << (found ? unsigned{found->length} : 0U);
  }
  EXPECT_LT(skipped, listing.instructions.size() / 1000);
  testing::Test::RecordProperty("instructions", static_cast<int>(listing.instructions.size()));
  testing::Test::RecordProperty("left_out", static_cast<int>(skipped));
}

// Where the C++ compiler of this machine links it from.
std::string library(const char *name) {
  test::RunResult result = test::run({"g++", std::string("-print-file-name=") + name});
  return result.out.substr(0, result.out.find('\n'));
}

TEST(DecoderMass, LibcAgreesWithObjdump) { compareAll(library("libc.so.6"), 300'000); }

TEST(DecoderMass, LibstdcxxAgreesWithObjdump) { compareAll(library("libstdc++.so.6"), 200'000); }

} // namespace
} // namespace lpc
