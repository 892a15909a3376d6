// What `--all` says beside its table.
#include "frontend/driver/crowd_report.h"

#include <gmock/gmock.h>

namespace lpc::driver {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string remarks(bool stillComing, Format format) {
  CrowdReport report{.command = "lpc apply",
                     .schema = "lpc.apply/1",
                     .patch = "hotfix",
                     .file = "",
                     .nobody = "runs the program that the patch is for",
                     .crowd = {}};
  report.crowd.rows.push_back({});
  report.crowd.stillComing = stillComing;
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  printCrowd(report, format);
  std::string out = testing::internal::GetCapturedStdout();
  return testing::internal::GetCapturedStderr() + out;
}

TEST(CrowdReport, SaysThatProcessesMayBeLeft) {
  EXPECT_THAT(remarks(true, Format::Text), HasSubstr("lpc apply: warning: new processes came as often as lpc looked "
                                                     "[still-coming]\n  help: run `lpc apply --all` again\n"));
  EXPECT_THAT(remarks(true, Format::Json), HasSubstr("\"still-coming\""));
  EXPECT_THAT(remarks(false, Format::Text), Not(HasSubstr("[still-coming]")));
}

} // namespace
} // namespace lpc::driver
