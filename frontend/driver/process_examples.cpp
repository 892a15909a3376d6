// What lpc says of processes and of its command line, which no golden test shows: the numbers in it depend on the
// machine. The messages are those of the places that report them; tests/unit/driver/explain.cpp compares their words
// with the sources.
#include "frontend/driver/help.h"

namespace lpc::driver {
namespace {

constexpr DiagnosticExample kExamples[] = {
    {"relocation-overflow", "lpc apply hotfix.lp --pid 4711\n",
     "lpc apply: error: `fix.so`: a relocation (R_X86_64_PC32) at 0x7f31c2a41234 cannot reach `environ` at "
     "0x7fb5c8f2a6c0 [relocation-overflow]\n"
     "  help: compile the payload with -fPIC\n"
     "  state: process 4711 was not stopped; nothing was changed\n"},
    {"bad-ir", "lpc apply hotfix.lpb --pid 4711\n",
     "lpc apply: error: the bundle is damaged: its note is not one that lpc writes [bad-ir]\n"
     "  state: no process was touched\n"},
    {"no-such-process", "lpc apply hotfix.lp --pid 4711\n",
     "lpc apply: error: there is no process 4711 [no-such-process]\n"
     "  state: there is no process 4711; nothing was changed\n"},
    {"not-permitted", "lpc apply hotfix.lp --pid 4711\n",
     "lpc apply: error: process 4711 (server) belongs to user 33, and lpc runs as user 1000 without privilege "
     "[not-permitted]\n"
     "  help: run lpc as user 33 or as root\n"
     "  state: process 4711 was not stopped; nothing was changed\n"},
    {"already-traced", "lpc apply hotfix.lp --pid 4711\n",
     "lpc apply: error: process 4711 (server) is traced by process 4802 (`gdb`) [already-traced]\n"
     "  help: end process 4802, or let it detach\n"
     "  state: process 4711 was not stopped; nothing was changed\n"},
    {"zombie-process", "lpc apply hotfix.lp --pid 4711\n",
     "lpc apply: error: process 4711 (server) has ended and waits for its parent, process 4700, to take notice "
     "[zombie-process]\n"
     "  state: process 4711 was not stopped; nothing was changed\n"},
    {"kernel-thread", "lpc apply hotfix.lp --pid 2\n",
     "lpc apply: error: process 2 (kthreadd) is a thread of the kernel [kernel-thread]\n"
     "  state: process 2 was not stopped; nothing was changed\n"},
    {"own-process", "lpc apply hotfix.lp --pid 4711\n",
     "lpc apply: error: process 4711 is lpc itself [own-process]\n"
     "  state: process 4711 was not stopped; nothing was changed\n"},
    {"process-gone", "lpc apply hotfix.lp --pid 4711\n",
     "lpc apply: error: process 4711 ended while lpc was working on it [process-gone]\n"
     "  state: process 4711 is gone\n"},
    {"process-changed", "lpc apply hotfix.lp --pid 4711\n",
     "lpc apply: error: process 4711 (helper) has executed /usr/bin/helper since lpc looked at it [process-changed]\n"
     "  state: process 4711 was not stopped; nothing was changed\n"},
    {"process-busy", "lpc apply hotfix.lp --pid 4711\n",
     "lpc apply: error: thread 4713 (worker) of process 4711 is 2 frames inside `handle_request` [process-busy]\n"
     "  help: try again later, with a longer --timeout, or allow it with --allow-active if you know it to be harmless\n"
     "  state: process 4711 was let go after 40 stops; nothing was changed\n"},
    {"cannot-stop", "lpc apply hotfix.lp --pid 4711\n",
     "lpc apply: error: thread 4713 (`worker`) of process 4711 sleeps uninterruptibly in the kernel (in "
     "`nfs_wait_bit`) and did not stop in time [cannot-stop]\n"
     "  state: process 4711 was let go after 1 stop; nothing was changed\n"},
    {"pending-vfork", "lpc apply hotfix.lp --pid 4711\n",
     "lpc apply: error: thread 4713 (`worker`) of process 4711 waits for the child of a vfork, which shares its memory "
     "[pending-vfork]\n"
     "  state: process 4711 was not stopped; nothing was changed\n"},
    {"other-machine", "lpc apply hotfix.lp --pid 4711\n",
     "lpc apply: error: process 4711 (server) runs an i386 program, and this lpc patches x86_64 processes "
     "[other-machine]\n"
     "  state: process 4711 was not stopped; nothing was changed\n"},
    {"shared-memory", "lpc apply hotfix.lp --pid 4711\n",
     "lpc apply: error: process 4712 (`worker`) shares the memory of process 4711 without being a thread of it (clone "
     "with CLONE_VM): it executes the same code, and would not be stopped [shared-memory]\n"
     "  help: end process 4712, or wait until it executes a program\n"
     "  state: process 4711 was not stopped; nothing was changed\n"},
    {"cannot-unwind", "lpc apply hotfix.lp --pid 4711\n",
     "lpc apply: error: preparing to unwind process 4711: Couldn't find architecture of any ELF [cannot-unwind]\n"
     "  state: process 4711 was not stopped; nothing was changed\n"},
    {"no-agent", "lpc apply hotfix.lp --pid 4711\n",
     "lpc apply: error: no thread of process 4711 could be borrowed to start lpc's agent in it [no-agent]\n"
     "  state: process 4711 was not stopped; nothing was changed\n"},
    {"remote-call-failed", "lpc apply hotfix.lp --pid 4711\n",
     "lpc apply: error: mmap failed in process 4711: Cannot allocate memory [remote-call-failed]\n"
     "  state: process 4711 was not stopped; nothing was changed\n"},
    {"dlopen-failed", "dlopen own own.so\n",
     "hotfix.lp:2:1: error: the dynamic linker of process 4711 does not load `own.so`: own.so: undefined symbol: "
     "log_line [dlopen-failed]\n"
     "  state: process 4711 was not stopped; nothing was changed\n"},
    {"no-threads", "lpc apply hotfix.lp --pid 4711\n",
     "lpc apply: error: no function can be called in process 4711: it has no C library of GNU, or one linked into it "
     "without threads or without symbols [no-threads]\n"
     "  help: a patch without `on … call`, `dlopen`, constructors and exceptions needs no thread of its own\n"
     "  state: process 4711 was not stopped; nothing was changed\n"},
    {"call-failed", "lpc apply hotfix.lp --pid 4711\n",
     "lpc apply: error: the function at 0x401196 raised SIGSEGV [call-failed]\n"
     "  state: process 4711 was not stopped; nothing was changed\n"},
    {"call-refused", "lpc apply hotfix.lp --pid 4711\n",
     "lpc apply: error: `$fix:check_state`, called first, returned 1: the patch stays as it was [call-refused]\n"
     "  state: process 4711 was not stopped; nothing was changed\n"},
    {"call-running", "lpc apply hotfix.lp --pid 4711\n",
     "lpc apply: error: thread 4750 of process 4711 is at work on a function that an earlier lpc called "
     "[call-running]\n"
     "  help: try again when it has returned\n"
     "  state: process 4711 was not stopped; nothing was changed\n"},
    {"no-space-in-reach", "lpc apply hotfix.lp --pid 4711\n",
     "lpc apply: error: all 12 places for 8192 bytes within reach are taken [no-space-in-reach]\n"
     "  state: process 4711 was not stopped; nothing was changed\n"},
    {"bytes-differ", "lpc apply hotfix.lp --pid 4711\n",
     "hotfix.lp:7:1: error: process 4711 has other bytes here than the file [bytes-differ]\n"
     "    7 | jmp handle_request $fix:handle\n"
     "      | ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"
     "  help: no patch of lpc has changed them: another tool has, or the program itself\n"
     "  state: process 4711 was not stopped; nothing was changed\n"},
    {"expect-failed", "lpc apply hotfix.lp --pid 4711\n",
     "hotfix.lp:2:1: error: the patch expects 08 00 00 00 at 0x404028, and the process has 07 00 00 00 "
     "[expect-failed]\n"
     "    2 | expect version u32 8\n"
     "      | ^~~~~~~~~~~~~~~~~~~~\n"
     "  state: process 4711 was not stopped; nothing was changed\n"},
    {"bad-address", "lpc apply hotfix.lp --pid 4711\n",
     "lpc apply: error: process 4711 has no memory at 0x5000 [bad-address]\n"
     "  state: process 4711 was not stopped; nothing was changed\n"},
    {"verify-failed", "lpc apply hotfix.lp --pid 4711\n",
     "lpc apply: error: the process does not have what was written at 0x7f31c2a41000 [verify-failed]\n"
     "  state: everything was put back; process 4711 runs on as before the apply\n"},
    {"name-taken", "lpc apply hotfix.lp --pid 4711\n",
     "lpc apply: error: another patch named `hotfix` is on process 4711 [name-taken]\n"
     "  help: revert it first: lpc revert hotfix --pid 4711\n"
     "  state: process 4711 was not stopped; nothing was changed\n"},
    {"not-applied", "lpc revert hotfix --pid 4711\n",
     "lpc revert: error: no patch named `hotfix` is on process 4711 [not-applied]\n"
     "  state: process 4711 was not stopped; nothing was changed\n"},
    {"patched-over", "lpc revert hotfix --pid 4711\n",
     "lpc revert: error: `second`, applied later, changes 0x401130 too [patched-over]\n"
     "  help: revert `second` first\n"
     "  state: process 4711 was not stopped; nothing was changed\n"},
    {"corrupt-registry", "lpc apply hotfix.lp --pid 4711\n",
     "lpc apply: error: the record of a patch in the process is damaged: its size [corrupt-registry]\n"
     "  help: the process can't be patched or reverted any more; restart it when you can\n"
     "  state: process 4711 was not stopped; nothing was changed\n"},
    {"plan-differs", "lpc apply hotfix.lp --pid 4711 --expect-plan 5a3c…\n",
     "lpc apply: error: what would be done to process 4711 is not what was planned [plan-differs]\n"
     "  help: look at what it would be now: lpc plan PATCH --pid 4711\n"
     "  state: process 4711 was not stopped; nothing was changed\n"},
    {"nothing-runs", "lpc apply hotfix.lp --all\n",
     "lpc apply: error: no process runs the program that the patch is for [nothing-runs]\n"
     "  state: no process was touched\n"},
    {"cancelled", "lpc apply hotfix.lp --all\n",
     "lpc apply: error: lpc was told to end before the turn of process 4711 [cancelled]\n"
     "  state: process 4711 was not stopped; nothing was changed\n"},
    {"worker-lost", "lpc apply hotfix.lp --all\n",
     "lpc apply: error: the worker of process 4711 was ended by SIGKILL [worker-lost]\n"
     "  state: process 4711 runs on; `lpc status --pid 4711` shows what is on it, and the next apply or revert puts it "
     "in "
     "order first\n"},
    {"still-coming", "lpc apply hotfix.lp --all\n",
     "lpc apply: warning: new processes came as often as lpc looked [still-coming]\n"
     "  help: run `lpc apply --all` again\n"},
    {"unsigned", "lpc apply hotfix.lpb --pid 4711 --public-key release.pub\n",
     "lpc apply: error: `hotfix.lpb` is not signed: there is no `hotfix.lpb.minisig` [unsigned]\n"
     "  help: sign it: minisign -S -m hotfix.lpb\n"
     "  state: no process was touched\n"},
    {"bad-signature", "lpc apply hotfix.lpb --pid 4711 --public-key release.pub\n",
     "lpc apply: error: `hotfix.lpb` is not what was signed: `hotfix.lpb.minisig` does not fit its contents "
     "[bad-signature]\n"
     "  help: get both again from where they were made\n"
     "  state: no process was touched\n"},
    {"foreign-key", "lpc apply hotfix.lpb --pid 4711 --public-key release.pub\n",
     "lpc apply: error: `hotfix.lpb` is signed by the key D0F0A1E7C1B4A7C2, which is not trusted here [foreign-key]\n"
     "  note: keys that are trusted:\n"
     "        7A1C55E08D2F93B1  --public-key\n"
     "  state: no process was touched\n"},
    {"bad-key", "lpc apply hotfix.lpb --pid 4711 --public-key RWQ\n",
     "lpc apply: error: `--public-key` is no public key of minisign [bad-key]\n"
     "  help: a key is the file `minisign.pub` that `minisign -G` writes, or its second line\n"
     "  state: no process was touched\n"},
    {"usage", "lpc apply hotfix.lp\n",
     "lpc apply: error: `lpc apply` wants a process: --pid PID [usage]\n"
     "  help: see `lpc apply --help`\n"},
};

} // namespace

std::span<const DiagnosticExample> processExamples() { return kExamples; }

} // namespace lpc::driver
