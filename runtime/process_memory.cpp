// Reading and writing the memory of a process.
//
// Always through the descriptor of /proc/PID/mem that Process::open opened: see process.cpp for why. Its writes pass
// over page protections (FOLL_FORCE), so read-only private pages are copied and changed. Kernels from 6.12 on can be
// told to do that for the tracer alone (proc_mem.force_override=ptrace): then the same call succeeds while the process
// is stopped by us. Where it is forbidden altogether, PTRACE_POKEDATA still writes, word by word, to a process that we
// have stopped.
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "runtime/process.h"

namespace lpc::runtime {
namespace {

// pread takes a signed offset; the kernel's own half of the address space (the vsyscall page) is not to be had this
// way.
bool reachable(RemoteAddress at, uint64_t size) {
  uint64_t last = static_cast<uint64_t>(INT64_MAX);
  return at.value <= last && size <= last - at.value;
}

std::string bytesAt(uint64_t size, RemoteAddress at) {
  return std::to_string(size) + (size == 1 ? " byte at " : " bytes at ") + hexAddress(at);
}

// Writes the whole words around `bytes` through the tracer's own door. False where we are not its tracer or nothing is
// there.
bool poke(pid_t tid, RemoteAddress to, BytesView bytes) {
  while (!bytes.empty()) {
    RemoteAddress word{to.value & ~uint64_t{sizeof(long) - 1}};
    size_t skip = to - word, count = std::min(sizeof(long) - skip, bytes.size());
    errno = 0;
    long value = ptrace(PTRACE_PEEKDATA, tid, word.value, nullptr);
    if (errno != 0) return false;
    memcpy(reinterpret_cast<uint8_t *>(&value) + skip, bytes.data(), count);
    if (ptrace(PTRACE_POKEDATA, tid, word.value, value) != 0) return false;
    to = to + count;
    bytes = bytes.subspan(count);
  }
  return true;
}

} // namespace

Result<void> Process::read(RemoteAddress from, std::span<uint8_t> into) const {
  if (!reachable(from, into.size()))
    return fail(DiagnosticId::BadAddress, "process " + std::to_string(pid_) + " has no memory at " + hexAddress(from));
  for (size_t done = 0; done < into.size();) {
    ssize_t count = pread(mem_.get(), into.data() + done, into.size() - done, static_cast<off_t>(from.value + done));
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) return std::unexpected(gone());
    if (count < 0)
      return fail(DiagnosticId::BadAddress,
                  "process " + std::to_string(pid_) + " has no memory for " + bytesAt(into.size(), from));
    done += static_cast<size_t>(count);
  }
  return {};
}

// This call goes by the id, not by our descriptor: it could meet the memory of a program that was executed meanwhile.
size_t Process::readTogether(std::span<const Piece> pieces) const {
  std::array<iovec, kTogether> ours, theirs;
  size_t count = std::min(pieces.size(), kTogether);
  for (size_t i = 0; i < count; i++) {
    if (!reachable(pieces[i].from, pieces[i].into.size())) return 0;
    ours[i] = {pieces[i].into.data(), pieces[i].into.size()};
    theirs[i] = {reinterpret_cast<void *>(pieces[i].from.value), pieces[i].into.size()};
  }
  ssize_t read = count > 0 ? process_vm_readv(pid_, ours.data(), count, theirs.data(), count, 0) : 0;
  if (read <= 0 || !sameMemory()) return 0;
  auto left = static_cast<size_t>(read);
  size_t whole = 0;
  for (; whole < count && pieces[whole].into.size() <= left; whole++)
    left -= pieces[whole].into.size();
  return whole;
}

Result<Bytes> Process::read(RemoteAddress from, uint64_t size) const {
  constexpr uint64_t kMost = uint64_t{1} << 32; // a length out of the process's own data must not exhaust our memory
  if (size > kMost)
    return fail(DiagnosticId::BadAddress,
                "process " + std::to_string(pid_) + " has no memory for " + bytesAt(size, from));
  // Probed before the buffer is made, for the same reason.
  uint8_t last = 0;
  if (size > 1 << 20)
    if (auto there = read(RemoteAddress{from.value + size - 1}, {&last, 1}); !there)
      return std::unexpected(there.error());
  Bytes bytes(size);
  if (auto done = read(from, std::span(bytes)); !done) return std::unexpected(done.error());
  return bytes;
}

Result<void> Process::write(RemoteAddress to, BytesView bytes) const {
  if (!reachable(to, bytes.size()))
    return fail(DiagnosticId::BadAddress, "process " + std::to_string(pid_) + " has no memory at " + hexAddress(to));
  for (size_t done = 0; done < bytes.size();) {
    ssize_t count = pwrite(mem_.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(to.value + done));
    if (count < 0 && errno == EINTR) continue;
    if (count == 0) return std::unexpected(gone());
    if (count < 0) {
      if (poke(pid_, to + done, bytes.subspan(done))) return {};
      return fail(DiagnosticId::BadAddress, "process " + std::to_string(pid_) + " does not take " +
                                                bytesAt(bytes.size(), to) +
                                                (done ? " (" + std::to_string(done) + " were written)" : ""));
    }
    done += static_cast<size_t>(count);
  }
  return {};
}

Result<uint64_t> Process::readWord(RemoteAddress from) const {
  std::array<uint8_t, 8> word{};
  std::span<uint8_t> bytes = std::span(word).first(pointerSize(machine_));
  if (auto done = read(from, bytes); !done) return std::unexpected(done.error());
  return loadLittle(bytes);
}

Result<void> Process::fill(RemoteAddress to, BytesView bytes) const { return write(to, bytes); }

} // namespace lpc::runtime
