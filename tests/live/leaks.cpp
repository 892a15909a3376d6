// Patched and reverted over and over, a process is what it was: threads, mappings, descriptors, the bytes of its code
// (where the agent's program stood in unused ends of pages), and its memory. Neither does lpc keep anything.
//
// Through the library, in this process. By default some hundred times, or as many as fit into some seconds;
// LPC_LEAKS=10000 live_leaks does so many, however long it takes.
#include <cstdlib>
#include <iostream>

#include "backend/play.h"
#include "ir/text.h"
#include "tests/live/service.h"
#include "tests/live/unharmed.h"

namespace lpc::test {
namespace {

constexpr int kTimes = 300;
constexpr auto kTime = 4s;

TEST(Leaks, NothingIsLeftByManyAppliesAndReverts) {
  WorkFolder folder;
  Service service(4);
  folder.write("fix.lp",
               "patch fix\ntarget " + service.program() + "\ndl foo " + kPayload +
                   "\njmp func_J $foo:func1\nset str_P addr $foo:patch_message\nset number int 6\nnew m 10000\n");
  auto patch = ir::parseText(lpc({"dump", "fix.lp", "--emit", "ir"}).out);
  LPC_ASSERT_OK(patch);
  auto process = Process::open(service.pid());
  LPC_ASSERT_OK(process);
  const char *wanted = getenv("LPC_LEAKS");
  int times = wanted ? std::max(atoi(wanted), 1) : kTimes, done = 0, busy = 0;

  // One to begin with: the pages of code that are changed are the process's own from then on.
  auto once = [&] {
    backend::Outcome outcome = backend::apply(*patch, *process, {});
    for (; outcome.kind == backend::OutcomeKind::Busy && busy < times + 20; busy++)
      outcome = backend::apply(*patch, *process, {});
    EXPECT_EQ(outcome.kind, backend::OutcomeKind::Applied) << (outcome.reason ? explain(*outcome.reason) : "");
    do
      outcome = backend::revert("fix", *process, {});
    while (outcome.kind == backend::OutcomeKind::Busy && busy++ < times + 20);
    EXPECT_EQ(outcome.kind, backend::OutcomeKind::Reverted) << (outcome.reason ? explain(*outcome.reason) : "");
  };
  Whole original = wholeOf(service.pid());
  once();
  EXPECT_EQ(wholeOf(service.pid()), original);
  long resident = statusOf(service.pid(), "VmRSS"), tables = statusOf(service.pid(), "VmPTE");
  size_t own = stateOf(getpid()).descriptors;
  for (auto end = in(kTime); done < times && (wanted || Clock::now() < end) && !HasFailure(); done++)
    once();
  // What a word somewhere seemed to point into is given back by a later command.
  for (int i = 0; i < 20 && mappingsOf(service.pid()) != original.mappings; i++)
    (void)backend::revert("fix", *process, {});
  EXPECT_EQ(wholeOf(service.pid()), original);
  service.expectUntouched();
  // In KiB. The C library touches some pages of its own now and then.
  EXPECT_LE(statusOf(service.pid(), "VmRSS"), resident + 128);
  EXPECT_LE(statusOf(service.pid(), "VmPTE"), tables + 32);
  EXPECT_EQ(stateOf(getpid()).descriptors, own);
  std::cout << done << " times, " << busy << " times busy; resident " << resident << " KiB, then "
            << statusOf(service.pid(), "VmRSS") << "\n";
}

} // namespace
} // namespace lpc::test
