// What a bundle says of a patch: the fields of each structure of ir/patch.h, in order, with their names in the file.
//
// One list serves the writer and the reader, so they cannot disagree. A structure is taken apart by a structured
// binding, and an alternative of a variant needs its name here: a new field or a new kind of operation does not compile
// until it stands in this file.
//
// These names are a file format (docs/bundle.md). A field that is zero, empty or absent is not written, whatever
// default the structure gives it; so a new field at the end of a list leaves the files of patches that don't use it as
// they are.
#pragma once

#include <concepts>
#include <string_view>

#include "ir/patch.h"

namespace lpc::ir::schema {

// `V` is a T, perhaps a const one.
template <class V, class T>
concept A = std::same_as<std::remove_const_t<V>, T>;

// --- names of alternatives; without one it does not compile

template <class T> constexpr std::string_view kName;
template <> inline constexpr std::string_view kName<Bytes> = "bytes";
template <> inline constexpr std::string_view kName<Address> = "address";

template <> inline constexpr std::string_view kName<InObject> = "object";
template <> inline constexpr std::string_view kName<InMemory> = "memory";
template <> inline constexpr std::string_view kName<InPayload> = "payload";
template <> inline constexpr std::string_view kName<Absolute> = "absolute";
template <> inline constexpr std::string_view kName<Loaded> = "loaded";

template <> inline constexpr std::string_view kName<Alloc> = "new";
template <> inline constexpr std::string_view kName<Load> = "load";
template <> inline constexpr std::string_view kName<Link> = "link";
template <> inline constexpr std::string_view kName<Open> = "dlopen";
template <> inline constexpr std::string_view kName<Write> = "write";
template <> inline constexpr std::string_view kName<Branch> = "branch";
template <> inline constexpr std::string_view kName<Code> = "code";
template <> inline constexpr std::string_view kName<Return> = "return";
template <> inline constexpr std::string_view kName<Nop> = "nop";
template <> inline constexpr std::string_view kName<Import> = "import";
template <> inline constexpr std::string_view kName<Expect> = "expect";
template <> inline constexpr std::string_view kName<Quiesce> = "quiesce";
template <> inline constexpr std::string_view kName<Call> = "call";

// --- enumerations: what a number in a file may be; -Wswitch names what is missing

constexpr bool known(Machine machine) {
  switch (machine) {
  case Machine::X86_64:
  case Machine::I386:
  case Machine::AArch64: return true;
  }
  return false;
}
constexpr bool known(Permission permission) {
  switch (permission) {
  case Permission::R:
  case Permission::RW:
  case Permission::RX:
  case Permission::RWX: return true;
  }
  return false;
}
constexpr bool known(Moment moment) {
  switch (moment) {
  case Moment::PreApply:
  case Moment::PostApply:
  case Moment::PreRevert:
  case Moment::PostRevert: return true;
  }
  return false;
}
constexpr bool known(ReferenceKind kind) {
  switch (kind) {
  case ReferenceKind::Relative32:
  case ReferenceKind::Branch32:
  case ReferenceKind::Signed32:
  case ReferenceKind::Unsigned32:
  case ReferenceKind::Whole64: return true;
  }
  return false;
}
constexpr bool known(ObjectId) { return true; } // indexes are verify's business
constexpr bool known(MemoryId) { return true; }
constexpr bool known(PayloadId) { return true; }

// --- structures: describe(archive, value) calls archive.field(name, member) for each member, in order

template <class R> void describe(R &a, A<Place> auto &v) {
  auto &[line, column, endLine, endColumn] = v;
  a.field("line", line);
  a.field("column", column);
  a.field("end_line", endLine);
  a.field("end_column", endColumn);
}
template <class R> void describe(R &a, A<Object> auto &v) {
  auto &[name, soname, path, buildId] = v;
  a.field("name", name);
  a.field("soname", soname);
  a.field("path", path);
  a.field("build_id", buildId);
}
template <class R> void describe(R &a, A<Payload> auto &v) {
  auto &[name, bytes] = v;
  a.field("name", name);
  a.contents("section", bytes); // a file of its own
}
template <class R> void describe(R &a, A<Memory> auto &v) {
  auto &[name, size, permission, payload, place] = v;
  a.field("name", name);
  a.field("size", size);
  a.field("permission", permission);
  a.field("payload", payload);
  a.field("place", place);
}

template <class R> void describe(R &a, A<InObject> auto &v) {
  auto &[object, address, symbol, addend] = v;
  a.field("object", object);
  a.field("address", address);
  a.field("symbol", symbol);
  a.field("addend", addend);
}
template <class R> void describe(R &a, A<InMemory> auto &v) {
  auto &[memory, offset] = v;
  a.field("memory", memory);
  a.field("offset", offset);
}
template <class R> void describe(R &a, A<InPayload> auto &v) {
  auto &[memory, symbol, addend] = v;
  a.field("memory", memory);
  a.field("symbol", symbol);
  a.field("addend", addend);
}
template <class R> void describe(R &a, A<Absolute> auto &v) {
  auto &[address] = v;
  a.field("address", address);
}
template <class R> void describe(R &a, A<Loaded> auto &v) {
  auto &[pointer, addend] = v;
  a.pointer("pointer", pointer);
  a.field("addend", addend);
}

template <class R> void describe(R &a, A<Alloc> auto &v) {
  auto &[memory] = v;
  a.field("memory", memory);
}
template <class R> void describe(R &a, A<Load> auto &v) {
  auto &[memory] = v;
  a.field("memory", memory);
}
template <class R> void describe(R &a, A<Binding> auto &v) {
  auto &[symbol, address] = v;
  a.field("symbol", symbol);
  a.field("address", address);
}
template <class R> void describe(R &a, A<Link> auto &v) {
  auto &[memory, with] = v;
  a.field("memory", memory);
  a.field("with", with);
}
template <class R> void describe(R &a, A<Open> auto &v) {
  auto &[memory] = v;
  a.field("memory", memory);
}
template <class R> void describe(R &a, A<Write> auto &v) {
  auto &[type, at, value, width, recorded, was] = v;
  a.field("type", type);
  a.field("at", at);
  a.field("value", value);
  a.field("width", width);
  a.field("recorded", recorded);
  a.field("was", was);
}
template <class R> void describe(R &a, A<Function> auto &v) {
  auto &[name, start, size] = v;
  a.field("name", name);
  a.field("start", start);
  a.field("size", size);
}
template <class R> void describe(R &a, A<Original> auto &v) {
  auto &[at, recorded, replacement] = v;
  a.field("at", at);
  a.field("recorded", recorded);
  a.field("replacement", replacement);
}
template <class R> void describe(R &a, A<Branch> auto &v) {
  auto &[from, to, room, recorded, function, original] = v;
  a.field("from", from);
  a.field("to", to);
  a.field("room", room);
  a.field("recorded", recorded);
  a.field("function", function);
  a.field("original", original);
}
template <class R> void describe(R &a, A<Reference> auto &v) {
  auto &[kind, offset, target, addend] = v;
  a.field("kind", kind);
  a.field("offset", offset);
  a.field("target", target);
  a.field("addend", addend);
}
template <class R> void describe(R &a, A<Code> auto &v) {
  auto &[at, bytes, references, room, recorded] = v;
  a.field("at", at);
  a.field("bytes", bytes);
  a.field("references", references);
  a.field("room", room);
  a.field("recorded", recorded);
}
template <class R> void describe(R &a, A<Return> auto &v) {
  auto &[at, room, value, recorded, function] = v;
  a.field("at", at);
  a.field("room", room);
  a.field("value", value);
  a.field("recorded", recorded);
  a.field("function", function);
}
template <class R> void describe(R &a, A<Nop> auto &v) {
  auto &[at, size, recorded] = v;
  a.field("at", at);
  a.field("size", size);
  a.field("recorded", recorded);
}
template <class R> void describe(R &a, A<Import> auto &v) {
  auto &[symbol, slot, to, function] = v;
  a.field("symbol", symbol);
  a.field("slot", slot);
  a.field("to", to);
  a.field("function", function);
}
template <class R> void describe(R &a, A<Expect> auto &v) {
  auto &[type, at, value, width] = v;
  a.field("type", type);
  a.field("at", at);
  a.field("value", value);
  a.field("width", width);
}
template <class R> void describe(R &a, A<Quiesce> auto &v) {
  auto &[at, function] = v;
  a.field("at", at);
  a.field("function", function);
}
template <class R> void describe(R &a, A<Call> auto &v) {
  auto &[moment, function, arguments] = v;
  a.field("moment", moment);
  a.field("function", function);
  a.field("arguments", arguments);
}
template <class R> void describe(R &a, A<Operation> auto &v) {
  auto &[action, place] = v;
  a.field("action", action);
  a.field("place", place);
}
template <class R> void describe(R &a, A<Patch> auto &v) {
  auto &[name, version, source, machine, objects, payloads, memories, operations] = v;
  a.field("name", name);
  a.field("version", version);
  a.field("source", source);
  a.field("machine", machine);
  a.field("objects", objects);
  a.field("payloads", payloads);
  a.field("memories", memories);
  a.field("operations", operations);
}

} // namespace lpc::ir::schema
