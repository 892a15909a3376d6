// Workers in real processes: functions are called as if the program had called them, and what fails fails alone.
#include "runtime/worker.h"
#include "backend/thread_library.h"
#include "tests/live/unharmed.h"
#include "tests/support/work_folder.h"

namespace lpc::test {
namespace {

using runtime::Worker;
using runtime::WorkerCall;
using testing::HasSubstr;

// In a program that is linked dynamically, or statically.
using Kind = std::pair<std::string, int>;
class Workers : public testing::TestWithParam<Kind> {
protected:
  enum Function { Six, Note, Crash, Fail, Loop, Sleepy, Deep, Leave, Spoil, WriteLine };

  void SetUp() override {
    const auto &[kind, threads] = GetParam();
    std::string program =
        kind == "Dynamic" ? target("worker") : builtStatic(kind == "StaticPie" ? "-static-pie" : "-static");
    child_.emplace(std::vector<std::string>{program, std::to_string(threads)});
    auto line = child_->lineWith("ready");
    ASSERT_TRUE(line);
    functions_ = addressesIn(*line);
    ASSERT_EQ(functions_.size(), 10U);
    auto process = Process::open(child_->pid());
    LPC_ASSERT_OK(process);
    process_.emplace(std::move(*process));
    before_ = stateOf(child_->pid());
    mappings_ = mappingsOf(child_->pid());
  }

  static std::string builtStatic(const std::string &how) {
    std::string program = std::string(LPC_TEST_BINARY_DIR) + "/worker" + how;
    auto built = run({"cc", how, "-O1", how == "-static" ? "-fno-pie" : "-fPIE", "-pthread", "-o", program,
                      std::string(LPC_SOURCE_DIR) + "/tests/live/targets/worker.c"});
    EXPECT_EQ(built.status, 0) << built.err;
    return program;
  }

  // An agent, and workers as often as one is asked for.
  void begin() {
    auto snapshot = backend::look(*process_);
    LPC_ASSERT_OK(snapshot);
    snapshot_ = std::move(*snapshot);
    auto library = backend::findThreadLibrary(*process_, snapshot_);
    LPC_ASSERT_OK(library);
    library_ = *library;
    auto agent = Agent::start(*process_, snapshot_.maps, in(10s));
    LPC_ASSERT_OK(agent);
    agent_.emplace(std::move(*agent));
  }
  Result<Worker> worker() { return Worker::start(*process_, *agent_, snapshot_.maps, library_, in(10s)); }
  [[nodiscard]] WorkerCall call(Function function, std::array<uint64_t, 6> arguments = {}) const {
    return {functions_[function], arguments};
  }
  // What its own threads and the function `note` have counted.
  std::string counts() {
    child_->send("?\n");
    auto line = child_->lineWith("rounds");
    return line ? line->substr(line->find("noted")) : "(no answer)";
  }
  void fails(Function function, const std::string &message, std::chrono::milliseconds limit = 10s) {
    auto worker = this->worker();
    LPC_ASSERT_OK(worker);
    auto result = worker->run(call(function), limit);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().id, DiagnosticId::CallFailed);
    EXPECT_THAT(explain(result.error()), HasSubstr(message));
    EXPECT_FALSE(worker->alive());
    EXPECT_EQ(worker->run(call(Six), 10s).error().id, DiagnosticId::CallFailed);
  }

  std::optional<Child> child_;
  std::optional<Process> process_;
  std::vector<RemoteAddress> functions_;
  backend::Snapshot snapshot_;
  runtime::ThreadLibrary library_;
  std::optional<Agent> agent_;
  ProcessState before_;
  std::vector<std::string> mappings_;
};

TEST_P(Workers, CallsFunctions) {
  begin();
  {
    auto worker = this->worker();
    LPC_ASSERT_OK(worker);
    auto six = worker->run(call(Six, {1, 2, 3, 4, 5, 6}), 10s);
    LPC_ASSERT_OK(six);
    EXPECT_EQ(*six, 654321U);
    EXPECT_EQ(worker->run(call(Note, {5}), 10s).value_or(0), 7U);
    EXPECT_EQ(worker->run(call(Note, {5}), 10s).value_or(0), 8U) << "the same thread";
    EXPECT_EQ(worker->run(call(WriteLine), 10s).value_or(0), 20U);
    EXPECT_TRUE(child_->lineWith("hello from a worker"));
  }
  EXPECT_EQ(counts(), "noted 10 ended 1") << "it ended as threads do";
  {
    auto worker = this->worker();
    LPC_ASSERT_OK(worker);
    EXPECT_EQ(worker->run(call(Note, {1}), 10s).value_or(0), 7U) << "another thread";
  }
  agent_.reset();
  EXPECT_EQ(stateOf(child_->pid()).threads, before_.threads);
  EXPECT_EQ(stateOf(child_->pid()).descriptors, before_.descriptors);
  EXPECT_TRUE(runsAsBefore(child_->pid(), before_));
}

// The C library makes an arena for the first threads and keeps it; then nothing grows.
TEST_P(Workers, LeavesNothing) {
  begin();
  auto once = [&] {
    auto worker = this->worker();
    LPC_ASSERT_OK(worker);
    LPC_EXPECT_OK(worker->run(call(Note, {1}), 10s));
  };
  for (int i = 0; i < 20; i++)
    once();
  auto mappings = stateOf(child_->pid()).mappings;
  for (int i = 0; i < 30; i++)
    once();
  EXPECT_EQ(stateOf(child_->pid()).mappings, mappings);
  agent_.reset();
  EXPECT_EQ(counts(), "noted 50 ended 50");
}

TEST_P(Workers, FailuresEndTheWorkerAlone) {
  begin();
  fails(Crash, "raised SIGSEGV at 0x");
  fails(Crash, "touching 0x10");
  fails(Fail, "raised SIGABRT");
  fails(Loop, "did not return within 50 ms", 50ms);
  fails(Sleepy, "did not return within 50 ms", 50ms);
  fails(Deep, "raised SIGSEGV");
  fails(Leave, "ended its thread");
  EXPECT_EQ(stateOf(child_->pid()).threads, before_.threads + 1); // the agent
  auto worker = this->worker();
  LPC_ASSERT_OK(worker);
  EXPECT_EQ(worker->run(call(Note, {3}), 10s).value_or(0), 7U);
  worker = Result<Worker>(std::unexpected(Error{}));
  agent_.reset();
  EXPECT_EQ(counts(), "noted 3 ended 1");
  EXPECT_TRUE(runsAsBefore(child_->pid(), before_));
}

// Where not even the way out is left, the thread ends at once, and its memory stays.
TEST_P(Workers, ThatCannotEndAsThreadsDo) {
  begin();
  auto worker = this->worker();
  LPC_ASSERT_OK(worker);
  auto result = worker->run(call(Spoil), 10s);
  ASSERT_FALSE(result);
  EXPECT_THAT(explain(result.error()), HasSubstr("raised SIGSEGV"));
  worker = Result<Worker>(std::unexpected(Error{}));
  agent_.reset();
  EXPECT_EQ(counts(), "noted 0 ended 0");
  EXPECT_TRUE(runsAsBefore(child_->pid(), before_));
}

INSTANTIATE_TEST_SUITE_P(All, Workers,
                         testing::Values(Kind{"Dynamic", 1}, Kind{"Dynamic", 2}, Kind{"Dynamic", 8}, Kind{"Static", 1},
                                         Kind{"Static", 8}, Kind{"StaticPie", 1}, Kind{"StaticPie", 8}),
                         [](const auto &each) { return each.param.first + std::to_string(each.param.second); });

// Programs whose C library cannot be asked for a thread.
class WorkerRefusals : public testing::TestWithParam<std::vector<std::string>> {};

TEST_P(WorkerRefusals, SaysWhy) {
  WorkFolder folder;
  folder.write("program.c", "#include <stdio.h>\n#include <pthread.h>\n"
                            "static void *nothing(void *unused) { return unused; }\n"
                            "int main(void) {\n"
                            "#ifdef THREADS\n pthread_t thread; pthread_create(&thread, NULL, nothing, NULL);\n#endif\n"
                            "  (void)nothing; puts(\"ready\"); fflush(stdout); return getchar(); }\n");
  std::vector<std::string> words = GetParam();
  words.insert(words.end(), {"-pthread", "-o", "program", "program.c"});
  if (auto built = run(words); built.status != 0) GTEST_SKIP() << words[0] << " cannot: " << built.err;
  Child child({"./program"});
  ASSERT_TRUE(child.lineWith("ready"));
  auto process = Process::open(child.pid());
  LPC_ASSERT_OK(process);
  auto snapshot = backend::look(*process);
  LPC_ASSERT_OK(snapshot);
  auto library = backend::findThreadLibrary(*process, *snapshot);
  ASSERT_FALSE(library);
  EXPECT_EQ(library.error().id, DiagnosticId::NoThreads);
  EXPECT_THAT(library.error().message,
              HasSubstr("it has no C library of GNU, or one linked into it without threads or without symbols"));
}

INSTANTIATE_TEST_SUITE_P(All, WorkerRefusals,
                         testing::Values(std::vector<std::string>{"gcc", "-static"},
                                         std::vector<std::string>{"gcc", "-static", "-DTHREADS", "-s"},
                                         std::vector<std::string>{"musl-gcc", "-DTHREADS"},
                                         std::vector<std::string>{"musl-gcc", "-static", "-DTHREADS"}),
                         [](const auto &each) {
                           return each.param[0] == "musl-gcc" ? each.param[1] == "-static" ? "MuslStatic" : "Musl"
                                  : each.param.size() == 2    ? "StaticWithoutThreads"
                                                              : "StaticStripped";
                         });

} // namespace
} // namespace lpc::test
