// Where the hook is:
//   glibc  dl_open_worker (elf/dl-open.c, 2.27 and later) maps and relocates, then calls _dl_catch_exception(NULL,
//          call_dl_init, …) for the constructors: that of libc.so.6, which stands before its own in the search order;
//          nobody but dlclose passes NULL otherwise. The rendezvous for debuggers, _dl_debug_state, is called before
//          relocation, which would overwrite what a patch changes.
//   musl   calls _dl_debug_state behind relocation and before the constructors (ldso/dynlink.c).
//
// The code of the hook makes system calls that the dynamic linker has just made itself (openat, read, close), and
// futex: a program may have forbidden itself others. It sleeps in short pieces and not for long, so that it depends on
// us for nothing but the patch.
//
// Rejected: staying attached (a program has one tracer, and it shows); a breakpoint (ends the program when we are
// killed); watching /proc/PID/maps (nothing tells of a change, and then it is too late).
#include "frontend/driver/library_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

#include "ir/support/cat.h"

namespace lpc::driver {
namespace {

constexpr const char *kName = "lpc run";
constexpr auto kNap = std::chrono::milliseconds(2);
constexpr auto kPatience = std::chrono::seconds(5); // beyond what a patch may take

// Waits for one byte from the FIFO, or until nobody has it open; registers as
// in a function that is called.
std::string waitingCode(std::chrono::microseconds limit) {
  auto naps = std::max<int64_t>(1, (limit + kPatience) / kNap);
  return cat("  sub rsp, 40\n"
             "  mov dword ptr [rsp + 32], ",
             naps,
             "\n"
             "  mov qword ptr [rsp + 8], 0\n" // struct timespec
             "  mov qword ptr [rsp + 16], ",
             std::chrono::nanoseconds(kNap).count(),
             "\n"
             "  mov dword ptr [rsp + 24], 0\n" // the word that nobody changes
             "  mov edi, -100\n"               // AT_FDCWD
             "  lea rsi, [rip + .Lpath]\n"
             "  mov edx, ",
             O_RDONLY | O_NONBLOCK | O_CLOEXEC,
             "\n"
             "  xor r10d, r10d\n"
             "  mov eax, 257\n" // openat
             "  syscall\n"
             "  test eax, eax\n"
             "  js .Lout\n"
             "  mov ebx, eax\n"
             ".Lread:\n"
             "  mov edi, ebx\n"
             "  mov rsi, rsp\n"
             "  mov edx, 1\n"
             "  xor eax, eax\n" // read
             "  syscall\n"
             "  cmp eax, -4\n" // EINTR
             "  je .Lread\n"
             "  cmp eax, -11\n" // EAGAIN
             "  jne .Lclose\n"
             "  lea rdi, [rsp + 24]\n"
             "  mov esi, 128\n" // FUTEX_WAIT_PRIVATE
             "  xor edx, edx\n"
             "  lea r10, [rsp + 8]\n"
             "  mov eax, 202\n" // futex
             "  syscall\n"
             "  dec dword ptr [rsp + 32]\n"
             "  jns .Lread\n"
             ".Lclose:\n"
             "  mov edi, ebx\n"
             "  mov eax, 3\n" // close
             "  syscall\n"
             ".Lout:\n"
             "  add rsp, 40\n");
}

std::string pathData(const std::string &path) { return cat(".Lpath:\n  .asciz \"", path, "\"\n"); }

std::string nameOf(const runtime::Module &module) { return module.soname.empty() ? module.path : module.soname; }

// For the dynamic linker `loader`, or, where glibc's is loaded, the C library, whose function that one calls.
std::string patchText(const std::vector<runtime::Module> &modules, const runtime::Module &loader,
                      const std::string &path, std::chrono::microseconds limit) {
  if (loader.path.contains("musl"))
    return cat("patch \"", kName, "\"\nasm new wait {\nentry:\n  push rbx\n", waitingCode(limit), "  pop rbx\n  ret\n",
               pathData(path), "}\njmp ", nameOf(loader), "!_dl_debug_state $wait:entry\n");
  auto library = std::ranges::find(modules, "libc.so.6", &runtime::Module::soname);
  return cat("patch \"", kName,
             "\"\nnew before 8\nasm new wait {\nentry:\n"
             "  test rdi, rdi\n  jne .Lgo\n  push rdi\n  push rsi\n  push rdx\n  push rbx\n",
             waitingCode(limit), "  pop rbx\n  pop rdx\n  pop rsi\n  pop rdi\n.Lgo:\n  jmp qword ptr [rip + $before]\n",
             pathData(path), "}\nhook ", nameOf(library == modules.end() ? loader : *library),
             "!_dl_catch_exception $wait:entry original $before\n");
}

std::unexpected<Error> failed(const std::string &what) {
  return failErrno(DiagnosticId::RemoteCallFailed, what, errno);
}

} // namespace

struct LibraryWatch::Impl {
  pid_t pid = 0;
  backend::PlayOptions options;
  std::unique_ptr<runtime::Process> process{};
  std::string folder{}, path{};
  runtime::FileDescriptor fifo{}, openings{};

  Result<void> makeFifo();
  Result<void> hook();
  size_t count() const;
  ~Impl();
};

// The program may have another user by the time it opens a library, so the FIFO
// is open to all who know its name.
Result<void> LibraryWatch::Impl::makeFifo() {
  const char *temporary = std::getenv("TMPDIR");
  std::string base = cat(temporary != nullptr && *temporary == '/' ? temporary : "/tmp", "/lpc-run-XXXXXX");
  std::array<uint8_t, 16> secret{};
  if (getrandom(secret.data(), secret.size(), 0) != static_cast<ssize_t>(secret.size())) return failed("getrandom");
  if (mkdtemp(base.data()) == nullptr) return failed(cat("`", base, "` cannot be made"));
  folder = base;
  path = cat(folder, "/", toHex(secret));
  constexpr mode_t kPass = 0711, kAll = 0666;
  if (chmod(folder.c_str(), kPass) != 0 || mkfifo(path.c_str(), kAll) != 0 || chmod(path.c_str(), kAll) != 0)
    return failed(cat("`", path, "` cannot be made"));
  fifo = runtime::FileDescriptor(open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  openings = runtime::FileDescriptor(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fifo.valid() || !openings.valid() || inotify_add_watch(openings.get(), path.c_str(), IN_OPEN) < 0)
    return failed(cat("`", path, "` cannot be watched"));
  return {};
}

Result<void> LibraryWatch::Impl::hook() {
  auto live = LiveProcess::open(pid);
  if (!live) return std::unexpected(std::move(live.error()));
  auto loader = std::ranges::find_if(live->snapshot.modules, &runtime::Module::isLoader);
  if (loader == live->snapshot.modules.end())
    return fail(DiagnosticId::UnknownObject, "the program is linked statically and opens no libraries");
  PatchText text{.source = SourceText(kName, patchText(live->snapshot.modules, *loader, path, options.timeout)),
                 .folder = "",
                 .defaultName = kName};
  Names names;
  Compiler compiler(text, names);
  Attempt attempt = applyTo(compiler, pid, options);
  if (attempt.outcome.kind == backend::OutcomeKind::Applied) {
    process = std::make_unique<runtime::Process>(std::move(live->process));
    return {};
  }
  Error why{.id = DiagnosticId::UnknownObject,
            .message = cat("lpc would not be told when `", loader->path, "` loads the library")};
  if (attempt.outcome.reason)
    why.notes.push_back({.message = attempt.outcome.reason->message, .place = {}, .lines = {}});
  return std::unexpected(std::move(why));
}

// How often it has been opened since the last call.
size_t LibraryWatch::Impl::count() const {
  alignas(inotify_event) std::array<char, 4096> buffer{};
  size_t events = 0;
  for (ssize_t size = 0; (size = read(openings.get(), buffer.data(), buffer.size())) > 0;)
    events += static_cast<size_t>(size) / sizeof(inotify_event); // a file that is watched itself has no name
  return events;
}

LibraryWatch::Impl::~Impl() {
  if (!path.empty()) unlink(path.c_str());
  if (!folder.empty()) rmdir(folder.c_str());
}

LibraryWatch::LibraryWatch(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LibraryWatch::LibraryWatch(LibraryWatch &&) noexcept = default;
LibraryWatch &LibraryWatch::operator=(LibraryWatch &&) noexcept = default;
LibraryWatch::~LibraryWatch() = default;

Result<LibraryWatch> LibraryWatch::begin(pid_t pid, const backend::PlayOptions &options) {
  auto impl = std::make_unique<Impl>();
  impl->pid = pid;
  impl->options = options;
  if (auto made = impl->makeFifo(); !made) return std::unexpected(std::move(made.error()));
  if (auto hooked = impl->hook(); !hooked) return std::unexpected(std::move(hooked.error()));
  return LibraryWatch(std::move(impl));
}

void LibraryWatch::follow(const std::function<bool()> &opened) {
  for (bool done = false; !done;) {
    std::array<pollfd, 2> events = {pollfd{impl_->process->pidfd(), POLLIN, 0},
                                    pollfd{impl_->openings.get(), POLLIN, 0}};
    if (poll(events.data(), events.size(), -1) < 0 && errno != EINTR) return;
    if (events[0].revents != 0) return;
    if (events[1].revents == 0) continue;
    size_t count = impl_->count();
    done = opened();
    Bytes answers(count); // one for each that waits
    (void)!write(impl_->fifo.get(), answers.data(), answers.size());
  }
  (void)revertFrom(kName, impl_->pid, impl_->options);
}

} // namespace lpc::driver
