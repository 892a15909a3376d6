// The agent's program and the borrower's stub, instruction by instruction (Intel SDM vol. 2 for the encodings; system
// call convention: System V ABI for AMD64, appendix A.2.1: number in rax, arguments in rdi rsi rdx r10 r8 r9, rcx and
// r11 lost).
//
// Bytes by hand and no assembler: the program must not depend on LLVM being initialised, the list is short, and every
// line carries its mnemonic. A unit test decodes all of it again.
#include "runtime/arch/x86_64_stub.h"

#include <sched.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "ir/support/result.h"

namespace lpc::runtime::x86_64 {
namespace {

// Collects bytes; a label may be used before it is placed.
class Code {
public:
  struct Label {
    size_t id;
  };
  Label label() {
    places_.push_back(kNowhere);
    return {places_.size() - 1};
  }
  void place(Label label) { places_[label.id] = bytes_.size(); }
  [[nodiscard]] uint32_t here() const { return static_cast<uint32_t>(bytes_.size()); }

  void op(std::initializer_list<uint8_t> bytes) { bytes_.insert(bytes_.end(), bytes); }
  void op(std::initializer_list<uint8_t> bytes, uint32_t immediate) {
    op(bytes);
    appendLittle(bytes_, immediate, 4);
  }
  void op64(std::initializer_list<uint8_t> bytes, uint64_t immediate) {
    op(bytes);
    appendLittle(bytes_, immediate, 8);
  }
  // With the distance to a label behind the opcode, in 1 or 4 bytes.
  void to8(std::initializer_list<uint8_t> bytes, Label label) { op(bytes), reference(label, 1); }
  void to32(std::initializer_list<uint8_t> bytes, Label label) { op(bytes), reference(label, 4); }
  void word(uint64_t value) { appendLittle(bytes_, value, 8); }
  void text(std::string_view text) {
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    bytes_.push_back(0);
  }

  Bytes finish() {
    for (const Reference &r : references_) {
      auto distance = static_cast<int64_t>(places_[r.label]) - static_cast<int64_t>(r.at + r.width);
      LPC_CHECK(r.width == 4 || (distance >= -128 && distance <= 127));
      storeLittle(std::span(bytes_).subspan(r.at, r.width), static_cast<uint64_t>(distance));
    }
    return std::move(bytes_);
  }

private:
  struct Reference {
    size_t at, width, label;
  };
  void reference(Label label, size_t width) {
    references_.push_back({bytes_.size(), width, label.id});
    bytes_.resize(bytes_.size() + width);
  }
  static constexpr size_t kNowhere = SIZE_MAX;
  Bytes bytes_;
  std::vector<size_t> places_;
  std::vector<Reference> references_;
};

// Gives back what r12 and r13 say, and ends.
void emitLeave(Code &code, Code::Label leave, Code::Label end) {
  code.place(leave);
  code.op({0x4d, 0x85, 0xed}); // test r13, r13
  code.to8({0x74}, end);       // jz end
  code.op({0x4c, 0x89, 0xe7}); // mov rdi, r12
  code.op({0x4c, 0x89, 0xee}); // mov rsi, r13
  code.op({0xb8}, SYS_munmap); // mov eax, munmap
  code.op({0x0f, 0x05});       // syscall
  code.place(end);
  code.op({0xb8}, SYS_exit); // mov eax, exit
  code.op({0x89, 0xdf});     // mov edi, ebx
  code.op({0x0f, 0x05});     // syscall
  code.to8({0xeb}, end);     // jmp end
}

// The calls for which there is one `syscall` instruction each, and the way out.
void emitCalls(Code &code, AgentProgram &program, Code::Label leave, Code::Label end) {
  program.map = code.here();
  code.op({0x0f, 0x05});       // syscall
  code.op({0x49, 0x89, 0xc4}); // mov r12, rax        (an error is no page address: munmap will refuse it)
  code.to8({0xeb}, leave);     // jmp leave

  program.clone = code.here();
  code.op({0x0f, 0x05});       // syscall
  code.op({0x48, 0x85, 0xc0}); // test rax, rax
  code.to8({0x74}, end);       // jz end              (the new thread: nothing is its own yet)
  code.to8({0xeb}, leave);     // jmp leave

  program.call = code.here();
  code.op({0x0f, 0x05}); // syscall

  program.leave = code.here();
  emitLeave(code, leave, end);
}

void emitPlayer(Code &code, AgentProgram &program, Code::Label leave) {
  auto next = code.label(), again = code.label(), plain = code.label(), advance = code.label();
  auto failed = code.label(), done = code.label();

  program.standBy = code.here();
  code.op({0x49, 0x8b, 0x44, 0x24, 0x08}); // mov rax, [r12 + 8]
  code.op({0x49, 0x8b, 0x4c, 0x24, 0x10}); // mov rcx, [r12 + 16]
  code.op({0x48, 0x39, 0x08});             // cmp [rax], rcx
  code.to8({0x75}, leave);                 // jne leave

  program.play = code.here();
  code.place(next);
  code.op({0x49, 0x8b, 0x07});       // mov rax, [r15]
  code.op({0x48, 0x85, 0xc0});       // test rax, rax
  code.to8({0x78}, done);            // js done
  code.op({0x49, 0x8b, 0x7f, 0x08}); // mov rdi, [r15 + 8]
  code.op({0x49, 0x8b, 0x77, 0x10}); // mov rsi, [r15 + 16]
  code.op({0x49, 0x8b, 0x57, 0x18}); // mov rdx, [r15 + 24]
  code.op({0x4d, 0x8b, 0x57, 0x20}); // mov r10, [r15 + 32]
  code.op({0x4d, 0x8b, 0x47, 0x28}); // mov r8, [r15 + 40]
  code.op({0x4d, 0x8b, 0x4f, 0x30}); // mov r9, [r15 + 48]
  code.place(again);
  code.op({0x0f, 0x05});                     // syscall
  code.op({0x49, 0x83, 0x3f, SYS_pwrite64}); // cmp qword ptr [r15], pwrite64
  code.to8({0x75}, plain);                   // jne plain
  code.op({0x48, 0x85, 0xc0});               // test rax, rax
  code.to8({0x7e}, failed);                  // jle failed
  code.op({0x48, 0x01, 0xc6});               // add rsi, rax
  code.op({0x49, 0x01, 0xc2});               // add r10, rax
  code.op({0x48, 0x29, 0xc2});               // sub rdx, rax
  code.to8({0x74}, advance);                 // jz advance
  code.op({0xb8}, SYS_pwrite64);             // mov eax, pwrite64
  code.to8({0xeb}, again);                   // jmp again
  code.place(plain);
  code.op({0x49, 0x3b, 0x47, 0x38}); // cmp rax, [r15 + 56]
  code.to8({0x75}, failed);          // jne failed
  code.place(advance);
  code.op({0x49, 0x83, 0xc7, 0x40}); // add r15, 64
  code.to8({0xeb}, next);            // jmp next

  code.place(failed);
  code.op({0x49, 0x89, 0xc6}); // mov r14, rax
  code.op({0xbb}, 1);          // mov ebx, 1
  code.to32({0xe9}, leave);    // jmp leave
  code.place(done);
  code.op({0x49, 0xc7, 0x04, 0x24}, kPlayed); // mov qword ptr [r12], kPlayed
  code.to32({0xe9}, leave);                   // jmp leave
}

// RSEQ_CPU_ID_REGISTRATION_FAILED (include/uapi/linux/rseq.h): this thread can't have restartable sequences. Seen by
// allocators that use them, for the kernel knows of none of a clone that shares the memory.
constexpr uint32_t kNoCpu = 0xfffffffe;

WorkerProgram assembleWorker() {
  Code code;
  WorkerProgram program;
  auto next = code.label(), over = code.label(), leave = code.label(), end = code.label(), hold = code.label();
  program.createFor = code.here();
  code.op({0x41, 0xff, 0xd6});         // call r14            (__errno_location)
  code.op({0x49, 0x89, 0xc6});         // mov r14, rax
  code.op({0x41, 0x8b, 0x2e});         // mov ebp, [r14]
  code.op({0x45, 0x8b, 0x27});         // mov r12d, [r15]
  code.op({0x41, 0xc7, 0x07}, kNoCpu); // mov dword ptr [r15], kNoCpu
  code.op({0x5f});                     // pop rdi
  code.op({0x5e});                     // pop rsi
  code.op({0x5a});                     // pop rdx
  code.op({0x59});                     // pop rcx
  code.op({0x58});                     // pop rax
  code.op({0x41, 0x58});               // pop r8
  code.op({0xff, 0xd0});               // call rax
  code.op({0x89, 0xc3});               // mov ebx, eax
  code.op({0x45, 0x89, 0x27});         // mov [r15], r12d
  code.op({0x41, 0x89, 0x2e});         // mov [r14], ebp
  code.to8({0xeb}, leave);             // jmp leave           (r13 is 0: nothing to give back)

  program.create = code.here();
  code.op({0xff, 0xd0}); // call rax
  code.op({0x89, 0xc3}); // mov ebx, eax
  program.leave = code.here();
  emitLeave(code, leave, end);

  program.worker = code.here();
  code.op({0x53});                   // push rbx
  code.op({0x55});                   // push rbp
  code.op({0x41, 0x54});             // push r12
  code.op({0x41, 0x55});             // push r13
  code.op({0x41, 0x56});             // push r14
  code.op({0x41, 0x57});             // push r15
  code.op({0x48, 0x83, 0xec, 0x08}); // sub rsp, 8
  code.op({0x48, 0x89, 0xfb});       // mov rbx, rdi
  code.op({0x48, 0x89, 0x63, 0x40}); // mov [rbx + 64], rsp
  code.place(next);
  code.op({0xb8}, SYS_gettid); // mov eax, gettid
  program.ready = code.here();
  code.op({0x0f, 0x05});             // syscall
  code.op({0x48, 0x89, 0x43, 0x48}); // mov [rbx + 72], rax
  code.op({0x4c, 0x8b, 0x1b});       // mov r11, [rbx]
  code.op({0x4d, 0x85, 0xdb});       // test r11, r11
  code.to8({0x74}, over);            // jz over
  code.op({0x48, 0xc7, 0x03}, 0);    // mov qword ptr [rbx], 0
  code.op({0x48, 0x8b, 0x7b, 0x08}); // mov rdi, [rbx + 8]
  code.op({0x48, 0x8b, 0x73, 0x10}); // mov rsi, [rbx + 16]
  code.op({0x48, 0x8b, 0x53, 0x18}); // mov rdx, [rbx + 24]
  code.op({0x48, 0x8b, 0x4b, 0x20}); // mov rcx, [rbx + 32]
  code.op({0x4c, 0x8b, 0x43, 0x28}); // mov r8, [rbx + 40]
  code.op({0x4c, 0x8b, 0x4b, 0x30}); // mov r9, [rbx + 48]
  code.op({0x31, 0xc0});             // xor eax, eax      (no vector arguments)
  code.op({0x41, 0xff, 0xd3});       // call r11
  code.op({0x48, 0x89, 0x43, 0x38}); // mov [rbx + 56], rax
  code.op({0x48, 0x8b, 0x4b, 0x60}); // mov rcx, [rbx + 96]
  code.to8({0xe3}, next);            // jrcxz next
  code.op({0x48, 0x89, 0x01});       // mov [rcx], rax
  code.to8({0xeb}, next);            // jmp next
  program.end = code.here();
  code.place(over);
  code.op({0x48, 0x83, 0xc4, 0x08}); // add rsp, 8
  code.op({0x41, 0x5f});             // pop r15
  code.op({0x41, 0x5e});             // pop r14
  code.op({0x41, 0x5d});             // pop r13
  code.op({0x41, 0x5c});             // pop r12
  code.op({0x5d});                   // pop rbp
  code.op({0x5b});                   // pop rbx
  code.op({0x31, 0xc0});             // xor eax, eax
  code.op({0xc3});                   // ret
  program.hold = code.here();
  code.place(hold);
  code.op({0xb8}, SYS_pause); // mov eax, pause
  code.op({0x0f, 0x05});      // syscall
  code.to8({0xeb}, hold);     // jmp hold
  program.code = code.finish();
  LPC_CHECK(program.code.size() - program.hold == kHoldSize);
  return program;
}

AgentProgram assembleAgent() {
  Code code;
  AgentProgram program;
  auto leave = code.label(), end = code.label();
  emitCalls(code, program, leave, end);
  emitPlayer(code, program, leave);
  program.memPath = code.here();
  code.text("/proc/thread-self/mem");
  program.probe = code.here();
  code.op({0});
  program.code = code.finish();
  return program;
}

// rt_sigprocmask(SIG_SETMASK, mask, nullptr, 8). Flags untouched.
void emitSetMask(Code &code, Code::Label mask) {
  code.op({0xb8}, SYS_rt_sigprocmask); // mov eax, rt_sigprocmask
  code.op({0xbf}, 2);                  // mov edi, SIG_SETMASK
  code.to32({0x48, 0x8d, 0x35}, mask); // lea rsi, [rip + mask]
  code.op({0xba}, 0);                  // mov edx, 0
  code.op({0x41, 0xba}, 8);            // mov r10d, 8
  code.op({0x0f, 0x05});               // syscall
}

// Kernel-internal results of an interrupted system call (include/linux/errno.h).
constexpr int64_t kRestartSys = -512, kRestartNoInterrupt = -513, kRestartNoHandler = -514, kRestartBlock = -516;

} // namespace

const AgentProgram &agentProgram() {
  static const AgentProgram program = assembleAgent();
  return program;
}

const WorkerProgram &workerProgram() {
  static const WorkerProgram program = assembleWorker();
  return program;
}

uint64_t cloneFlags() { return CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM; }

BorrowStub borrowStub(const user_regs_struct &home, uint64_t signalMask, bool held) {
  Code code;
  BorrowStub stub;
  auto child = code.label(), allSignals = code.label(), ownSignals = code.label(), destination = code.label();

  stub.entry = code.here();
  emitSetMask(code, allSignals);
  stub.clone = code.here();
  code.op({0xb8}, SYS_clone);                                                      // mov eax, clone
  code.op({0xbf}, static_cast<uint32_t>(cloneFlags() | (held ? CLONE_VFORK : 0))); // mov edi, flags
  code.op({0xbe}, 0);       // mov esi, 0              (the same stack, which the child never uses)
  code.op({0xba}, 0);       // mov edx, 0
  code.op({0x41, 0xba}, 0); // mov r10d, 0
  code.op({0x41, 0xb8}, 0); // mov r8d, 0
  code.op({0x0f, 0x05});    // syscall
  stub.behindClone = code.here();
  code.op({0x48, 0x89, 0xc1}); // mov rcx, rax
  code.to8({0xe3}, child);     // jrcxz child
  emitSetMask(code, ownSignals);
  code.op64({0x48, 0xb8}, home.rax);    // movabs rax, …
  code.op64({0x48, 0xbf}, home.rdi);    // movabs rdi, …
  code.op64({0x48, 0xbe}, home.rsi);    // movabs rsi, …
  code.op64({0x48, 0xba}, home.rdx);    // movabs rdx, …
  code.op64({0x49, 0xba}, home.r10);    // movabs r10, …
  code.op64({0x49, 0xb8}, home.r8);     // movabs r8, …
  code.op64({0x48, 0xb9}, home.rcx);    // movabs rcx, …
  code.op64({0x49, 0xbb}, home.r11);    // movabs r11, …
  code.to32({0xff, 0x25}, destination); // jmp [rip + destination]
  code.place(child);
  code.op({0xb8}, SYS_exit); // mov eax, exit
  code.op({0xbf}, 0);        // mov edi, 0
  code.op({0x0f, 0x05});     // syscall
  code.to8({0xeb}, child);   // jmp child
  code.place(allSignals);
  code.word(~uint64_t{0});
  code.place(ownSignals);
  code.word(signalMask);
  code.place(destination);
  code.word(home.rip);
  stub.code = code.finish();
  return stub;
}

bool OwnCode::matches(BytesView bytes) const {
  if (bytes.size() != code.size()) return false;
  for (size_t i = 0; i < bytes.size(); i++)
    if ((bytes[i] ^ code[i]) & fixed[i]) return false;
  return true;
}

// What differs between two stubs whose homes have no bit in common is their homes, and whether they hold.
const std::vector<OwnCode> &ownCode() {
  static const std::vector<OwnCode> all = [] {
    user_regs_struct ones;
    std::memset(&ones, 0xff, sizeof ones);
    Bytes stub = borrowStub({}, 0).code, other = borrowStub(ones, ~uint64_t{0}, true).code;
    LPC_CHECK(stub.size() == other.size());
    for (size_t i = 0; i < stub.size(); i++)
      other[i] = static_cast<uint8_t>(~(other[i] ^ stub[i]));
    const Bytes &agent = agentProgram().code, &worker = workerProgram().code;
    return std::vector<OwnCode>{{"the stub of a borrowed thread", true, std::move(stub), std::move(other)},
                                {"the program of an agent", true, agent, Bytes(agent.size(), 0xff)},
                                {"the program of a worker", false, worker, Bytes(worker.size(), 0xff)}};
  }();
  return all;
}

user_regs_struct homeFromStop(user_regs_struct stopped) {
  if (static_cast<int64_t>(stopped.orig_rax) >= 0 && static_cast<int64_t>(stopped.rax) == -EINTR)
    stopped.rax = static_cast<uint64_t>(kRestartNoHandler);
  return stopped;
}

user_regs_struct homeInCode(user_regs_struct stopped) {
  user_regs_struct home = homeFromStop(stopped);
  if (static_cast<int64_t>(home.orig_rax) < 0) return home;
  auto result = static_cast<int64_t>(home.rax);
  if (result == kRestartSys || result == kRestartNoInterrupt || result == kRestartNoHandler) {
    home.rax = home.orig_rax;
    home.rip -= 2;
  } else if (result == kRestartBlock) {
    home.rax = SYS_restart_syscall;
    home.rip -= 2;
  }
  home.orig_rax = ~uint64_t{0};
  return home;
}

PlayReport playReport(const user_regs_struct &last) {
  return {.failed = last.rbx != 0, .result = static_cast<int64_t>(last.r14), .row = {last.r15}};
}

void prepareCall(user_regs_struct &registers, RemoteAddress at, long number, std::span<const uint64_t, 6> arguments) {
  registers.rip = at.value;
  registers.rax = static_cast<uint64_t>(number);
  registers.orig_rax = ~uint64_t{0}; // not in a system call: nothing to restart
  registers.rdi = arguments[0];
  registers.rsi = arguments[1];
  registers.rdx = arguments[2];
  registers.r10 = arguments[3];
  registers.r8 = arguments[4];
  registers.r9 = arguments[5];
}

} // namespace lpc::runtime::x86_64
