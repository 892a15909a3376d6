// The words for changes, outcomes and times.
#include <gmock/gmock.h>
#include <sys/mman.h>

#include "frontend/driver/change_text.h"
#include "frontend/driver/console.h"
#include "frontend/driver/exit_status.h"
#include "frontend/driver/json.h"
#include "frontend/driver/outcome_report.h"

namespace lpc::driver {
namespace {

backend::PlannedChange set(std::string type, Bytes bytes) {
  backend::PlannedChange change;
  change.address = {0x404028};
  change.type = std::move(type);
  change.newBytes = std::move(bytes);
  return change;
}

TEST(ChangeText, ShowsTheValueByItsType) {
  EXPECT_EQ(changeText(set("int", {5, 0, 0, 0})), "set 0x404028 int 5");
  EXPECT_EQ(changeText(set("int", {0xfe, 0xff, 0xff, 0xff})), "set 0x404028 int -2");
  EXPECT_EQ(changeText(set("u32", {0xfe, 0xff, 0xff, 0xff})), "set 0x404028 u32 4294967294");
  EXPECT_EQ(changeText(set("i8", {0x80})), "set 0x404028 i8 -128");
  EXPECT_EQ(changeText(set("i64", {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})),
            "set 0x404028 i64 9223372036854775807");
  EXPECT_EQ(changeText(set("f32", {0, 0, 0xc0, 0x3f})), "set 0x404028 f32 1.5");
  EXPECT_EQ(changeText(set("f64", {0, 0, 0, 0, 0, 0, 0xf0, 0x7f})), "set 0x404028 f64 inf");
  EXPECT_EQ(changeText(set("str", {'h', 'i', ' ', '#'})), "set 0x404028 str hi #");
  EXPECT_EQ(changeText(set("text", {'a', '"', '\n'})), "set 0x404028 text \"a\\\"\\x0a\"");
  EXPECT_EQ(changeText(set("cstr", {'a', 0})), "set 0x404028 cstr \"a\"");
  EXPECT_EQ(changeText(set("hex", {0x0f, 0xa0})), "set 0x404028 hex 0fa0");
  EXPECT_EQ(changeText(set("addr", {0x30, 0x10, 0x40, 0, 0, 0, 0, 0})), "set 0x404028 addr 0x401030");
}

TEST(ChangeText, ShowsWhereAJumpLeads) {
  backend::PlannedChange jump{
      .kind = backend::PlannedChange::Kind::Jump, .address = {0x401014}, .destination = {0x7f0000001000}};
  jump.oldBytes = {0x55, 0x48};
  jump.newBytes = {0xe9, 0};
  EXPECT_EQ(changeText(jump), "jmp 0x401014 0x7f0000001000");
  EXPECT_EQ(bytesText(jump), "55 48 -> e9 00");
}

TEST(ChangeText, ShowsMemory) {
  backend::PlannedMemory memory{.name = "foo",
                                .id = ir::MemoryId{0},
                                .address = {0x7f0000001000},
                                .requested = 8192,
                                .segments = {},
                                .content = {}};
  EXPECT_EQ(memoryText(memory), "$foo @ 0x7f0000001000 [8192]");
  EXPECT_EQ(permissionText(PROT_READ | PROT_EXEC), "rx");
  EXPECT_EQ(permissionText(PROT_NONE), "none");
}

TEST(Console, WritesTimesForPeople) {
  EXPECT_EQ(shortTime(0), "0 us");
  EXPECT_EQ(shortTime(47.4), "47 us");
  EXPECT_EQ(shortTime(999), "999 us");
  EXPECT_EQ(shortTime(3210), "3.2 ms");
  EXPECT_EQ(shortTime(32100), "32 ms");
  EXPECT_EQ(shortTime(1.5e6), "1.5 s");
}

TEST(ExitStatus, FollowsFromTheOutcome) {
  using enum backend::OutcomeKind;
  backend::Outcome outcome;
  auto status = [&](backend::OutcomeKind kind) {
    outcome.kind = kind;
    return statusOf(outcome);
  };
  EXPECT_EQ(status(Applied), 0);
  EXPECT_EQ(status(AlreadyApplied), 0);
  EXPECT_EQ(status(DryRun), 0);
  EXPECT_EQ(status(Refused), 3);
  EXPECT_EQ(status(Busy), 3);
  EXPECT_EQ(status(Gone), 3);
  EXPECT_EQ(status(NotApplied), 3);
  EXPECT_EQ(status(RolledBack), 4);
  EXPECT_EQ(status(Uncertain), 5);
  outcome.reason =
      Error{.id = DiagnosticId::UndefinedPayloadSymbol, .message = "", .notes = {}, .help = {}, .place = {}};
  EXPECT_EQ(status(Refused), 1); // the patch is wrong, not the process
}

TEST(ExitStatus, FollowsFromTheDiagnostic) {
  EXPECT_EQ(statusOf(DiagnosticId::SyntaxError), 1);
  EXPECT_EQ(statusOf(DiagnosticId::CannotOpen), 1);
  EXPECT_EQ(statusOf(DiagnosticId::BadIr), 1);
  EXPECT_EQ(statusOf(DiagnosticId::Usage), 2);
  EXPECT_EQ(statusOf(DiagnosticId::NoSuchProcess), 3);
  EXPECT_EQ(statusOf(DiagnosticId::BuildIdMismatch), 3);
  EXPECT_EQ(statusOf(DiagnosticId::CorruptRegistry), 3);
  EXPECT_EQ(statusOf(DiagnosticId::VerifyFailed), 4);
}

TEST(Json, KeepsTheOrderAndMakesTextValid) {
  std::string text = Json::document([](Json &json) {
    json.text("schema", "s/1");
    json.text("bytes", "a\xff\"\n");
    json.number("large", 1LL << 60);
    json.numberOrNull("line", 0);
    json.textOrNull("help", "");
    json.flag("ok", true);
    json.array("list", [&] {
      json.textElement("x");
      json.element([&] { json.number("n", 1); });
    });
  });
  EXPECT_EQ(text,
            "{\n  \"schema\": \"s/1\",\n  \"bytes\": \"a\xef\xbf\xbd\\\"\\n\",\n  \"large\": 1152921504606846976,\n  "
            "\"line\": null,\n"
            "  \"help\": null,\n  \"ok\": true,\n  \"list\": [\n    \"x\",\n    {\n      \"n\": 1\n    }\n  ]\n}\n");
}

} // namespace
} // namespace lpc::driver
