// livepatch [--quiet|--verbose|--debug] PID TARGET < SCRIPT
//
// The program of 2004 on top of the new one. Kept: arguments, options, instructions, the lines of output and their
// order. Changed: the lines are printed when everything has been done, and nothing has been done when anything is
// wrong.
#include <charconv>
#include <ctime>

#include "frontend/driver/attempts.h"
#include "frontend/driver/change_text.h"
#include "frontend/driver/commands.h"
#include "frontend/driver/console.h"
#include "frontend/driver/exit_status.h"
#include "frontend/driver/trust.h"
#include "ir/support/cat.h"
#include "ir/support/display.h"
#include "ir/text.h"

namespace lpc::driver {
namespace {

constexpr std::string_view kCommand = "livepatch";

std::optional<pid_t> processId(std::string_view text) {
  pid_t pid = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  if (error != std::errc() || end != text.data() + text.size() || pid <= 0) return std::nullopt;
  return pid;
}

// A script has no name, and in 2004 the same script could be given twice and acted twice: each run is a patch of its
// own.
std::string uniqueName() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  gmtime_r(&now.tv_sec, &parts);
  char text[64];
  size_t length = strftime(text, sizeof text, "livepatch-%Y%m%dT%H%M%S", &parts);
  std::string nanoseconds = std::to_string(now.tv_nsec);
  return cat(std::string_view(text, length), ".", std::string(9 - nanoseconds.size(), '0'), nanoseconds);
}

// The line of one operation; conditions have none. Changes come in the order of the operations that made them.
class Lines {
public:
  Lines(const ir::Patch &patch, const backend::Outcome &outcome) : patch_(patch), outcome_(outcome) {}

  std::string all() {
    std::string out;
    for (const ir::Operation &operation : patch_.operations)
      if (std::string text = std::visit([this](const auto &action) { return line(action); }, operation.action);
          !text.empty())
        out += displayable(text) + "\n";
    return out;
  }

private:
  std::string line(const ir::Alloc &alloc) { return memoryLine("new", alloc.memory); }
  std::string line(const ir::Load &load) { return cat(memoryLine("load", load.memory), " ", fileOf(load.memory)); }
  std::string line(const ir::Link &link) { return cat(memoryLine("dl", link.memory), " ", fileOf(link.memory)); }
  std::string line(const ir::Open &open) { return cat(memoryLine("dlopen", open.memory), " ", fileOf(open.memory)); }
  std::string line(const ir::Write &) { return changeLine(); }
  std::string line(const ir::Code &) { return changeLine(); }
  std::string line(const ir::Branch &branch) {
    std::string jump = changeLine();
    return branch.original ? cat(jump, "\n", changeLine()) : jump; // `hook`: the pointer is a change of its own
  }
  std::string line(const ir::Return &) { return changeLine(); }
  std::string line(const ir::Nop &) { return changeLine(); }
  std::string line(const ir::Import &) { return changeLine(); }
  static std::string line(const ir::Expect &) { return {}; }
  static std::string line(const ir::Quiesce &) { return {}; }
  static std::string line(const ir::Call &) { return {}; }

  std::string changeLine() {
    LPC_CHECK(next_ < outcome_.changes.size());
    return changeText(outcome_.changes[next_++]);
  }

  std::string memoryLine(std::string_view word, ir::MemoryId id) const {
    for (const backend::PlannedMemory &memory : outcome_.memories)
      if (memory.id == id)
        return cat(word, " ", memory.name, " @ ", hexAddress(memory.address), " [", memory.requested, "]");
    for (const backend::PlannedOpening &opening : outcome_.openings)
      if (opening.id == id)
        return cat(word, " ", opening.name, " @ ", hexAddress(opening.base), " [", opening.size, "]");
    LPC_CHECK(!"every memory of a patch that was applied is there");
    return {};
  }

  [[nodiscard]] const std::string &fileOf(ir::MemoryId id) const {
    const ir::Memory &memory = patch_.memories[static_cast<size_t>(id)];
    LPC_CHECK(memory.payload);
    return patch_.payloads[static_cast<size_t>(*memory.payload)].name;
  }

  const ir::Patch &patch_;
  const backend::Outcome &outcome_;
  size_t next_ = 0;
};

void printPatch(Compiler &compiler, pid_t pid) {
  if (Result<LiveProcess> live = LiveProcess::open(pid))
    if (auto compilation = compiler.compileFor(*live); compilation->patch) print(ir::printText(*compilation->patch));
}

} // namespace

int runLivepatch(const Arguments &arguments) {
  std::optional<pid_t> pid = processId(arguments.operands[0]);
  if (!pid) {
    printError(kCommand, {.id = DiagnosticId::Usage,
                          .message = cat("`", arguments.operands[0], "` is not a process id"),
                          .notes = {},
                          .help = "usage: livepatch PID TARGET < SCRIPT",
                          .place = {}});
    return WrongUsage;
  }
  Result<PatchText> script = readTrusted("-", std::nullopt);
  if (!script) {
    printError(kCommand, script.error(), "no process was touched");
    return statusOf(script.error().id);
  }
  script->defaultName = uniqueName();

  Names names{.target = arguments.operands[1], .objects = {}};
  Compiler compiler(*script, names);
  if (arguments.debug) printPatch(compiler, *pid);
  std::vector<Attempt> attempts;
  attempts.push_back(applyTo(compiler, *pid, {}));
  const Attempt &attempt = attempts.front();

  int status = worstStatus(attempts);
  if (status != Done) {
    printAttempts(std::string(kCommand), *script, attempts);
    return status;
  }
  printDiagnostics(diagnosticsOf(attempts), attempt.compilation->source); // warnings
  if (!arguments.quiet) print(Lines(*attempt.compilation->patch, attempt.outcome).all());
  if (arguments.verbose || arguments.debug)
    print(cat("process ", *pid, " was paused for ", shortTime(attempt.outcome.pauseMicroseconds), "; ",
              attempt.outcome.state, "\n"));
  return status;
}

} // namespace lpc::driver
