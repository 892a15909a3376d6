// ELF notes (gABI, "Note Section"): sizes of name and description, type, name, description, each padded to 4 bytes.
// readelf shows them as unknown ones of the owner `lpc`, with their bytes. The description is as small and as simple as
// MessagePack allows, because every later version of lpc has to read so much of it that it can say what it is.
#include "ir/bundle/note.h"

#include <llvm/BinaryFormat/MsgPackReader.h>
#include <llvm/BinaryFormat/MsgPackWriter.h>
#include <llvm/Support/Error.h>
#include <llvm/Support/raw_ostream.h>

#include <algorithm>
#include <optional>

#include "ir/bundle/bundle.h"
#include "ir/support/cat.h"
#include "ir/support/sha256.h"

namespace lpc::ir {
namespace {

constexpr std::string_view kOwner{"lpc\0", 4};
constexpr uint32_t kDescription = 0x100, kDigest = 0x101; // apart from those that readelf has names for

void pad(Bytes &out) { out.resize((out.size() + 3) / 4 * 4); }

void appendNote(Bytes &out, uint32_t type, BytesView description) {
  appendLittle(out, kOwner.size(), 4);
  appendLittle(out, description.size(), 4);
  appendLittle(out, type, 4);
  out.insert(out.end(), kOwner.begin(), kOwner.end());
  out.insert(out.end(), description.begin(), description.end());
  pad(out);
}

std::unexpected<Error> damaged() {
  return fail(DiagnosticId::BadIr, "the bundle is damaged: its note is not one that lpc writes");
}

// Takes the note of that type from the front.
std::optional<BytesView> takeNote(BytesView &rest, uint32_t type) {
  constexpr size_t kHeader = 12;
  if (rest.size() < kHeader + kOwner.size() || loadLittle(rest.first(4)) != kOwner.size() ||
      loadLittle(rest.subspan(8, 4)) != type)
    return std::nullopt;
  uint64_t size = loadLittle(rest.subspan(4, 4));
  BytesView owner = rest.subspan(kHeader, kOwner.size());
  if (!std::ranges::equal(owner, asBytes(kOwner))) return std::nullopt;
  rest = rest.subspan(kHeader + kOwner.size());
  uint64_t padded = (size + 3) / 4 * 4;
  if (rest.size() < padded) return std::nullopt;
  BytesView description = rest.first(size);
  rest = rest.subspan(padded);
  return description;
}

// Objects one after the other; nothing where the next is not of the kind that is asked for.
class Fields {
public:
  using Kind = llvm::msgpack::Type;
  explicit Fields(BytesView bytes) : in_(llvm::StringRef(reinterpret_cast<const char *>(bytes.data()), bytes.size())) {}

  std::optional<llvm::msgpack::Object> next(Kind kind) {
    llvm::msgpack::Object object;
    auto more = in_.read(object);
    if (!more) {
      llvm::consumeError(more.takeError());
      return std::nullopt;
    }
    return *more && object.Kind == kind ? std::optional(object) : std::nullopt;
  }
  bool key(std::string_view name) {
    auto object = next(Kind::String);
    return object && std::string_view(object->Raw) == name;
  }
  bool atEnd() {
    llvm::msgpack::Object object;
    auto more = in_.read(object);
    if (more) return !*more;
    llvm::consumeError(more.takeError());
    return false;
  }

private:
  llvm::msgpack::Reader in_;
};

} // namespace

Bytes writeNote(const BundleNote &note) {
  std::string description;
  {
    llvm::raw_string_ostream stream(description);
    llvm::msgpack::Writer out(stream);
    out.writeMapSize(4);
    out.write(llvm::StringRef("format"));
    out.write(note.format);
    out.write(llvm::StringRef("name"));
    out.write(llvm::StringRef(note.name));
    out.write(llvm::StringRef("version"));
    out.write(llvm::StringRef(note.version));
    out.write(llvm::StringRef("builds"));
    out.writeArraySize(static_cast<uint32_t>(note.builds.size()));
    for (const Bytes &build : note.builds)
      out.write(llvm::MemoryBufferRef({reinterpret_cast<const char *>(build.data()), build.size()}, ""));
  }
  Bytes out;
  appendNote(out, kDescription, asBytes(description));
  appendNote(out, kDigest, Bytes(kSha256Size));
  return out;
}

Result<ReadNote> readNote(BytesView contents) {
  using Kind = Fields::Kind;
  auto description = takeNote(contents, kDescription);
  if (!description) return damaged();
  Fields fields(*description);
  ReadNote out;
  auto map = fields.next(Kind::Map);
  if (!map || !fields.key("format")) return damaged();
  auto format = fields.next(Kind::UInt);
  if (!format) return damaged();
  out.note.format = format->UInt;
  if (out.note.format != kBundleVersion)
    return fail(
        DiagnosticId::BadIr,
        cat("the bundle has version ", out.note.format, " of the format, and this lpc reads version ", kBundleVersion),
        "build it again with this lpc, or apply it with the one that built it");

  if (map->Length != 4 || !fields.key("name")) return damaged();
  auto name = fields.next(Kind::String);
  if (!name || !fields.key("version")) return damaged();
  auto version = fields.next(Kind::String);
  if (!version || !fields.key("builds")) return damaged();
  out.note.name = name->Raw.str();
  out.note.version = version->Raw.str();
  auto builds = fields.next(Kind::Array);
  for (size_t i = 0; builds && i < builds->Length; i++) {
    auto build = fields.next(Kind::Binary);
    if (!build) return damaged();
    out.note.builds.emplace_back(build->Raw.bytes_begin(), build->Raw.bytes_end());
  }
  auto digest = takeNote(contents, kDigest);
  if (!builds || !fields.atEnd() || !digest || digest->size() != kSha256Size || !contents.empty()) return damaged();
  out.digest = *digest;
  return out;
}

} // namespace lpc::ir
