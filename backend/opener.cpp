// Which file the dynamic linker gets. Where the process sees the patch's own file under the path that the patch gives,
// and it is byte for byte what the patch was checked with, that path: debuggers and profilers then find it by name, and
// `$ORIGIN` and the like of the object mean what they say. Else (a bundle, another mount namespace, a file system
// without execution) a memfd with the bytes. It is the agent's, in the agent's own table of descriptors, and reached as
// /proc/self/task/AGENT/fd/N: so the program never has a descriptor of ours, and it vanishes with the agent. A
// descriptor of the program's table was rejected: its children would inherit it, and one that lpc was killed over would
// stay. The path has the agent's number in it also because glibc takes a path that it has seen before for the same
// object.
//
// After the call the object is found by what its handle points to (struct link_map of <link.h>: load bias, name,
// dynamic section), and compared with the file, for a file can change between our look and the linker's.
#include "backend/opener.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "backend/dynamic_linker.h"
#include "backend/loader_exit.h"
#include "backend/open_image.h"
#include "backend/prepare.h"
#include "frontend/target/paths.h"
#include "ir/support/cat.h"
#include "runtime/elf_memory.h"
#include "runtime/memory_file.h"
#include "runtime/proc_text.h"

namespace lpc::backend {
namespace {

constexpr size_t kLongestMessage = 1024, kLongestMemoryName = 200;
constexpr uint64_t kScratch = 256; // Agent::scratch

// Relative ones are seen from the folder of the patch, as its author sees them.
std::string absolutePath(const ir::Patch &patch, const std::string &file) {
  namespace fs = std::filesystem;
  std::error_code failed;
  fs::path path = fs::absolute(fs::path(patch.source).parent_path() / file, failed);
  return failed ? std::string() : path.lexically_normal().string();
}

bool hasContent(const std::string &path, BytesView wanted) {
  runtime::FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info{};
  bool same = file.valid() && fstat(file.get(), &info) == 0 && S_ISREG(info.st_mode) &&
              static_cast<uint64_t>(info.st_size) == wanted.size();
  Bytes buffer(64 << 10);
  for (uint64_t at = 0; same && at < wanted.size();) {
    ssize_t count = pread(file.get(), buffer.data(), buffer.size(), static_cast<off_t>(at));
    same = count > 0 && static_cast<uint64_t>(count) <= wanted.size() - at &&
           std::ranges::equal(BytesView(buffer).first(static_cast<size_t>(count)),
                              wanted.subspan(at, static_cast<size_t>(count)));
    at += static_cast<uint64_t>(std::max<ssize_t>(count, 0));
  }
  return same;
}

// The number of a thread as its own process sees it: the innermost of its namespaces (proc_pid_status(5), NSpid).
pid_t ownNumber(const runtime::Process &process, pid_t tid) {
  std::string status = runtime::readText(process.proc(cat("task/", tid, "/status"))).value_or("");
  size_t at = status.find("\nNSpid:");
  if (at == std::string::npos) return tid;
  std::string line = status.substr(at + 1, status.find('\n', at + 1) - at - 1);
  return static_cast<pid_t>(std::atoi(line.substr(line.find_last_of("\t ") + 1).c_str()));
}

} // namespace

Opener::~Opener() {
  if (!record_) return;
  closeOpenings(*record_, session_.ending([&](const Call &call) { return session_.call(call); }, {}), remarks_);
  if (std::ranges::any_of(record_->record.openings, &RecordedOpening::handle)) return; // the next command goes on
  (void)session_.agent().unmap(record_->range.begin, record_->range.size());           // or does this
}

Result<void> Opener::handOver() {
  LPC_CHECK(record_.has_value());
  RemoteRange range = record_->range;
  record_.reset();
  return session_.agent().unmap(range.begin, range.size());
}

Result<std::vector<PlannedOpening>> Opener::open(const Plan &plan, uint64_t sequence) {
  if (auto ready = session_.prepareCalls(); !ready) return std::unexpected(std::move(ready.error()));
  auto linker = findDynamicLinker(process_, session_.snapshot());
  if (!linker) return std::unexpected(std::move(linker.error()));
  error_ = linker->error;

  Record record = recordOf(plan, sequence);
  record.opening = true;
  record.code.clear(), record.changes.clear(), record.calls.clear(), record.frames.clear(), record.exitHandles.clear();
  for (RecordedOpening &opening : record.openings)
    opening.range = {};
  auto made = prepareMemory(Plan{}, std::move(record), process_, session_.agent(), session_.snapshot().maps);
  if (!made) return std::unexpected(std::move(made.error()));
  record_.emplace(std::move(*made));

  std::vector<PlannedOpening> openings = plan.openings;
  for (size_t i = 0; i < openings.size(); i++) {
    const ir::Memory &memory = patch_.memories[static_cast<size_t>(openings[i].id)];
    LPC_CHECK(memory.payload.has_value());
    Place place{openings[i].line, 1, openings[i].line, 2};
    auto done = openOne(i, patch_.payloads[static_cast<size_t>(*memory.payload)], place, openings[i]);
    if (done) continue;
    if (!done.error().place.known()) done.error().place = place;
    return std::unexpected(std::move(done.error()));
  }
  return openings;
}

Result<void> Opener::openOne(size_t index, const ir::Payload &payload, const Place &place, PlannedOpening &opening) {
  auto path = pathFor(payload, opening);
  if (!path) return std::unexpected(std::move(path.error()));
  auto linker = findDynamicLinker(process_, session_.snapshot());
  if (!linker) return std::unexpected(std::move(linker.error()));
  Snapshot before = session_.snapshot();
  RemoteAddress word = record_->range.begin + handleOffset(record_->record, index);
  auto handle = session_.call({.stage = CallStage::Start,
                               .function = linker->open,
                               .arguments = {0, RTLD_NOW | RTLD_LOCAL},
                               .name = cat("`dlopen` for ", opening.file),
                               .place = place,
                               .text = *path,
                               .store = word,
                               .throughLinker = true});
  if (!handle && handle.error().id == DiagnosticId::CallFailed)
    return std::unexpected(leftInside(index, handle.error(), opening));
  if (!handle) return std::unexpected(std::move(handle.error()));
  if (*handle == 0) return std::unexpected(failed(*path, opening));
  opening.handle = record_->record.openings[index].handle = *handle;
  if (auto looked = session_.lookAgain(); !looked) return looked;
  if (isUnconstructed(process_, session_.snapshot(), *handle)) {
    record_->record.openings[index].shared = true;
    return std::unexpected(
        Error{DiagnosticId::DlopenFailed,
              cat("`", opening.file, "` is still in process ", process_.pid(),
                  " from an attempt in which one of its constructors failed"),
              {},
              "it goes as soon as nothing points into it; a copy under another name is another object",
              place});
  }
  auto located = locate(payload, before, opening);
  record_->record.openings[index].shared = opening.wasLoaded;
  return located;
}

// A constructor failed. Where it was led out of, dlopen has returned, and what it loaded is closed like the others.
Error Opener::leftInside(size_t index, Error error, const PlannedOpening &opening) {
  RemoteAddress word = record_->range.begin + handleOffset(record_->record, index);
  uint64_t handle = process_.readWord(word).value_or(0);
  record_->record.openings[index].handle = handle;
  error.notes.push_back(
      {.message = handle != 0 ? cat("the constructors behind it were not called, and `dlopen` came to its end")
                              : cat("`", opening.file,
                                    "` stays half loaded, and the dynamic linker stays "
                                    "locked: the program's own dlopen and dlclose would wait forever"),
       .place = {},
       .lines = {}});
  return error;
}

// dlerror on the same thread.
Error Opener::failed(const std::string &path, const PlannedOpening &opening) {
  std::string why = "it gives no reason";
  auto text = session_.call({.stage = CallStage::Start, .function = error_, .name = "`dlerror`"});
  if (text && *text != 0) why = runtime::readText(process_, RemoteAddress{*text}, kLongestMessage).value_or(why);
  Error error{DiagnosticId::DlopenFailed,
              cat("the dynamic linker of process ", process_.pid(), " does not load `", opening.file, "`: ", why),
              {},
              {},
              {}};
  struct stat there{};
  if (opening.path.empty() && stat((process_.proc("root") + "/proc/self").c_str(), &there) != 0)
    error.help =
        cat("it has no /proc, through which it would get the file: put it where the process sees it as `", path, "`");
  return error;
}

Result<std::string> Opener::pathFor(const ir::Payload &payload, PlannedOpening &opening) {
  if (auto path = ownPath(payload)) return opening.path = *path;
  return throughMemory(payload);
}

// The patch's file, where the process can open the very same one.
std::optional<std::string> Opener::ownPath(const ir::Payload &payload) {
  std::string path = absolutePath(patch_, payload.name);
  if (path.empty() || path.size() >= kScratch) return std::nullopt;
  std::string inRoot = process_.proc("root") + path;
  struct statvfs system{};
  if (statvfs(inRoot.c_str(), &system) != 0 || (system.f_flag & ST_NOEXEC) != 0) return std::nullopt;
  if (!hasContent(inRoot, payload.bytes)) return std::nullopt;
  runtime::Agent &agent = session_.agent();
  Bytes text(path.begin(), path.end());
  text.push_back(0);
  if (!process_.write(agent.scratch(), text)) return std::nullopt;
  auto file = agent.call(SYS_openat, {static_cast<uint64_t>(AT_FDCWD), agent.scratch().value, O_RDONLY | O_CLOEXEC});
  if (!file || *file < 0) return std::nullopt;
  bool same = hasContent(process_.proc(cat("task/", agent.tid(), "/fd/", *file)), payload.bytes);
  (void)agent.call(SYS_close, {static_cast<uint64_t>(*file)}); // else it goes with the agent
  return same ? std::optional(path) : std::nullopt;
}

Result<std::string> Opener::throughMemory(const ir::Payload &payload) {
  runtime::Agent &agent = session_.agent();
  std::string name = cat("dlopen:", target::fileNameOf(payload.name)).substr(0, kLongestMemoryName);
  auto file = runtime::MemoryFile::create(process_, agent, name, payload.bytes.size());
  if (!file) return std::unexpected(std::move(file.error()));
  if (auto written = file->write(0, payload.bytes); !written) return std::unexpected(std::move(written.error()));
  return cat("/proc/self/task/", ownNumber(process_, agent.tid()), "/fd/", file->descriptor());
}

Result<void> Opener::locate(const ir::Payload &payload, const Snapshot &before, PlannedOpening &opening) {
  auto image = OpenImage::read(payload, patch_.machine, 0);
  if (!image) return std::unexpected(std::move(image.error()));
  auto different = [&](std::string_view what) {
    return fail(DiagnosticId::DlopenFailed,
                cat("process ", process_.pid(), " has loaded ", what, " for `", opening.file, "`"));
  };
  auto bias = process_.readWord(RemoteAddress{opening.handle});
  auto dynamic = process_.readWord(RemoteAddress{opening.handle} + 2 * pointerSize(patch_.machine));
  if (!bias || !dynamic) return different("something that lpc does not find");
  const Snapshot &now = session_.snapshot();
  const runtime::Module *module = runtime::moduleAt(now.modules, RemoteAddress{*dynamic});
  if (module == nullptr || module->bias != LoadBias{*bias}) return different("something that lpc does not find");

  const runtime::Module *known = runtime::moduleAt(before.modules, RemoteAddress{*dynamic});
  opening.wasLoaded = known != nullptr && known->bias == module->bias && known->path == module->path;
  // Of one that was there before, another patch may have changed code.
  bool sameBuild = opening.wasLoaded && !module->buildId.empty() && module->buildId == image->buildId();
  if (!sameBuild) {
    auto same = image->standsAt(module->bias, process_);
    if (!same) return std::unexpected(std::move(same.error()));
    if (!*same) return different("another file");
  }
  opening.base = image->baseFor(module->bias);
  opening.size = image->size();
  opening.range = module->range;
  opening.loaded = true;
  if (!opening.wasLoaded)
    for (const runtime::Mapping &mapping : now.maps)
      if (mapping.executable && mapping.range.overlaps(module->range)) opening.code.push_back(mapping.range);
  return {};
}

} // namespace lpc::backend
