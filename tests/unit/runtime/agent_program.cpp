// The machine code that runs in processes: decoded again, line by line, and the rules that it has to keep.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <functional>
#include <numeric>

#include "ir/machine/decoder.h"
#include "runtime/arch/x86_64_stub.h"
#include "runtime/borrow.h"
#include "runtime/player.h"

namespace lpc::runtime {
namespace {

using testing::ElementsAre;

// The instructions from `from` to `to`, as text, at address 0.
std::vector<std::string> listing(BytesView code, size_t from, size_t to) {
  auto decoder = Decoder::create(Machine::X86_64);
  EXPECT_TRUE(decoder.has_value());
  std::vector<std::string> lines;
  while (from < to) {
    auto instruction = (*decoder)->decode(code.subspan(from), from);
    if (!instruction) {
      ADD_FAILURE() << "no instruction at " << from;
      break;
    }
    lines.push_back((*decoder)->text(code.subspan(from, instruction->length), from));
    from += instruction->length;
  }
  return lines;
}

std::string at(uint64_t offset) { return hexAddress(offset); }

TEST(AgentProgram, ReadsAsIntended) {
  const x86_64::AgentProgram &p = x86_64::agentProgram();
  auto lines = listing(p.code, 0, p.memPath);
  uint32_t end = p.standBy - 11; // mov eax, exit; mov edi, ebx; syscall; jmp
  EXPECT_THAT(std::vector(lines.begin(), lines.begin() + 18),
              ElementsAre("syscall", "mov r12, rax", "jmp " + at(p.leave),                   // map
                          "syscall", "test rax, rax", "je " + at(end), "jmp " + at(p.leave), // clone
                          "syscall",                                                         // call
                          "test r13, r13", "je " + at(end), "mov rdi, r12", "mov rsi, r13", "mov eax, 0xb",
                          "syscall", // leave
                          "mov eax, 0x3c", "mov edi, ebx", "syscall", "jmp " + at(end)));
  EXPECT_EQ(std::string(reinterpret_cast<const char *>(p.code.data()) + p.memPath), "/proc/thread-self/mem");
  EXPECT_EQ(p.code.at(p.probe), 0);
  EXPECT_EQ(p.probe + 1, p.code.size());
  EXPECT_LT(p.code.size(), 256U) << "it has to fit behind a code segment";
}

TEST(AgentProgram, PlayerPerformsRowsAndSaysWhatFailed) {
  const x86_64::AgentProgram &p = x86_64::agentProgram();
  auto lines = listing(p.code, p.play, p.memPath);
  EXPECT_THAT(lines,
              testing::IsSupersetOf({"mov rax, qword ptr [r15]", "mov rdi, qword ptr [r15 + 0x8]",
                                     "mov rsi, qword ptr [r15 + 0x10]", "mov rdx, qword ptr [r15 + 0x18]",
                                     "mov r10, qword ptr [r15 + 0x20]", "mov r8, qword ptr [r15 + 0x28]",
                                     "mov r9, qword ptr [r15 + 0x30]", "cmp qword ptr [r15], 0x12", "add rsi, rax",
                                     "add r10, rax", "sub rdx, rax", "cmp rax, qword ptr [r15 + 0x38]", "add r15, 0x40",
                                     "mov r14, rax", "mov ebx, 0x1", "mov qword ptr [r12], 0x1"}));
  EXPECT_EQ(lines.back(), "jmp " + at(p.leave));
}

TEST(AgentProgram, ThePlayerThatStandsByAsksTheMark) {
  const x86_64::AgentProgram &p = x86_64::agentProgram();
  EXPECT_THAT(listing(p.code, p.standBy, p.play),
              ElementsAre("mov rax, qword ptr [r12 + 0x8]", "mov rcx, qword ptr [r12 + 0x10]",
                          "cmp qword ptr [rax], rcx", "jne " + at(p.leave)));
}

TEST(PlayTable, SaysWhatThePlayerStandsByFor) {
  auto table = playTable({{{0x5000}, {1}}}, {}, PlayMethod::ThroughMemory, {0x7000}, 3, {0x6008}, 42);
  EXPECT_EQ(loadLittle(BytesView(table.image).subspan(0, 8)), 0U);
  EXPECT_EQ(loadLittle(BytesView(table.image).subspan(8, 8)), 0x6008U);
  EXPECT_EQ(loadLittle(BytesView(table.image).subspan(16, 8)), 42U);
  EXPECT_EQ(table.rows.value, 0x7040U);
}

bool touchesStack(const std::string &line) {
  if (line == "syscall") return false;
  for (const char *word : {"push", "pop", "call", "ret", "rsp", "esp", "rbp", "enter", "leave", "int"})
    if (line.find(word) != std::string::npos) return true;
  return false;
}

TEST(AgentProgram, NothingTouchesTheStack) {
  const x86_64::AgentProgram &p = x86_64::agentProgram();
  for (const std::string &line : listing(p.code, 0, p.memPath))
    EXPECT_FALSE(touchesStack(line)) << line;
  auto stub = x86_64::borrowStub({}, 0);
  for (const std::string &line : listing(stub.code, 0, stub.code.size() - 24))
    EXPECT_FALSE(touchesStack(line)) << line;
}

TEST(WorkerProgram, ReadsAsIntended) {
  const x86_64::WorkerProgram &p = x86_64::workerProgram();
  EXPECT_THAT(listing(p.code, p.create, p.leave), ElementsAre("call rax", "mov ebx, eax"));
  EXPECT_THAT(listing(p.code, p.createFor, p.create),
              ElementsAre("call r14", "mov r14, rax", "mov ebp, dword ptr [r14]", "mov r12d, dword ptr [r15]",
                          "mov dword ptr [r15], 0xfffffffe", "pop rdi", "pop rsi", "pop rdx", "pop rcx", "pop rax",
                          "pop r8", "call rax", "mov ebx, eax", "mov dword ptr [r15], r12d", "mov dword ptr [r14], ebp",
                          "jmp " + at(p.leave)));
  const x86_64::AgentProgram &agent = x86_64::agentProgram();
  EXPECT_EQ(Bytes(p.code.begin() + p.leave, p.code.begin() + p.worker),
            Bytes(agent.code.begin() + agent.leave, agent.code.begin() + agent.standBy))
      << "as the agent does";
  auto lines = listing(p.code, p.worker, p.code.size());
  EXPECT_THAT(std::vector(lines.begin(), lines.begin() + 10),
              ElementsAre("push rbx", "push rbp", "push r12", "push r13", "push r14", "push r15", "sub rsp, 0x8",
                          "mov rbx, rdi", "mov qword ptr [rbx + 0x40], rsp", "mov eax, 0xba"));
  EXPECT_THAT(listing(p.code, p.ready, p.end),
              ElementsAre("syscall", "mov qword ptr [rbx + 0x48], rax", "mov r11, qword ptr [rbx]", "test r11, r11",
                          "je " + at(p.end), "mov qword ptr [rbx], 0x0", "mov rdi, qword ptr [rbx + 0x8]",
                          "mov rsi, qword ptr [rbx + 0x10]", "mov rdx, qword ptr [rbx + 0x18]",
                          "mov rcx, qword ptr [rbx + 0x20]", "mov r8, qword ptr [rbx + 0x28]",
                          "mov r9, qword ptr [rbx + 0x30]", "xor eax, eax", "call r11",
                          "mov qword ptr [rbx + 0x38], rax", "mov rcx, qword ptr [rbx + 0x60]",
                          "jrcxz " + at(p.ready - 5), "mov qword ptr [rcx], rax", "jmp " + at(p.ready - 5)));
  EXPECT_THAT(listing(p.code, p.end, p.hold), ElementsAre("add rsp, 0x8", "pop r15", "pop r14", "pop r13", "pop r12",
                                                          "pop rbp", "pop rbx", "xor eax, eax", "ret"));
  EXPECT_THAT(listing(p.code, p.hold, p.code.size()),
              ElementsAre("mov eax, 0x22", "syscall", "jmp " + at(p.hold))); // pause
  EXPECT_LT(p.code.size(), 256U) << "it has to fit behind a code segment";
}

// The borrowed thread waits for a stand-in in the kernel (CLONE_VFORK), and all else is the same.
TEST(BorrowStub, WaitsForAStandIn) {
  auto stub = x86_64::borrowStub({}, 0), held = x86_64::borrowStub({}, 0, true);
  EXPECT_THAT(listing(stub.code, stub.clone, stub.behindClone), testing::Contains("mov edi, 0x50f00"));
  EXPECT_THAT(listing(held.code, held.clone, held.behindClone), testing::Contains("mov edi, 0x54f00"));
  ASSERT_EQ(stub.code.size(), held.code.size());
  EXPECT_EQ(std::inner_product(stub.code.begin(), stub.code.end(), held.code.begin(), 0, std::plus<>(),
                               [](uint8_t a, uint8_t b) { return a == b ? 0 : 1; }),
            1);
  EXPECT_TRUE(x86_64::ownCode()[0].matches(held.code)) << "the next lpc finds it, if this one is killed";
}

// Flags are not saved, so nothing may change them.
TEST(BorrowStub, KeepsTheFlags) {
  auto stub = x86_64::borrowStub({}, 0);
  for (const std::string &line : listing(stub.code, 0, stub.code.size() - 24)) {
    std::string mnemonic = line.substr(0, line.find(' '));
    EXPECT_THAT(mnemonic, testing::AnyOf("mov", "movabs", "lea", "syscall", "jrcxz", "jmp")) << line;
  }
}

TEST(BorrowStub, LeadsHome) {
  user_regs_struct home{};
  home.rax = 0x0123456789abcdef, home.rdi = 1, home.rsi = 2, home.rdx = 3, home.r10 = 4, home.r8 = 5, home.rcx = 6,
  home.r11 = 7;
  home.rip = 0x00005566778899aa;
  auto stub = x86_64::borrowStub(home, 0x4000);
  auto lines = listing(stub.code, 0, stub.code.size() - 24);
  EXPECT_THAT(lines, testing::IsSupersetOf({"movabs rax, 0x123456789abcdef", "movabs rdi, 0x1", "movabs rsi, 0x2",
                                            "movabs rdx, 0x3", "movabs r10, 0x4", "movabs r8, 0x5", "movabs rcx, 0x6",
                                            "movabs r11, 0x7"}));
  BytesView literals = BytesView(stub.code).last(24);
  EXPECT_EQ(loadLittle(literals.first(8)), ~uint64_t{0}) << "all signals";
  EXPECT_EQ(loadLittle(literals.subspan(8, 8)), 0x4000U) << "its own signal mask";
  EXPECT_EQ(loadLittle(literals.last(8)), home.rip);
  EXPECT_EQ(stub.code[stub.behindClone - 2], 0x0f) << "behind a syscall instruction";
  EXPECT_EQ(stub.code[stub.behindClone - 1], 0x05);
}

// What the kernel does at the end of a stop (arch_do_signal_or_restart), done in code.
TEST(BorrowStub, RestartsInterruptedCalls) {
  user_regs_struct stopped{};
  stopped.rip = 0x1002;
  auto with = [&](long number, long result) {
    stopped.orig_rax = static_cast<uint64_t>(number), stopped.rax = static_cast<uint64_t>(result);
    return x86_64::homeInCode(stopped);
  };
  for (long result : {-512L, -513L, -514L, -4L}) { // the last is EINTR of a call that a stop must not end
    EXPECT_EQ(with(SYS_poll, result).rip, 0x1000U);
    EXPECT_EQ(with(SYS_poll, result).rax, uint64_t{SYS_poll});
  }
  EXPECT_EQ(with(SYS_nanosleep, -516).rax, uint64_t{SYS_restart_syscall});
  EXPECT_EQ(with(SYS_nanosleep, -516).rip, 0x1000U);
  EXPECT_EQ(with(SYS_read, 5).rip, 0x1002U) << "returned already";
  EXPECT_EQ(with(SYS_read, 5).rax, 5U);
  EXPECT_EQ(with(-1, -516).rip, 0x1002U) << "not in a call";
  stopped.orig_rax = SYS_epoll_wait, stopped.rax = static_cast<uint64_t>(-4L);
  EXPECT_EQ(static_cast<int64_t>(x86_64::homeFromStop(stopped).rax), -514);
}

TEST(Victim, Ranks) {
  EXPECT_EQ(rankOf('S', "202 0x1 0x80 0x0 0x0 0x0 0x0 0x7ffe 0x7f00"), VictimRank::Asleep);
  EXPECT_EQ(rankOf('S', "232 0x3 0x0 0x0 0x0 0x0 0x0 0x7ffe 0x7f00"), VictimRank::AsleepTimed);
  EXPECT_EQ(rankOf('S', "1 0x1 0x80 0x0 0x0 0x0 0x0 0x7ffe 0x7f00"), VictimRank::AsleepUnknown)
      << "a write may end short";
  EXPECT_EQ(rankOf('S', "running\n"), VictimRank::Running);
  EXPECT_EQ(rankOf('S', ""), VictimRank::AsleepUnknown);
  EXPECT_EQ(rankOf('R', "running\n"), VictimRank::Running);
  EXPECT_EQ(rankOf('T', "202 0x1"), VictimRank::Stopped);
  EXPECT_EQ(rankOf('D', "56 0x1"), VictimRank::Unfit) << "waits for a vfork child";
  EXPECT_EQ(rankOf('Z', ""), VictimRank::Unfit);
}

std::vector<Mapping> someMaps() {
  return parseMaps(
      "1000-3000 r-xp 00000000 08:01 1 /a\n3000-4000 r--p 00002000 08:01 1 /a\n4000-5000 rw-p 00003000 08:01 1 /a\n");
}

TEST(PlayTable, CoalescesNeighboursInOrder) {
  auto merged = coalesce({{{0x10}, {1, 2}}, {{0x12}, {3}}, {{0x20}, {4}}, {{0x13}, {5}}, {{0x14}, {}}, {{0x14}, {6}}});
  ASSERT_EQ(merged.size(), 3U);
  EXPECT_EQ(merged[0].to.value, 0x10U);
  EXPECT_EQ(merged[0].bytes, (Bytes{1, 2, 3}));
  EXPECT_EQ(merged[1].to.value, 0x20U);
  EXPECT_EQ(merged[2].to.value, 0x13U);
  EXPECT_EQ(merged[2].bytes, (Bytes{5, 6}));
}

TEST(PlayTable, ProtectedPagesHaveTheirProtection) {
  auto pages = protectedPages({{{0x1ff0}, Bytes(0x20)}, {{0x3010}, {1}}, {{0x4010}, {1}}}, someMaps());
  ASSERT_EQ(pages.size(), 2U);
  EXPECT_EQ(pages[0].range, (RemoteRange{{0x1000}, {0x3000}}));
  EXPECT_EQ(pages[0].protection, 5);
  EXPECT_EQ(pages[1].range, (RemoteRange{{0x3000}, {0x4000}}));
  EXPECT_EQ(pages[1].protection, 1);
}

uint64_t wordAt(const PlayTable &table, uint64_t offset) {
  return loadLittle(BytesView(table.image).subspan(offset, 8));
}

TEST(PlayTable, ThroughMemory) {
  std::vector<PlayedWrite> writes{{{0x1234}, {0xaa, 0xbb}}, {{0x4000}, {1}}};
  auto table = playTable(writes, {}, PlayMethod::ThroughMemory, {0x10000}, 3);
  EXPECT_EQ(table.rows.value, 0x10040U);
  EXPECT_LE(table.image.size(), playTableSize(writes, {}, PlayMethod::ThroughMemory));
  EXPECT_EQ(wordAt(table, 0), 0U) << "not played yet";
  EXPECT_EQ(wordAt(table, 64), uint64_t{SYS_pwrite64});
  EXPECT_EQ(wordAt(table, 72), 3U);
  uint64_t source = wordAt(table, 80) - 0x10000;
  EXPECT_EQ(wordAt(table, 88), 2U);
  EXPECT_EQ(wordAt(table, 96), 0x1234U);
  EXPECT_EQ(table.image.at(source), 0xaa);
  EXPECT_EQ(table.image.at(source + 1), 0xbb);
  EXPECT_EQ(wordAt(table, 128), uint64_t{SYS_pwrite64});
  EXPECT_EQ(wordAt(table, 192), ~uint64_t{0}) << "the end";
}

TEST(PlayTable, UnprotectingRestoresProtection) {
  auto table = playTable({{{0x1234}, {0xaa}}}, someMaps(), PlayMethod::Unprotecting, {0x10000}, 99);
  EXPECT_EQ(wordAt(table, 64), uint64_t{SYS_mprotect});
  EXPECT_EQ(wordAt(table, 64 + 24), 7U);
  EXPECT_EQ(wordAt(table, 128), uint64_t{SYS_process_vm_writev});
  EXPECT_EQ(wordAt(table, 128 + 8), 99U);
  EXPECT_EQ(wordAt(table, 192), uint64_t{SYS_mprotect});
  EXPECT_EQ(wordAt(table, 192 + 24), 5U);
  EXPECT_EQ(wordAt(table, 256), ~uint64_t{0});
}

} // namespace
} // namespace lpc::runtime
