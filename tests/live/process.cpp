// Which processes are opened and which are refused, and memory and identity of a live one.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <elf.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "runtime/maps.h"
#include "tests/live/stop_support.h"

namespace lpc::runtime {
namespace {

using namespace lpc::test;

constexpr uid_t kNobody = 65534;

// A fork of this test that does `setUp`, says so, and waits until it is killed.
class Fork {
public:
  explicit Fork(const std::function<void()> &setUp) {
    int ready[2];
    if (pipe2(ready, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    pid_ = fork();
    if (pid_ == 0) {
      setUp();
      if (write(ready[1], "r", 1) != 1) _exit(1);
      for (;;)
        pause();
    }
    close(ready[1]);
    pollfd said{ready[0], POLLIN, 0};
    poll(&said, 1, 10000);
    close(ready[0]);
  }
  ~Fork() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Fork(const Fork &) = delete;
  Fork &operator=(const Fork &) = delete;
  [[nodiscard]] pid_t pid() const { return pid_; }

private:
  pid_t pid_ = -1;
};

void become(uid_t user) {
  if (setresgid(user, user, user) != 0 || setresuid(user, user, user) != 0) _exit(1);
}

// What Process::open says to user `kNobody`: "id: message".
std::string saidToNobody(pid_t pid) {
  int answer[2];
  if (pipe2(answer, O_CLOEXEC) != 0) return "pipe";
  pid_t asker = fork();
  if (asker == 0) {
    become(kNobody);
    auto process = Process::open(pid);
    std::string text = process ? "opened" : std::string(info(process.error().id).text) + ": " + process.error().message;
    _exit(write(answer[1], text.data(), text.size()) < 0);
  }
  close(answer[1]);
  std::string text(4096, 0);
  text.resize(static_cast<size_t>(std::max<ssize_t>(read(answer[0], text.data(), text.size()), 0)));
  close(answer[0]);
  waitpid(asker, nullptr, 0);
  return text;
}

std::string refused(pid_t pid, DiagnosticId id) {
  auto process = Process::open(pid);
  if (process) return "opened";
  EXPECT_EQ(process.error().id, id);
  return process.error().message;
}

TEST(Process, AnOrdinaryOne) {
  Child child({target("crowd"), "3", "0"});
  ASSERT_TRUE(child.lineWith("ready"));
  ProcessState before = stateOf(child.pid());
  auto process = Process::open(child.pid());
  ASSERT_TRUE(process) << process.error().message;
  EXPECT_EQ(process->pid(), child.pid());
  EXPECT_EQ(process->machine(), Machine::X86_64);
  EXPECT_EQ(process->executable(), std::filesystem::canonical(target("crowd")));
  EXPECT_TRUE(process->stillSame());
  EXPECT_FALSE(process->ended());
  EXPECT_EQ(threadName(child.pid(), child.pid()), "target_crowd");
  EXPECT_EQ(threadName(child.pid(), 999999), "");
  auto ids = threadIds(child.pid());
  ASSERT_TRUE(ids);
  ASSERT_EQ(ids->size(), 3U);
  // A thread's id leads to its process.
  auto byThread = Process::open(ids->at(1));
  ASSERT_TRUE(byThread);
  EXPECT_EQ(byThread->pid(), child.pid());
  EXPECT_EQ(stateOf(child.pid()), before);
}

TEST(Process, NoneOrOurOwn) {
  EXPECT_EQ(refused(0, DiagnosticId::NoSuchProcess), "there is no process 0");
  EXPECT_EQ(refused(-7, DiagnosticId::NoSuchProcess), "there is no process -7");
  EXPECT_EQ(refused(4999999, DiagnosticId::NoSuchProcess), "there is no process 4999999");
  EXPECT_EQ(refused(getpid(), DiagnosticId::OwnProcess), "process " + std::to_string(getpid()) + " is lpc itself");
}

TEST(Process, AZombie) {
  pid_t pid = fork();
  if (pid == 0) _exit(0);
  siginfo_t info{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(refused(pid, DiagnosticId::ZombieProcess), "process " + std::to_string(pid) + " (" + threadName(pid, pid) +
                                                           ") has ended and waits for its parent, process " +
                                                           std::to_string(getpid()) + ", to take notice");
  waitpid(pid, nullptr, 0);
  EXPECT_EQ(refused(pid, DiagnosticId::NoSuchProcess), "there is no process " + std::to_string(pid));
}

TEST(Process, AZombieLeader) {
  Child child({target("headless")});
  ASSERT_TRUE(child.lineWith("ready"));
  EXPECT_EQ(refused(child.pid(), DiagnosticId::ZombieProcess),
            "the first thread of process " + std::to_string(child.pid()) +
                " (target_headless) has ended, while 1 of its threads live on: the kernel shows no memory map of such "
                "a process");
}

TEST(Process, AKernelThread) {
  if (!std::filesystem::exists("/proc/2/stat")) GTEST_SKIP() << "no kernel threads are visible in this pid namespace";
  std::string comm = threadName(2, 2);
  if (comm != "kthreadd") GTEST_SKIP() << "process 2 is no kernel thread in this pid namespace";
  EXPECT_EQ(refused(2, DiagnosticId::KernelThread), "process 2 (kthreadd) is a thread of the kernel");
}

TEST(Process, TracedAlready) {
  Child child({target("crowd"), "1", "0"});
  ASSERT_TRUE(child.lineWith("ready"));
  Fork tracer([&] {
    if (ptrace(PTRACE_SEIZE, child.pid(), nullptr, nullptr) != 0) _exit(1);
  });
  EXPECT_EQ(refused(child.pid(), DiagnosticId::AlreadyTraced),
            "process " + std::to_string(child.pid()) + " (target_crowd) is traced by process " +
                std::to_string(tracer.pid()) + " (`" + threadName(tracer.pid(), tracer.pid()) + "`)");
}

TEST(Process, OfAnotherUserWithoutPrivilege) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to be somebody else";
  Child child({target("crowd"), "1", "0"});
  ASSERT_TRUE(child.lineWith("ready"));
  EXPECT_EQ(saidToNobody(child.pid()), "not-permitted: process " + std::to_string(child.pid()) +
                                           " belongs to user 0, and lpc runs as user 65534 without privilege");
}

TEST(Process, NotDumpable) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to be somebody else";
  Fork other([] {
    become(kNobody);
    prctl(PR_SET_DUMPABLE, 0);
  });
  EXPECT_EQ(saidToNobody(other.pid()),
            "not-permitted: process " + std::to_string(other.pid()) +
                " is not dumpable: it has asked for that (prctl PR_SET_DUMPABLE), has changed its user, or its "
                "program file cannot be read");
  EXPECT_TRUE(Process::open(other.pid())); // root may
  Fork dumpable([] {
    become(kNobody);
    prctl(PR_SET_DUMPABLE, 1);
  });
  // The nearest process that may be: same user, dumpable. Yama may still say no.
  std::string said = saidToNobody(dumpable.pid());
  EXPECT_TRUE(said == "opened" || said.find("yama") != std::string::npos) << said;
}

// The smallest 32-bit program: it waits for a signal, for ever.
std::string makeProgram32() {
  Elf32_Ehdr header{};
  memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS32, header.e_ident[EI_DATA] = ELFDATA2LSB, header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_EXEC, header.e_machine = EM_386, header.e_version = EV_CURRENT;
  header.e_phoff = sizeof header, header.e_ehsize = sizeof header, header.e_phentsize = sizeof(Elf32_Phdr),
  header.e_phnum = 1;
  constexpr Elf32_Addr kBase = 0x10000, kCode = sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr);
  header.e_entry = kBase + kCode;
  const unsigned char code[] = {0xb8, 29,   0, 0, 0, // mov $__NR_pause, %eax
                                0xcd, 0x80,          // int $0x80
                                0xeb, 0xf7};         // jmp to the start
  Elf32_Phdr load{};
  load.p_type = PT_LOAD, load.p_vaddr = load.p_paddr = kBase, load.p_flags = PF_R | PF_X, load.p_align = 0x1000;
  load.p_filesz = load.p_memsz = kCode + sizeof code;
  std::string path = std::filesystem::temp_directory_path() / ("lpc-program32-" + std::to_string(getpid()));
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char *>(&header), sizeof header);
  file.write(reinterpret_cast<const char *>(&load), sizeof load);
  file.write(reinterpret_cast<const char *>(code), sizeof code);
  file.close();
  chmod(path.c_str(), 0700);
  return path;
}

TEST(Process, OfAnotherMachineClass) {
  std::string path = makeProgram32();
  {
    std::optional<Child> child;
    try {
      child.emplace(std::vector{path});
    } catch (const std::runtime_error &) {
      std::filesystem::remove(path);
      GTEST_SKIP() << "this kernel runs no 32-bit programs";
    }
    ASSERT_TRUE(eventually([&] { return threadState(child->pid(), child->pid()) == 'S'; }));
    EXPECT_EQ(refused(child->pid(), DiagnosticId::OtherMachine),
              "process " + std::to_string(child->pid()) + " (" + threadName(child->pid(), child->pid()) +
                  ") runs an i386 program, and this lpc patches x86_64 processes");
  }
  std::filesystem::remove(path);
}

TEST(Process, Memory) {
  Child child({target("crowd"), "2", "1"});
  auto ready = child.lineWith("ready");
  ASSERT_TRUE(ready);
  RemoteAddress counters{std::stoull(ready->substr(ready->rfind(' ') + 1), nullptr, 16)};
  Process process = opened(child.pid());
  auto bytes = process.read(counters + 64, 64 * 1024);
  ASSERT_TRUE(bytes) << bytes.error().message;
  Bytes pattern(64 * 1024);
  for (size_t i = 0; i < pattern.size(); i++)
    pattern[i] = static_cast<uint8_t>(i * 7);
  ASSERT_TRUE(process.fill(counters + 64, pattern));
  EXPECT_EQ(process.read(counters + 64, pattern.size()).value_or(Bytes()), pattern);
  EXPECT_EQ(process.readWord(counters + 64 + 8), loadLittle(BytesView(pattern).subspan(8, 8)));
  // Read-only code is written as well.
  auto maps = readMaps(process);
  ASSERT_TRUE(maps);
  auto code = std::ranges::find(*maps, true, &Mapping::executable);
  ASSERT_NE(code, maps->end());
  RemoteAddress last = code->range.end - 16;
  Bytes nops(16, 0x90);
  ASSERT_TRUE(process.write(last, nops));
  EXPECT_EQ(process.read(last, 16).value_or(Bytes()), nops);
  // Nothing there.
  auto none = process.read({0x10}, 4);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().id, DiagnosticId::BadAddress);
  EXPECT_EQ(none.error().message, "process " + std::to_string(child.pid()) + " has no memory for 4 bytes at 0x10");
  auto nowhere = process.write({0x10}, nops);
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().message, "process " + std::to_string(child.pid()) + " does not take 16 bytes at 0x10");
  for (uint64_t address : {UINT64_MAX, UINT64_MAX - 8, uint64_t{1} << 63, uint64_t{0xffffffffff600000}}) {
    EXPECT_FALSE(process.read({address}, 16)) << address;
    EXPECT_FALSE(process.write({address}, nops)) << address;
  }
  EXPECT_FALSE(process.read(counters, UINT64_MAX));
  EXPECT_FALSE(process.read(counters, uint64_t{1} << 31)); // not so much, and no attempt to allocate it
}

TEST(Process, HasEnded) {
  Child child({target("crowd"), "1", "0"});
  ASSERT_TRUE(child.lineWith("ready"));
  Process process = opened(child.pid());
  child.signal(SIGKILL);
  EXPECT_TRUE(eventually([&] { return process.ended(); }));
  auto same = process.stillSame(); // a zombie still
  ASSERT_FALSE(same);
  EXPECT_EQ(same.error().id, DiagnosticId::ProcessGone);
  EXPECT_EQ(same.error().message, "process " + std::to_string(child.pid()) + " has ended");
  child.wait();
  EXPECT_FALSE(process.stillSame()); // and no more
  EXPECT_FALSE(readMaps(process));
  EXPECT_FALSE(threadIds(child.pid()));
}

TEST(Process, HasExecutedAnotherProgram) {
  Child child({"sh", "-c", "echo ready; read line; exec cat"});
  ASSERT_TRUE(child.lineWith("ready"));
  Process process = opened(child.pid());
  ASSERT_TRUE(process.stillSame());
  auto maps = readMaps(process);
  ASSERT_TRUE(maps);
  RemoteAddress code = maps->front().range.begin;
  child.send("go\n");
  ASSERT_TRUE(eventually([&] { return threadName(child.pid(), child.pid()) == "cat"; }));
  for (auto result : {process.stillSame(), process.sameMemory(), process.write(code, Bytes{0x90})}) {
    ASSERT_FALSE(result); // above all: not one byte of cat is written
    EXPECT_EQ(result.error().id, DiagnosticId::ProcessChanged) << result.error().message;
  }
  EXPECT_NE(process.stillSame().error().message.find("/cat since lpc looked at it"), std::string::npos);
  child.send("still here\n");
  EXPECT_EQ(child.line(), "still here");
}

} // namespace
} // namespace lpc::runtime
