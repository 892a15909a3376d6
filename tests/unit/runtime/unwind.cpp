// What unwinding needs before any thread stands: one object of the process whose machine is known. How stacks are
// unwound is tested with real ones (tests/live/active.cpp and others).
#include "runtime/unwind.h"

#include <gmock/gmock.h>

#include "tests/support/child.h"

namespace lpc::runtime {
namespace {

class Unwinding : public testing::Test {
protected:
  void SetUp() override {
    child_.send("ready\n"); // so that it has begun
    ASSERT_EQ(child_.line(), "ready");
    auto opened = Process::open(child_.pid());
    ASSERT_TRUE(opened) << opened.error().message;
    process_.emplace(std::move(*opened));
    auto maps = readMaps(*process_);
    ASSERT_TRUE(maps);
    maps_ = *maps;
    auto modules = readModules(*process_, maps_);
    ASSERT_TRUE(modules);
    modules_ = *modules;
  }

  test::Child child_{{"/bin/cat"}};
  std::optional<Process> process_;
  std::vector<Mapping> maps_;
  std::vector<Module> modules_;
};

TEST_F(Unwinding, IsPreparedFromWhatIsLoaded) { EXPECT_TRUE(Unwinder::prepare(*process_, maps_, modules_)); }

TEST_F(Unwinding, TakesAnyOneObject) {
  for (Module &module : modules_)
    if (!module.isVdso) module.openPath = "/nowhere";
  EXPECT_TRUE(Unwinder::prepare(*process_, maps_, modules_)) << "the vdso is read from memory";
}

TEST_F(Unwinding, IsRefusedWhereNoObjectCanBeOpened) {
  std::erase_if(modules_, &Module::isVdso); // a kernel that gives none
  for (Module &module : modules_)
    module.openPath = "/nowhere";
  auto unwinder = Unwinder::prepare(*process_, maps_, modules_);
  ASSERT_FALSE(unwinder);
  EXPECT_EQ(unwinder.error().id, DiagnosticId::CannotUnwind);
  EXPECT_THAT(unwinder.error().message,
              testing::StartsWith("preparing to unwind process " + std::to_string(child_.pid()) + ": "));
}

} // namespace
} // namespace lpc::runtime
