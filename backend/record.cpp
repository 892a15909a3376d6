// The record's form: a header of fixed size, a body with everything that does not change, the undo bytes, the handles.
//
//     0  "LPCPATCH"   8  format version (4)   12  header size
//    16  state word  24  body size            32  undo size      40  SHA-256 of the body
//    72  steps begun 80  calls finished
//    88  body: little-endian numbers, strings and lists with a length in front     then: undo bytes, handles
//
// Own bytes rather than MessagePack: the state word must be one aligned word that is stored once, and reading must be
// bounded to the letter, for these bytes come from a process that may be hostile.
#include "backend/record.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "ir/patch.h"
#include "ir/support/cat.h"
#include "ir/support/sha256.h"

namespace lpc::backend {
namespace {

constexpr uint64_t kHeaderSize = 88;
constexpr uint64_t kChecksumOffset = 40;
constexpr uint32_t kFormat = 4;
constexpr char kMagic[] = "LPCPATCH";

void put(Bytes &out, uint64_t number) { appendLittle(out, number, 8); }
void put(Bytes &out, BytesView bytes) {
  put(out, bytes.size());
  out.insert(out.end(), bytes.begin(), bytes.end());
}

Bytes encodeBody(const Record &record) {
  Bytes body;
  put(body, asBytes(record.name));
  put(body, asBytes(record.version));
  put(body, BytesView(record.digest));
  put(body, record.sequence);
  put(body, record.appliedAt);
  put(body, record.code.size());
  for (const RecordedCode &code : record.code)
    put(body, asBytes(code.name)), put(body, code.range.begin.value), put(body, code.range.end.value);
  put(body, record.changes.size());
  for (const RecordedChange &change : record.changes)
    put(body, change.address.value), put(body, uint64_t{change.code}), put(body, BytesView(change.newBytes));
  put(body, record.calls.size());
  for (const Call &call : record.calls) {
    put(body, static_cast<uint64_t>(call.stage)), put(body, call.function.value), put(body, asBytes(call.name));
    put(body, call.step), put(body, call.arguments.size());
    for (uint64_t argument : call.arguments)
      put(body, argument);
  }
  put(body, record.frames.size());
  for (const RemoteRange &range : record.frames)
    put(body, range.begin.value), put(body, range.end.value);
  put(body, record.exitHandles.size());
  for (RemoteAddress handle : record.exitHandles)
    put(body, handle.value);
  put(body, record.openings.size());
  for (const RecordedOpening &opening : record.openings)
    put(body, asBytes(opening.name)), put(body, asBytes(opening.file)), put(body, opening.range.begin.value),
        put(body, opening.range.end.value), put(body, uint64_t{opening.shared});
  put(body, record.closer.value), put(body, uint64_t{record.opening});
  return body;
}

// Reads what encodeBody wrote; once something does not fit, everything that follows is empty and ok() is false.
class Reader {
public:
  explicit Reader(BytesView bytes) : rest_(bytes) {}
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool atEnd() const { return ok_ && rest_.empty(); }

  BytesView take(uint64_t size) {
    if (!ok_ || size > rest_.size()) return ok_ = false, BytesView{};
    BytesView taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
  uint64_t number() { return loadLittle(take(8)); }
  Bytes bytes() {
    BytesView view = take(number());
    return {view.begin(), view.end()};
  }
  std::string string() {
    BytesView view = take(number());
    return {view.begin(), view.end()};
  }
  // A count of elements of which each takes at least `least` bytes.
  uint64_t count(uint64_t least) {
    uint64_t n = number();
    if (n > rest_.size() / least) ok_ = false;
    return ok_ ? n : 0;
  }

private:
  BytesView rest_;
  bool ok_ = true;
};

bool validRange(uint64_t address, uint64_t size) { return size != 0 && address + size > address; }

std::optional<Record> decodeBody(BytesView body, BytesView undo) {
  Reader in(body);
  Record record;
  record.name = in.string();
  record.version = in.string();
  record.digest = in.bytes();
  record.sequence = in.number();
  record.appliedAt = in.number();
  for (uint64_t n = in.count(24); n > 0; n--) {
    std::string name = in.string();
    RemoteAddress begin{in.number()}, end{in.number()};
    record.code.push_back({std::move(name), {begin, end}});
  }
  for (uint64_t n = in.count(24); n > 0; n--) {
    RecordedChange change{{in.number()}, in.number() != 0, {}, in.bytes()};
    if (!validRange(change.address.value, change.newBytes.size()) || change.newBytes.size() > undo.size())
      return std::nullopt;
    BytesView old = undo.first(change.newBytes.size());
    change.oldBytes.assign(old.begin(), old.end());
    undo = undo.subspan(old.size());
    record.changes.push_back(std::move(change));
  }
  for (uint64_t n = in.count(40); n > 0; n--) {
    Call call{.stage = static_cast<CallStage>(in.number()), .function = {in.number()}, .name = in.string()};
    call.step = in.number();
    for (uint64_t arguments = in.count(8); arguments > 0; arguments--)
      call.arguments.push_back(in.number());
    bool later =
        call.stage == CallStage::PreRevert || call.stage == CallStage::PostRevert || call.stage == CallStage::Finish;
    if (!later || call.arguments.size() > ir::kMostCallArguments) return std::nullopt;
    record.calls.push_back(std::move(call));
  }
  for (uint64_t n = in.count(16); n > 0; n--) {
    RemoteAddress begin{in.number()}, end{in.number()};
    record.frames.push_back({begin, end});
  }
  for (uint64_t n = in.count(8); n > 0; n--)
    record.exitHandles.push_back({in.number()});
  for (uint64_t n = in.count(40); n > 0; n--) {
    std::string name = in.string(), file = in.string();
    RemoteAddress begin{in.number()}, end{in.number()};
    record.openings.push_back({std::move(name), std::move(file), {begin, end}, 0, in.number() != 0});
  }
  record.closer = {in.number()};
  record.opening = in.number() != 0;
  if (!in.atEnd() || !undo.empty()) return std::nullopt;
  return record;
}

} // namespace

std::unexpected<Error> corruptRecord(const std::string &what) {
  return fail(DiagnosticId::CorruptRegistry, cat("the record of a patch in the process is damaged: ", what),
              "the process can't be patched or reverted any more; restart it when you can");
}

std::string_view name(RecordState state) {
  switch (state) {
  case RecordState::Prepared: return "prepared";
  case RecordState::Switching: return "switching";
  case RecordState::Applied: return "applied";
  case RecordState::Reverting: return "reverting";
  case RecordState::Reverted: return "reverted";
  }
  return "unknown";
}

Bytes undoBytes(const Record &record) {
  Bytes undo;
  for (const RecordedChange &change : record.changes)
    undo.insert(undo.end(), change.oldBytes.begin(), change.oldBytes.end());
  return undo;
}

uint64_t handleOffset(const Record &record, size_t opening) {
  uint64_t end = undoOffset(record) + undoBytes(record).size();
  return ((end + 7) & ~uint64_t{7}) + 8 * opening;
}

uint64_t undoOffset(const Record &record) { return kHeaderSize + encodeBody(record).size(); }

Bytes encode(const Record &record) {
  Bytes body = encodeBody(record), undo = undoBytes(record), out;
  BytesView magic = asBytes({kMagic, 8});
  out.insert(out.end(), magic.begin(), magic.end());
  appendLittle(out, kFormat, 4);
  appendLittle(out, kHeaderSize, 4);
  put(out, static_cast<uint64_t>(record.state));
  put(out, body.size());
  put(out, undo.size());
  Bytes digest = sha256(body);
  out.insert(out.end(), digest.begin(), digest.end());
  put(out, record.begun);
  put(out, record.finished);
  for (const Bytes &part : {body, undo})
    out.insert(out.end(), part.begin(), part.end());
  if (!record.openings.empty()) out.resize((out.size() + 7) & ~uint64_t{7});
  for (const RecordedOpening &opening : record.openings)
    put(out, opening.handle);
  return out;
}

Result<Record> decode(BytesView bytes) {
  if (bytes.size() < kHeaderSize || std::memcmp(bytes.data(), kMagic, 8) != 0) return corruptRecord("it has no header");
  uint64_t format = loadLittle(bytes.subspan(8, 4));
  if (format != kFormat || loadLittle(bytes.subspan(12, 4)) != kHeaderSize)
    return fail(DiagnosticId::CorruptRegistry,
                cat("a patch was recorded by another version of lpc (format ", format, ")"),
                "use that version to revert it");
  uint64_t state = loadLittle(bytes.subspan(kStateOffset, 8));
  uint64_t bodySize = loadLittle(bytes.subspan(24, 8)), undoSize = loadLittle(bytes.subspan(32, 8));
  BytesView rest = bytes.subspan(kHeaderSize);
  if (bodySize > rest.size() || undoSize > rest.size() - bodySize) return corruptRecord("it is longer than its memory");
  BytesView body = rest.first(bodySize);
  if (!std::ranges::equal(sha256(body), bytes.subspan(kChecksumOffset, 32)))
    return corruptRecord("its checksum is wrong");
  if (state < static_cast<uint64_t>(RecordState::Prepared) || state > static_cast<uint64_t>(RecordState::Reverted))
    return corruptRecord("it has no valid state");
  auto record = decodeBody(body, rest.subspan(bodySize, undoSize));
  if (!record) return corruptRecord("its parts contradict each other");
  record->state = static_cast<RecordState>(state);
  uint64_t handles = (kHeaderSize + bodySize + undoSize + 7) & ~uint64_t{7};
  if (handles + 8 * record->openings.size() > bytes.size() && !record->openings.empty())
    return corruptRecord("it is longer than its memory");
  for (size_t i = 0; i < record->openings.size(); i++)
    record->openings[i].handle = loadLittle(bytes.subspan(handles + 8 * i, 8));
  record->begun = loadLittle(bytes.subspan(kBegunOffset, 8));
  record->finished = loadLittle(bytes.subspan(kFinishedOffset, 8));
  return std::move(*record);
}

} // namespace lpc::backend
