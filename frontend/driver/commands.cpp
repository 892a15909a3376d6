// The table of commands. What --help, the manual pages and the completions say of a command stands here and nowhere
// else.
#include "frontend/driver/commands.h"

#include <algorithm>
#include <array>
#include <limits>

namespace lpc::driver {
namespace {

using enum OptionId;
constexpr size_t kAny = std::numeric_limits<size_t>::max();
constexpr std::array kCheckOptions = {Target, Object, Pid, PublicKey, Warning, Explain, Format, Help};
constexpr std::array kBuildOptions = {Output, Builds, Object, Warning, Help};
constexpr std::array kPlanOptions = {Pid, Target, Object, PublicKey, Warning, Format, Help};
constexpr std::array kApplyOptions = {Pid,         All,  ExpectPlan, Target,    Object,  Timeout, MaxPause,
                                      AllowActive, Stop, DryRun,     PublicKey, Warning, Format,  Help};
constexpr std::array kRunOptions = {Target, Object, Timeout, PublicKey, Warning, Format, Help};
constexpr std::array kRevertOptions = {Pid, All, Timeout, MaxPause, AllowActive, DryRun, Format, Help};
constexpr std::array kStatusOptions = {Pid, Symbols, Format, Help};
constexpr std::array kDumpOptions = {Emit, Target, Object, Pid, PublicKey, Warning, Help};
constexpr std::array kFmtOptions = {InPlace, OnlyCheck, Help};
constexpr std::array kHelpOptions = {EmitHelp, Help};
constexpr std::array kLivepatchOptions = {Quiet, Verbose, Debug, Help, Version};

constexpr std::array kCommands = {
    Command{
        .name = "check",
        .program = "lpc check",
        .operands = "PATCH",
        .fewest = 1,
        .most = 1,
        .summary = "prove a patch against the program it is for",
        .description =
            "Reads PATCH and reports everything that is wrong with it in one run: lines that do not parse, names that "
            "do not resolve, values that do not fit, jumps that would cut an instruction. Nothing is touched.\n\n"
            "Names are looked up in the program that --target gives, or the `target` line of the patch (relative to "
            "the patch file), and in the libraries that the dynamic linker would load for it. With --pid the libraries "
            "are those that the process has loaded, and so is the program where neither says which one it is.\n\n"
            "A correct patch prints one line. PATCH is a file in the patch language or in the IR's text form, `-` is "
            "standard input. A patch may also be a bundle (`lpc help build`).",
        .example = "lpc check hotfix.lp                    # the patch says `target ./server`\n"
                   "lpc check hotfix.lp --target ./server  # the patch does not\n"
                   "lpc check hotfix.lp --pid 4711         # against what runs\n"
                   "lpc check hotfix.lp -Werror            # warnings are errors\n"
                   "lpc check --explain cloned-function    # what a message means",
        .options = kCheckOptions,
        .run = runCheck,
    },
    Command{
        .name = "build",
        .program = "lpc build",
        .operands = "PATCH",
        .fewest = 1,
        .most = 1,
        .summary = "make a bundle: a patch in a file that needs no other",
        .description =
            "Checks PATCH as `lpc check` does and writes what is left of it when every name is resolved, with the "
            "files "
            "that it loads, into one file. The bundle stands for the patch in every command, and needs neither the "
            "patch, nor its payloads, nor the program's symbols any more.\n\n"
            "With several --target the bundle has the patch resolved for each of these builds, and a process gets the "
            "one that was made for what it runs, by build-id. The same input makes the same bytes. A bundle is an ELF "
            "file, which readelf and objdump can look into.",
        .example = "lpc build hotfix.lp -o hotfix.lpb\n"
                   "lpc build hotfix.lp -o hotfix.lpb --target v1/server --target v2/server\n"
                   "lpc apply hotfix.lpb --pid 4711",
        .options = kBuildOptions,
        .run = runBuild,
    },
    Command{
        .name = "plan",
        .program = "lpc plan",
        .operands = "PATCH",
        .fewest = 1,
        .most = 1,
        .fewestProcesses = 1,
        .summary = "show what apply would do to a process",
        .description =
            "Does everything of `lpc apply` that comes before a thread is stopped, and prints it: the "
            "memory that would be made, the relocations of payloads, each place that would change with its bytes "
            "before "
            "and after, what each thread is about: free, or active in a function that is to be replaced, or running, "
            "which is decided at the stop; and what cannot be known before the stop. The process runs on, "
            "untouched.\n\n"
            "The digest stands for all that would be written and must hold: `lpc apply --expect-plan DIGEST` does that "
            "or nothing.",
        .example = "lpc plan hotfix.lp --pid 4711",
        .options = kPlanOptions,
        .run = runPlan,
    },
    Command{
        .name = "apply",
        .program = "lpc apply",
        .operands = "PATCH",
        .fewest = 1,
        .most = 1,
        .fewestProcesses = 1,
        .mostProcesses = kAny,
        .summary = "apply a patch to running processes",
        .description =
            "Checks PATCH against the process, prepares its memory while the process runs, stops all threads for the "
            "moment of the change, verifies that the bytes that should be there are there, and makes all changes or "
            "none. Prints what was changed and how long the process was stopped.\n\n"
            "With --target, names are looked up in that file, which must be the same build as what runs: an unstripped "
            "twin of a stripped program is. With --public-key, or with keys in /etc/lpc/trusted.d, PATCH is a bundle "
            "that one of them has signed (PATCH.minisig, made by minisign), or nothing is done. Each process is a "
            "transaction of its own; the exit status is the worst.\n\n"
            "With --all, every process is patched that runs the program, or has loaded the library, that the patch is "
            "for, whatever its path or name: side by side, with those that are forked meanwhile. A table at the end "
            "has a row for each. Ctrl-C ends it tidily.",
        .example = "lpc apply hotfix.lp --pid 4711\n"
                   "lpc apply hotfix.lp --pid 4711 --dry-run               # all but the change\n"
                   "lpc apply hotfix.lp --pid 4711,4712 --max-pause 500us  # two processes\n"
                   "lpc apply hotfix.lpb --all                             # all that run the program",
        .options = kApplyOptions,
        .run = runApply,
    },
    Command{
        .name = "run",
        .program = "lpc run",
        .operands = "PATCH...",
        .afterwards = "-- COMMAND [ARG...]",
        .fewest = 1,
        .most = kAny,
        .summary = "start a program patched",
        .description =
            "Executes COMMAND, which is looked for in PATH, in the place of lpc: with its process id, parent, "
            "terminal, "
            "files and signals. When its libraries are loaded and before its own first instruction, each PATCH is "
            "applied to it as `lpc apply` does, in the order given; from then on it is a patched process like any "
            "other, for `lpc status` and `lpc revert`, too.\n\n"
            "If a patch cannot be applied, COMMAND does not begin, and the exit status is that of `lpc apply`. Where "
            "it "
            "begins, the exit status is its own. As in a shell, it is 127 where there is no COMMAND, and 126 where it "
            "cannot be executed. Nothing is printed but messages, to standard error; with --format json they are a "
            "document there.",
        .example = "lpc run hotfix.lp -- ./server --port 80\n"
                   "lpc run hotfix.lpb more.lpb -- server",
        .options = kRunOptions,
        .run = runRun,
    },
    Command{
        .name = "revert",
        .program = "lpc revert",
        .operands = "NAME",
        .fewest = 1,
        .most = 1,
        .fewestProcesses = 1,
        .mostProcesses = kAny,
        .summary = "take a patch back",
        .description =
            "Writes the old bytes back everywhere the patch NAME changed them, under the same stop and verification as "
            "apply, "
            "and releases its memory where nothing can point into it any more. `lpc status` shows the names.",
        .example = "lpc revert hotfix --pid 4711\nlpc revert hotfix --all",
        .options = kRevertOptions,
        .run = runRevert,
    },
    Command{
        .name = "status",
        .program = "lpc status",
        .operands = "",
        .mostProcesses = kAny,
        .summary = "show which patches are on which processes",
        .description =
            "Reads the record of patches that each process holds, without stopping it. Without --pid: of all "
            "processes that can be looked at; those without patches are not listed.\n\n"
            "A patch is `applied`, `prepared` (its memory is there, nothing is changed), `reverted` (its memory is "
            "still in use) or `interrupted`: an lpc was killed at work, and the next apply or revert repairs it "
            "first.\n\n"
            "With --symbols, files that name the functions of the patches are written, from the process alone: a "
            "script for gdb, and a folder for perf's --symfs. They are right until patches come or go.",
        .example = "lpc status\nlpc status --pid 4711 --format json\n"
                   "lpc status --pid 4711 --symbols /tmp/symbols\n"
                   "gdb -p 4711 -x /tmp/symbols/gdb\n"
                   "perf report --symfs /tmp/symbols",
        .options = kStatusOptions,
        .run = runStatus,
    },
    Command{
        .name = "dump",
        .program = "lpc dump",
        .operands = "PATCH",
        .fewest = 1,
        .most = 1,
        .summary = "print a patch as lpc understands it",
        .description = "Prints the syntax tree of PATCH (--emit ast, which needs no program), or what is left of it "
                       "when every name "
                       "is resolved: the IR (--emit ir), the same as JSON, or an overview (--emit text). The IR can be "
                       "given to every command in place of the patch.\n\n"
                       "Of a bundle with several builds each is printed; --target or --pid choose one.",
        .example = "lpc dump hotfix.lp --emit ir > hotfix.lpir",
        .options = kDumpOptions,
        .run = runDump,
    },
    Command{
        .name = "fmt",
        .program = "lpc fmt",
        .operands = "PATCH...",
        .fewest = 1,
        .most = kAny,
        .summary = "lay a patch out as all patches are",
        .description =
            "Prints PATCH in the one layout that there is: single blanks, no blanks around the sign of a displacement, "
            "comments below each other, at most one empty line. Comments and the spelling of numbers stay, and what "
            "the patch does is the same. `-` is standard input.",
        .example = "lpc fmt hotfix.lp\n"
                   "lpc fmt -i *.lp       # the files themselves\n"
                   "lpc fmt --check *.lp  # is there anything to do?",
        .options = kFmtOptions,
        .run = runFmt,
    },
    Command{
        .name = "help",
        .program = "lpc help",
        .operands = "[COMMAND]",
        .fewest = 0,
        .most = 1,
        .summary = "explain lpc, a command, or the instructions of the patch language",
        .description =
            "Without COMMAND: what there is. `lpc help livepatch` explains the program of 2004, and `lpc help "
            "instructions` lists what can stand in a patch, `lpc help diagnostics` what lpc can find wrong. With "
            "--emit: the same as a manual page, or the "
            "completion for a shell.",
        .example = "lpc help apply\n"
                   "source <(lpc help --emit bash)  # completion in this shell",
        .options = kHelpOptions,
        .run = runHelp,
    },
};

constexpr Command kLivepatch{
    .name = "livepatch",
    .program = "livepatch",
    .operands = "PID TARGET",
    .afterwards = "< SCRIPT",
    .fewest = 2,
    .most = 2,
    .summary = "apply a script to a process, as the program of 2004 did",
    .description =
        "Reads a patch from standard input, looks up its names in the ELF file TARGET, and applies it to the process "
        "PID. "
        "TARGET may be the unstripped twin of what runs.\n\n"
        "Takes the scripts, options and arguments of livepatch by Fumitoshi Ukai (2004) and prints its lines, but only "
        "when everything has been done: an error anywhere means that nothing is changed and the exit status is not 0.",
    .example = "echo 'dl foo patch.so\n"
               "jmp func_J $foo:func1\n"
               "set str_P addr $foo:patch_message' | livepatch $(pidof target) ./target",
    .options = kLivepatchOptions,
    .run = runLivepatch,
};

} // namespace

std::span<const Command> commands() { return kCommands; }

const Command *commandNamed(std::string_view name) {
  const auto *found = std::ranges::find(kCommands, name, &Command::name);
  return found == kCommands.end() ? nullptr : found;
}

const Command &livepatchCommand() { return kLivepatch; }

} // namespace lpc::driver
