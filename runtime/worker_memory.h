// The memory that a worker has in a process (worker.h), for the files that make it and that find what was left of one.
#pragma once

#include <sys/user.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "runtime/arch/x86_64_stub.h"
#include "runtime/process.h"
#include "runtime/worker.h"

namespace lpc::runtime::worker {

using x86_64::WorkerJob;

constexpr uint64_t kPage = 4096;
constexpr const char *kMemoryName = "livepatch-worker";
constexpr const char *kMappingName = "/memfd:livepatch-worker "; // as the mappings of that file are called
constexpr auto kStepTime = std::chrono::seconds(5);              // for what takes microseconds

constexpr uint64_t kHeldAt = 128, kAttributesAt = 512, kHandleAt = 640,
                   kTextAt = 1024;                     // in the first page, behind the job
constexpr uint64_t kNoCpuAt = kHandleAt + 8;           // in place of a word that a thread does not have
constexpr uint64_t kStackAt = 2 * kPage;               // behind a page that nobody may touch
constexpr uint64_t kWorkerSize = kStackAt + (8 << 20); // the stack that threads usually have
// The lower end of it is the stack of a thread that makes it. Not by an enlargement: lpcs of another version take away
// what was left.
constexpr uint64_t kMakerStackEnd = kStackAt + (256 << 10);

// Where a function has failed whose thread holds.
struct Held {
  uint64_t holds = 0;   // 1: it does, unless it is elsewhere by now
  uint64_t program = 0; // where the program of the worker is
  user_regs_struct registers{};
};
static_assert(sizeof(WorkerJob) <= kHeldAt && kHeldAt + sizeof(Held) <= kAttributesAt);

inline Deadline within(std::chrono::microseconds time) { return Clock::now() + time; }

inline void put(Bytes &bytes, uint64_t offset, uint64_t value, unsigned width = 8) {
  storeLittle(std::span(bytes).subspan(offset, width), value);
}

inline RemoteRange programAt(RemoteAddress at) { return {at, at + x86_64::workerProgram().code.size()}; }

inline std::string textOf(const Process &process, RemoteAddress memory) {
  auto bytes = process.read(memory + kTextAt, kLongestWorkerText + 1);
  if (!bytes) return {};
  return {bytes->begin(), std::ranges::find(*bytes, uint8_t{0})};
}

} // namespace lpc::runtime::worker
