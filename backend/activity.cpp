// The scan reads each thread's stack from its stack pointer to the end of the mapping that holds it, and compares every
// aligned word. A thread that runs on another stack than its own (a signal handler's alternate stack, a coroutine's)
// has frames on both: what its own stack holds is then scanned whole, for nobody can say where it was left.
//
// Of memory that is to vanish any pointer counts, and what calls have left on the stack does not: a word that stands
// behind a call in its code, and is no start of a function, is decided by the unwinder, too. Functions begin where the
// memory's own tables say, or are aligned.
//
// A stack that is cut out of a large heap has no end that a mapping shows. Of those that Go made, their own record
// tells (runtime/go_stack.h); otherwise the scan ends after kMostScanned bytes, and the unwinder decides.
#include "backend/activity.h"

#include <algorithm>
#include <array>
#include <utility>

#include "backend/arch/arch.h"
#include "runtime/go_stack.h"
#include "runtime/word_scan.h"

namespace lpc::backend {
namespace {

constexpr uint64_t kRedZone = 128;
constexpr size_t kChunkWords = 4096; // 32 KiB a read: more than most stacks have
constexpr size_t kTogether = runtime::Process::kTogether;
constexpr size_t kCopiedWords = 1024;                // of a stack that is read with others: most use less
constexpr uint64_t kMostScanned = uint64_t{8} << 20; // of one stack: what threads have by default

} // namespace

ActivityCheck::ActivityCheck(const runtime::Process &process, const std::vector<runtime::Mapping> &maps,
                             std::vector<GuardedCode> guarded)
    : process_(process), maps_(maps), guarded_(std::move(guarded)) {
  std::erase_if(guarded_, [](const GuardedCode &code) { return code.range.begin >= code.range.end; });
  std::ranges::sort(guarded_, {}, [](const GuardedCode &code) { return code.range.begin; });
  if (guarded_.empty()) return;
  hull_ = {{~uint64_t{0}}, {}};
  RemoteAddress reach{};
  for (const GuardedCode &code : guarded_) {
    reach_.push_back(reach = std::max(reach, code.range.end));
    if (code.returns) hull_ = {std::min(hull_.begin, code.range.begin), std::max(hull_.end, code.range.end)};
  }
  buffer_.resize(kChunkWords);
  copies_.reserve(kTogether), pieces_.reserve(kTogether);
}

// A return address belongs to the call before it, which may be the last instruction of its function: (begin, end]. A
// pointer may lead to any byte: [begin, end). Ranges may overlap (a site lies inside its function), but begin in order:
// the last that begins at or before the address is the first to be asked.
const GuardedCode *ActivityCheck::at(RemoteAddress address, bool asReturn) const {
  if (asReturn && (address < hull_.begin || address > hull_.end)) return nullptr;
  auto after =
      std::ranges::upper_bound(guarded_, address, {}, [](const GuardedCode &code) { return code.range.begin; });
  for (auto it = after; it != guarded_.begin();) {
    const GuardedCode &code = *--it;
    if (reach_[static_cast<size_t>(it - guarded_.begin())] < address) return nullptr;
    if (asReturn && !code.returns) continue;
    if (code.range.contains(code.pointers || !asReturn ? address : address - 1)) {
      bool safe = !code.pointers && (asReturn ? code.endIsSafe && address == code.range.end
                                              : code.startIsSafe && address == code.range.begin);
      if (!safe) return &code;
    }
  }
  return nullptr;
}
const GuardedCode *ActivityCheck::executing(RemoteAddress programCounter) const { return at(programCounter, false); }
const GuardedCode *ActivityCheck::returning(RemoteAddress returnAddress) const { return at(returnAddress, true); }

bool ActivityCheck::isReturn(uint64_t word) {
  hit_ = returning({word});
  if (!hit_ || !hit_->pointers || !looksReturned(word, *hit_)) return hit_ != nullptr;
  suspect_ = std::exchange(hit_, nullptr);
  return false;
}

bool ActivityCheck::looksReturned(uint64_t word, const GuardedCode &into) const {
  constexpr uint64_t kAligned = 16; // what compilers align functions to
  std::array<uint8_t, Arch::kLongestCall> bytes{};
  const runtime::Mapping *mapping = runtime::mappingAt(maps_, {word});
  return word % kAligned != 0 && !std::ranges::binary_search(into.starts, RemoteAddress{word}) && mapping &&
         mapping->executable && Arch::supports(process_.machine()) &&
         process_.read({word - bytes.size()}, std::span(bytes)) &&
         Arch::of(process_.machine()).callBefore(bytes) != Arch::CallKind::None;
}

// Memory that can't be read counts as a hit, and so does more than there is time for.
bool ActivityCheck::scan(RemoteRange range) {
  if (range.end - range.begin > kMostScanned) return true;
  // Nearly no word is anywhere near: that is decided here, in one comparison. The end counts: a return address.
  auto visit = [this, low = hull_.begin.value, span = hull_.end - hull_.begin](uint64_t word) {
    return word - low <= span && isReturn(word);
  };
  auto copy = std::ranges::find(copies_, range, &Copy::range);
  if (copy != copies_.end()) return std::ranges::any_of(std::span(copied_).subspan(copy->first, copy->words), visit);
  return runtime::scanWords(process_, range.begin, range.end, buffer_, visit).value_or(true);
}

// From the stack pointer on; nothing where it leads to memory that was mapped since we looked.
std::optional<RemoteRange> ActivityCheck::stackOf(const runtime::StoppedThread &thread) const {
  const runtime::Mapping *current = runtime::mappingAt(maps_, thread.registers.stackPointer());
  if (!current) return std::nullopt;
  // Leaf functions keep words below the stack pointer (System V x86-64 psABI, "red zone").
  RemoteAddress bottom = std::max(current->range.begin, thread.registers.stackPointer() - kRedZone);
  RemoteAddress top = current->range.end;
  if (auto goStack = runtime::goStackOf(process_, *current, thread.registers)) top = goStack->end;
  return RemoteRange{bottom, top};
}

bool ActivityCheck::scanStacks(const runtime::StoppedThread &thread) {
  auto stack = stackOf(thread);
  if (!stack || scan(*stack)) return true; // without one it is not provable
  // The mapping that holds the thread's control block is its stack (glibc and musl put it at the top); the first
  // thread's is [stack].
  const runtime::Mapping *own = runtime::mappingAt(maps_, thread.registers.threadPointer());
  if (thread.tid == process_.pid()) {
    auto first = std::ranges::find(maps_, "[stack]", &runtime::Mapping::path);
    own = first == maps_.end() ? nullptr : &*first;
  }
  bool elsewhere = own && !own->range.contains(thread.registers.stackPointer()) && own->readable;
  return elsewhere && scan(own->range);
}

bool ActivityCheck::scanRegisters(const runtime::StoppedThread &thread) {
  for (uint64_t word : thread.registers.words()) {
    hit_ = at({word}, true);
    if (hit_ && hit_->pointers) return true;
  }
  return false;
}

std::optional<Active> ActivityCheck::find(const runtime::StoppedThread &thread, runtime::Unwinder *unwinder) {
  if (guarded_.empty()) return std::nullopt;
  if (const GuardedCode *code = executing(thread.registers.programCounter()))
    return Active{thread.tid, code->name, 0, true};
  if (hull_.begin >= hull_.end) return std::nullopt; // nothing that is returned into
  hit_ = suspect_ = nullptr;
  const bool found = scanRegisters(thread) || scanStacks(thread);
  if (!found && !suspect_) return std::nullopt;
  const bool pointed = found && hit_ && hit_->pointers;
  if (!found) hit_ = suspect_;
  std::string suspect = (hit_ ? *hit_ : guarded_[0]).name;
  if (pointed) return Active{thread.tid, std::move(suspect), 0, true};
  if (!unwinder) return Active{thread.tid, std::move(suspect), 0, false};
  runtime::Backtrace trace = unwinder->trace(thread);
  for (unsigned frame = 1; frame < trace.frames.size(); frame++)
    if (const GuardedCode *code = returning(trace.frames[frame])) return Active{thread.tid, code->name, frame, true};
  if (trace.complete) return std::nullopt;
  return Active{thread.tid, std::move(suspect), static_cast<unsigned>(trace.frames.size()), true, true};
}

// Only stacks of which little is in use; find() reads the others. A few threads are not worth it, and those that ran
// are not worth an allocation.
void ActivityCheck::copyStacks(std::span<const runtime::StoppedThread *const> threads) {
  constexpr size_t kFew = 3;
  copies_.clear();
  if (threads.size() <= kFew) return;
  size_t total = 0;
  for (const runtime::StoppedThread *thread : threads) {
    auto stack = stackOf(*thread);
    if (!stack) continue;
    Copy copy{*stack, {(stack->begin.value + 7) & ~uint64_t{7}}, total, 0}; // aligned as in scanWords
    if (stack->end > copy.from) copy.words = (stack->end - copy.from) / 8;
    if (copy.words == 0 || copy.words > kCopiedWords) continue;
    total += copy.words;
    copies_.push_back(copy);
  }
  if (copied_.size() < total) {
    if (threads.front()->running) return copies_.clear();
    copied_.resize(total);
  }
  pieces_.clear();
  for (const Copy &copy : copies_)
    pieces_.push_back({copy.from, {reinterpret_cast<uint8_t *>(copied_.data() + copy.first), copy.words * 8}});
  copies_.resize(process_.readTogether(pieces_));
}

std::optional<Active> ActivityCheck::findAny(std::span<const runtime::StoppedThread *const> threads,
                                             runtime::Unwinder *unwinder) {
  if (guarded_.empty()) return std::nullopt;
  for (; !threads.empty(); threads = threads.subspan(std::min(kTogether, threads.size()))) {
    auto some = threads.first(std::min(kTogether, threads.size()));
    copyStacks(some);
    std::optional<Active> active;
    for (size_t i = 0; i < some.size() && !active; i++)
      active = find(*some[i], unwinder);
    copies_.clear();
    if (active) return active;
  }
  return std::nullopt;
}

} // namespace lpc::backend
