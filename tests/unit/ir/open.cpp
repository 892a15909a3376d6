// `dlopen` in the IR: a memory whose symbols can be named, and which only that operation makes.
#include <gmock/gmock.h>

#include "ir/text.h"
#include "ir/verify.h"

namespace lpc::ir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Patch sample() {
  Patch patch;
  patch.name = "own";
  patch.source = "own.lp";
  patch.objects = {{"target", "", "./server", {0x3f, 0x2a, 0x9c, 0x1d}}};
  patch.payloads = {{"own.so", Bytes(40, 0x7f)}};
  patch.memories = {{"own", 16384, Permission::RX, PayloadId{0}, {3, 1, 3, 18}}};
  patch.operations = {{Open{MemoryId{0}}, {3, 1, 3, 18}},
                      {Write{"addr",
                             {InObject{ObjectId{0}, LinkAddress{0x4028}, "hook", 0}},
                             Address{InPayload{MemoryId{0}, "perthread", 0}},
                             8,
                             {},
                             {}},
                       {4, 1, 4, 30}}};
  return patch;
}

TEST(Open, IsPrintedAndReadBack) {
  std::string text = printText(sample());
  EXPECT_THAT(text, HasSubstr("\ndlopen $own\n  place 3:1-3:18\nwrite addr\n"));
  EXPECT_THAT(text, HasSubstr("  value address $own:\"perthread\"\n"));
  auto read = parseText(text);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, sample());
}

TEST(Open, NeedsAFile) {
  EXPECT_THAT(verify(sample()), IsEmpty());
  Patch patch = sample();
  patch.memories[0].payload.reset();
  EXPECT_THAT(verify(patch), ElementsAre("operation 0 fills memory 0, which has no payload"));
  patch = sample();
  patch.operations[0].action = Load{MemoryId{0}};
  EXPECT_THAT(verify(patch), ElementsAre(HasSubstr("loads 40 bytes into memory 0 of 16384"),
                                         HasSubstr("memory 0 is not linked, so it has no symbols")));
}

} // namespace
} // namespace lpc::ir
