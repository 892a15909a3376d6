// Processes in every awkward state there is (targets/states.c): each is patched, or refused with the message that names
// its state and status 3; and then nothing has changed: threads, mappings, descriptors, code, data.
//
// Not here: the process's own lpc, other builds and values (refusals.cpp); other machines, ends in the middle of it
// (process.cpp, stop_endings.cpp). A sleep that nothing interrupts is made with userfaultfd (target page_fault).
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/live/service.h"
#include "tests/live/unharmed.h"

namespace lpc::test {
namespace {

using testing::HasSubstr;

std::string number(pid_t pid) { return std::to_string(pid); }

// A process in a state, and all that must not change of it.
class State {
public:
  explicit State(const std::vector<std::string> &argv) : child_(argv), pid_(child_.pid()) {
    auto line = child_.line();
    if (line && line->starts_with("child ")) inner_ = std::stoi(line->substr(6)), line = child_.line();
    EXPECT_TRUE(line && line->starts_with("ready")) << line.value_or("no answer");
    if (line && line->size() > 6) inner_ = std::stoi(line->substr(6));
    look();
  }
  // Of the process that it started: the one that the test is about.
  void takeChildOf() {
    std::ifstream("/proc/" + number(pid_) + "/task/" + number(pid_) + "/children") >> pid_;
    look();
  }
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] pid_t inner() const { return inner_; }
  Child &child() { return child_; }
  std::string call() {
    child_.send("\n");
    return child_.line().value_or("(no answer)");
  }
  void expectUntouched() {
    EXPECT_EQ(wholeOf(pid_), whole_);
    EXPECT_EQ(statusOf(pid_, "TracerPid"), tracer_);
  }

private:
  void look() { whole_ = wholeOf(pid_), tracer_ = statusOf(pid_, "TracerPid"); }
  Child child_;
  pid_t pid_, inner_ = 0;
  Whole whole_;
  long tracer_ = 0;
};

// Two changes, which have to be made together: so it takes a stop.
constexpr const char *kPatch = "patch state\nset number int 6\nset other int 6\n";
const std::string kStates = kBinaries + "/target_states_pie";
const std::vector<std::string> kAsNobody = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"};
// Root, but for the right to suspend filters.
const std::vector<std::string> kWithoutAdmin = {"setpriv", "--bounding-set=-sys_admin"};

std::vector<std::string> operator+(std::vector<std::string> a, const std::vector<std::string> &b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

class RefusedState : public testing::Test {
protected:
  RefusedState() {
    folder_.write("state.lp", kPatch);
    std::filesystem::permissions(folder_.path(), std::filesystem::perms::all);
  }
  RunResult apply(pid_t pid, const std::vector<std::string> &as = {}) {
    return run(as + std::vector<std::string>{LPC_COMMAND, "apply", folder_.path() + "/state.lp", "--pid", number(pid),
                                             "--timeout", "700ms"});
  }
  void refused(pid_t pid, const std::string &id, const std::string &why, const std::vector<std::string> &as = {}) {
    RunResult done = apply(pid, as);
    EXPECT_EQ(done.status, 3) << done.out << done.err;
    EXPECT_THAT(done.err, HasSubstr("[" + id + "]"));
    EXPECT_THAT(done.err, HasSubstr(why));
    EXPECT_THAT(done.err, HasSubstr("nothing was changed"));
  }
  void works(State &state) {
    RunResult done = apply(state.pid());
    EXPECT_EQ(done.status, 0) << done.out << done.err;
    EXPECT_EQ(state.call(), "number 6");
    done = lpc({"revert", "state", "--pid", number(state.pid())});
    EXPECT_EQ(done.status, 0) << done.err;
    EXPECT_EQ(state.call(), "number 5");
    state.expectUntouched();
  }
  void needsRoot() {
    if (geteuid() != 0) GTEST_SKIP() << "needs root, to be somebody else";
  }
  WorkFolder folder_;
};

TEST_F(RefusedState, NearestThatPasses) {
  State state({kStates, "plain"});
  works(state);
}

TEST_F(RefusedState, GroupStopWorks) {
  State state({kStates, "plain"});
  auto isStopped = [&] { return runtime::threadState(state.pid(), state.pid()) == 'T'; };
  state.child().signal(SIGSTOP);
  ASSERT_TRUE(eventually(isStopped));
  RunResult done = apply(state.pid());
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_TRUE(eventually(isStopped));
  state.child().signal(SIGCONT);
  EXPECT_EQ(state.call(), "number 6");
  state.child().signal(SIGSTOP);
  ASSERT_TRUE(eventually(isStopped));
  done = lpc({"revert", "state", "--pid", number(state.pid())});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_TRUE(eventually(isStopped));
  state.child().signal(SIGCONT);
  EXPECT_EQ(state.call(), "number 5");
  state.expectUntouched();
}

TEST_F(RefusedState, VforkOfTheOnlyThread) {
  State state({kStates, "vfork"});
  refused(state.pid(), "pending-vfork", "waits for the child of a vfork");
  refused(state.inner(), "pending-vfork", "is the child of a vfork of process " + number(state.pid()));
  state.expectUntouched();
  state.child().send("\n");
  EXPECT_EQ(state.child().line(), "done");
  works(state);
}

TEST_F(RefusedState, VforkOfOneThread) {
  State state({kStates, "threads"});
  refused(state.pid(), "pending-vfork", "waits for the child of a vfork");
  refused(state.inner(), "pending-vfork", "is the child of a vfork of process " + number(state.pid()));
  state.expectUntouched();
  EXPECT_EQ(state.call(), "number 5"); // the child is over
  works(state);
}

TEST_F(RefusedState, UninterruptibleSleep) {
  Child child({target("page_fault_pie")});
  auto ready = child.line();
  if (ready == "unsupported") GTEST_SKIP() << "no userfaultfd here";
  ASSERT_EQ(ready, "ready");
  auto mappings = mappingsOf(child.pid());
  RunResult done =
      run({LPC_COMMAND, "apply", folder_.path() + "/state.lp", "--pid", number(child.pid()), "--timeout", "700ms"});
  EXPECT_EQ(done.status, 3) << done.out << done.err;
  EXPECT_THAT(done.err, HasSubstr("[cannot-stop]"));
  EXPECT_THAT(done.err, HasSubstr("sleeps uninterruptibly in the kernel"));
  EXPECT_THAT(done.err, HasSubstr("nothing was changed"));
  child.send("\n");
  EXPECT_TRUE(child.lineWith("done"));
  EXPECT_TRUE(eventually([&] { return stateOf(child.pid()).tracer == 0; }));
  EXPECT_EQ(mappingsOf(child.pid()), mappings);
  EXPECT_TRUE(child.alive());
}

class RefusedFilter : public RefusedState, public testing::WithParamInterface<const char *> {};

TEST_P(RefusedFilter, SleepsForRootAndRefusesOthers) {
  needsRoot();
  State state({kStates, GetParam()});
  refused(state.pid(), "not-permitted", "seccomp filter", kWithoutAdmin);
  state.expectUntouched();
  EXPECT_EQ(state.call(), "number 5");
  works(state);
}
INSTANTIATE_TEST_SUITE_P(Kind, RefusedFilter, testing::Values("strict", "kill", "errno"),
                         [](const auto &test) { return std::string(test.param); });

TEST_F(RefusedState, NoMoreAddressSpace) {
  State state({kStates, "plain"});
  rlimit none{4096, RLIM_INFINITY};
  ASSERT_EQ(prlimit(state.pid(), RLIMIT_AS, &none, nullptr), 0);
  refused(state.pid(), "remote-call-failed", "Cannot allocate memory");
  state.expectUntouched();
  rlimit all{RLIM_INFINITY, RLIM_INFINITY};
  ASSERT_EQ(prlimit(state.pid(), RLIMIT_AS, &all, nullptr), 0);
  works(state);
}

TEST_F(RefusedState, NoMoreThreads) {
  needsRoot();
  State state(kAsNobody + std::vector<std::string>{"prlimit", "--nproc=1:", kStates, "plain"});
  refused(state.pid(), "no-agent", "may have no further thread");
  state.expectUntouched();
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NPROC, &limit), 0); // the hard one is ours
  std::string most = limit.rlim_max == RLIM_INFINITY ? "unlimited" : std::to_string(limit.rlim_max);
  run(kAsNobody + std::vector<std::string>{"prlimit", "--nproc=" + most + ":", "--pid", number(state.pid())});
  works(state);
}

TEST_F(RefusedState, NoSpaceInReach) {
  State state({kStates, "crammed"});
  folder_.write("state.lp", "patch state\ndl p " + kBinaries + "/outer.so\njmp answer $p:outer_new\n");
  refused(state.pid(), "no-space-in-reach", "free bytes within");
  state.expectUntouched();
  folder_.write("state.lp", kPatch); // needs no space in reach
  works(state);
}

TEST_F(RefusedState, UnderGdb) {
  State state({kStates, "plain"});
  {
    Child gdb({"gdb", "-q", "-nx", "-batch", "-p", number(state.pid()), "-ex", "python print('attached', flush=True)",
               "-ex", "shell cat"});
    ASSERT_TRUE(gdb.lineWith("attached", 60s));
    refused(state.pid(), "already-traced", "(`gdb`)");
  }
  EXPECT_TRUE(eventually([&] { return stateOf(state.pid()).tracer == 0; }));
  works(state);
}

TEST_F(RefusedState, StartedByATracer) {
  State state({"strace", "-o", "/dev/null", "-e", "trace=none", kStates, "plain"});
  state.takeChildOf();
  refused(state.pid(), "already-traced", "(`strace`)");
  state.expectUntouched();
}

TEST_F(RefusedState, SetUserIdProgram) {
  needsRoot();
  std::string program = folder_.path() + "/privileged";
  std::filesystem::copy_file(kStates, program);
  ASSERT_EQ(chmod(program.c_str(), 04755), 0);
  State state(kAsNobody + std::vector<std::string>{program, "plain"});
  refused(state.pid(), "not-permitted", "has set its user id", kAsNobody);
  state.expectUntouched();
  works(state); // for root it is one like others
}

TEST_F(RefusedState, NotDumpable) {
  needsRoot();
  State state(kAsNobody + std::vector<std::string>{kStates, "undumpable"});
  refused(state.pid(), "not-permitted", "is not dumpable", kAsNobody);
  state.expectUntouched();
  works(state);
}

// The first process of a namespace of its own, whose program lies where nobody outside sees it.
TEST_F(RefusedState, OtherMountAndPidNamespaceWorks) {
  needsRoot();
  State state({"unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c",
               "mount -t tmpfs none /mnt && cp " + kStates + " /mnt/states && exec /mnt/states plain"});
  state.takeChildOf();
  EXPECT_EQ(std::filesystem::read_symlink("/proc/" + number(state.pid()) + "/exe"), "/mnt/states");
  folder_.write("state.lp", kPatch);
  RunResult done = lpc({"apply", "state.lp", "--pid", number(state.pid())}); // its program is found through its root
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(state.call(), "number 6");
  EXPECT_EQ(lpc({"revert", "state", "--pid", number(state.pid())}).status, 0);
  EXPECT_EQ(state.call(), "number 5");
  state.expectUntouched();
}

TEST_F(RefusedState, Zombie) {
  State state({kStates, "zombie"});
  refused(state.inner(), "zombie-process", "has ended and waits for its parent, process " + number(state.pid()));
  state.expectUntouched();
}

TEST_F(RefusedState, KernelThread) {
  if (runtime::threadName(2, 2) != "kthreadd") GTEST_SKIP() << "no kernel threads are visible here";
  refused(2, "kernel-thread", "is a thread of the kernel");
}

TEST_F(RefusedState, Init) {
  needsRoot();
  refused(1, "not-permitted", "process 1", kAsNobody);
}

} // namespace
} // namespace lpc::test
