// libdw does the unwinding; we decide what it may look at.
//
// Modules are reported to it by us, from the mappings as they are, each with the path that opens the very file that is
// mapped (runtime/modules.h): dwfl_linux_proc_report would open by name, and find another file where the program was
// upgraded or runs in a container. Memory is read through Process, registers come from the stop, so libdw makes no
// system call on the process of its own.
//
// libdw finds its tables lazily; prepare() makes it do so for every module, while the process runs. The end of a stack
// is told by the unwind information itself (an undefined return address, as in _start and clone): only then is a trace
// complete.
#include "runtime/unwind.h"

#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

#include "ir/support/cat.h"

namespace lpc::runtime {
namespace {

constexpr size_t kDeepest = 4096; // frames; a recursion deeper than that counts as incomplete

// Debug files are never searched for: .eh_frame is in the file itself, and searching opens files by name.
int noDebugInfo(Dwfl_Module *, void **, const char *, Dwarf_Addr, const char *, const char *, GElf_Word, char **) {
  return -1;
}

constexpr Dwfl_Callbacks kCallbacks{.find_elf = dwfl_build_id_find_elf,
                                    .find_debuginfo = noDebugInfo,
                                    .section_address = nullptr,
                                    .debuginfo_path = nullptr};

} // namespace

struct Unwinder::Impl {
  const Process *process = nullptr;
  Dwfl *dwfl = nullptr;
  const StoppedThread *current = nullptr; // whose registers are asked for
  Backtrace trace{};
  std::vector<CallerFrame> *callers = nullptr; // asked for

  ~Impl() {
    if (dwfl) dwfl_end(dwfl);
  }

  static pid_t nextThread(Dwfl *, void *argument, void **) {
    return static_cast<Impl *>(argument)->current ? static_cast<Impl *>(argument)->current->tid : 0;
  }

  static bool getThread(Dwfl *, pid_t tid, void *argument, void **threadArgument) {
    *threadArgument = argument;
    return tid == static_cast<Impl *>(argument)->current->tid;
  }

  static bool readMemory(Dwfl *, Dwarf_Addr address, Dwarf_Word *result, void *argument) {
    auto word = static_cast<Impl *>(argument)->process->readWord(RemoteAddress{address});
    if (word) *result = *word;
    return word.has_value();
  }

  // DWARF's numbers of the registers (System V x86-64 psABI, "DWARF Register Number Mapping").
  static bool setInitialRegisters(Dwfl_Thread *thread, void *argument) {
    const Registers &registers = static_cast<Impl *>(argument)->current->registers;
    const user_regs_struct &raw = registers.raw;
    const Dwarf_Word words[] = {raw.rax, raw.rdx, raw.rcx, raw.rbx, raw.rsi, raw.rdi, raw.rbp, raw.rsp, raw.r8,
                                raw.r9,  raw.r10, raw.r11, raw.r12, raw.r13, raw.r14, raw.r15, raw.rip};
    if (!registers.positionOnly) return dwfl_thread_state_registers(thread, 0, std::size(words), words);
    // What is not set is unknown to libdw, and a frame that can't be found without it ends the trace.
    constexpr int kStackPointer = 7, kReturnAddress = 16;
    return dwfl_thread_state_registers(thread, kStackPointer, 1, words + kStackPointer) &&
           dwfl_thread_state_registers(thread, kReturnAddress, 1, words + kReturnAddress);
  }

  static int onFrame(Dwfl_Frame *frame, void *argument) {
    auto &self = *static_cast<Impl *>(argument);
    Dwarf_Addr pc = 0;
    bool isActivation = false;
    if (!dwfl_frame_pc(frame, &pc, &isActivation) || self.trace.frames.size() == kDeepest) return DWARF_CB_ABORT;
    self.trace.frames.push_back({pc});
    if (self.callers) self.callers->push_back(callerFrame(frame, pc, *self.callers));
    return DWARF_CB_OK;
  }

  // DWARF's numbers again. A register that a function says nothing of is as it was when it was called; libdw knows that
  // of some of them only.
  static CallerFrame callerFrame(Dwfl_Frame *frame, Dwarf_Addr pc, const std::vector<CallerFrame> &inner) {
    constexpr unsigned kStackPointer = 7, kKept[] = {3, 6, 12, 13, 14, 15};
    CallerFrame caller{{pc}, {}};
    Dwarf_Word word = 0;
    if (dwfl_frame_reg(frame, kStackPointer, &word) == 0) caller.stackPointer = {word};
    for (size_t i = 0; i < std::size(kKept); i++)
      if (dwfl_frame_reg(frame, kKept[i], &word) == 0)
        caller.kept[i] = word;
      else if (!inner.empty())
        caller.kept[i] = inner.back().kept[i];
    return caller;
  }

  // The vdso has no file; its mapping is the whole image (vdso(7)), so a copy of it serves as one.
  FileDescriptor vdsoImage(const Module &module) const {
    FileDescriptor copy(memfd_create("vdso", MFD_CLOEXEC));
    auto bytes = process->read(module.range.begin, module.range.size());
    bool whole = bytes && copy.valid() &&
                 pwrite(copy.get(), bytes->data(), bytes->size(), 0) == static_cast<ssize_t>(bytes->size());
    return whole ? std::move(copy) : FileDescriptor{};
  }

  // A module that can't be opened ends the traces through it, which are then incomplete.
  void report(const Module &module) {
    FileDescriptor file =
        module.isVdso ? vdsoImage(module) : FileDescriptor(open(module.openPath.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return;
    // libdw owns the descriptor when it takes the module. The name is for its own messages, but must be there.
    if (dwfl_report_elf(dwfl, module.path.c_str(), module.path.c_str(), file.get(), module.bias.value, false))
      file.release();
  }
};

Unwinder::Unwinder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Unwinder::Unwinder(Unwinder &&) noexcept = default;
Unwinder &Unwinder::operator=(Unwinder &&) noexcept = default;
Unwinder::~Unwinder() = default;

Result<Unwinder> Unwinder::prepare(const Process &process, const std::vector<Mapping> &,
                                   const std::vector<Module> &modules) {
  static const Dwfl_Thread_Callbacks threads{.next_thread = Impl::nextThread,
                                             .get_thread = Impl::getThread,
                                             .memory_read = Impl::readMemory,
                                             .set_initial_registers = Impl::setInitialRegisters,
                                             .detach = nullptr,
                                             .thread_detach = nullptr};
  auto impl = std::make_unique<Impl>();
  impl->process = &process;
  impl->dwfl = dwfl_begin(&kCallbacks);
  auto failed = [&](const char *doing) {
    return fail(DiagnosticId::CannotUnwind, cat(doing, " process ", process.pid(), ": ", dwfl_errmsg(-1)));
  };
  if (!impl->dwfl) return failed("preparing to unwind");
  dwfl_report_begin(impl->dwfl);
  for (const Module &module : modules)
    impl->report(module);
  if (dwfl_report_end(impl->dwfl, nullptr, nullptr) != 0) return failed("reading the modules of");
  if (!dwfl_attach_state(impl->dwfl, nullptr, process.pid(), &threads, impl.get()))
    return failed("preparing to unwind");
  auto warm = [](Dwfl_Module *module, void **, const char *, Dwarf_Addr, void *) -> int {
    Dwarf_Addr bias = 0;
    // Go's programs have .debug_frame only.
    if (dwfl_module_eh_cfi(module, &bias) == nullptr) dwfl_module_dwarf_cfi(module, &bias);
    return DWARF_CB_OK;
  };
  dwfl_getmodules(impl->dwfl, warm, nullptr, 0);
  return Unwinder(std::move(impl));
}

Backtrace Unwinder::trace(const StoppedThread &thread) {
  impl_->current = &thread;
  impl_->trace = {};
  // 0: every frame was visited and the last one has an undefined return address.
  int result = dwfl_getthread_frames(impl_->dwfl, thread.tid, Impl::onFrame, impl_.get());
  impl_->trace.complete = result == 0;
  impl_->current = nullptr;
  return std::move(impl_->trace);
}

bool Unwinder::knows(RemoteAddress address) const {
  Dwfl_Module *module = dwfl_addrmodule(impl_->dwfl, address.value);
  if (!module) return false;
  for (auto tables : {dwfl_module_eh_cfi, dwfl_module_dwarf_cfi}) {
    Dwarf_Addr bias = 0;
    Dwarf_CFI *cfi = tables(module, &bias);
    Dwarf_Frame *frame = nullptr;
    if (!cfi || dwarf_cfi_addrframe(cfi, address.value - bias, &frame) != 0) continue;
    free(frame);
    return true;
  }
  return false;
}

std::vector<CallerFrame> Unwinder::callers(const StoppedThread &thread) {
  std::vector<CallerFrame> found;
  impl_->callers = &found;
  (void)trace(thread);
  impl_->callers = nullptr;
  return found;
}

} // namespace lpc::runtime
