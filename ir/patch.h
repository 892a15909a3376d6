// The typed patch IR: what a patch does, resolved against one build of its target, with nothing left to look up
// but where things are loaded. A value type: copied, compared, printed, read back. The text form (text.h) is its
// exact inverse; verify.h states the rules that every ir::Patch obeys.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ir/machine/machine.h"
#include "ir/machine/reference_kind.h"
#include "ir/support/address.h"
#include "ir/support/boxed.h"
#include "ir/support/bytes.h"
#include "ir/support/source.h"

namespace lpc::ir {

// Indexes into the tables of ir::Patch.
enum class ObjectId : uint32_t {};
enum class MemoryId : uint32_t {};
enum class PayloadId : uint32_t {};

// An ELF object that the process has loaded before the patch; objects[0] is the target program itself.
struct Object {
  std::string name;   // as the patch calls it: "target", "libc.so.6", an alias
  std::string soname; // DT_SONAME; empty where there is none (programs)
  std::string path;   // of the file that it was resolved against; for messages
  Bytes buildId;      // NT_GNU_BUILD_ID; empty where the file has none (then contents are compared at the places alone)
  bool operator==(const Object &) const = default;
};

// A file that travels with the patch, whole.
struct Payload {
  std::string name; // FILE as the patch wrote it
  Bytes bytes;
  bool operator==(const Payload &) const = default;
};

enum class Permission : uint8_t { R, RW, RX, RWX };

// New memory in the process, `$name` in the language.
struct Memory {
  std::string name;
  uint64_t size = 0; // bytes that may be addressed; for linked objects the span of their segments
  Permission permission = Permission::RW;
  std::optional<PayloadId> payload; // what fills it; zeroed without
  Place place{};
  bool operator==(const Memory &) const = default;
};

// --- addresses ----------------------------------------------------------------------------------------------

struct InObject { // in an object loaded before the patch
  ObjectId object{};
  LinkAddress address; // displacement included
  std::string symbol;  // the symbol it came from, "" for OBJECT!INT; for messages
  int64_t addend = 0;  // displacement from that symbol; for messages
  bool operator==(const InObject &) const = default;
};
struct InMemory { // in memory that the patch makes
  MemoryId memory{};
  uint64_t offset = 0;
  bool operator==(const InMemory &) const = default;
};
struct InPayload { // at a symbol of a linked (`dl`) or opened (`dlopen`) object
  MemoryId memory{};
  std::string symbol;
  int64_t addend = 0;
  bool operator==(const InPayload &) const = default;
};
struct Absolute {
  RemoteAddress address;
  bool operator==(const Absolute &) const = default;
};
struct Address;
struct Loaded {                           // the pointer that stands at `pointer` when the patch is applied, plus addend
  std::shared_ptr<const Address> pointer; // never null; compared by what it points to
  int64_t addend = 0;
  bool operator==(const Loaded &other) const;
};
struct Address {
  std::variant<InObject, InMemory, InPayload, Absolute, Loaded> where;
  bool operator==(const Address &) const = default;
};

// --- operations ---------------------------------------------------------------------------------------------

// `new`, `load`: the memory is mapped, zeroed or filled.
struct Alloc {
  MemoryId memory{};
  bool operator==(const Alloc &) const = default;
};
struct Load {
  MemoryId memory{};
  bool operator==(const Load &) const = default;
};
// `dl`: the payload is linked into the process; `with` binds undefined symbols before anything else does. Sema adds
// what it resolved in the program (whose symbol table the running file may lack); symbols of libraries are bound in the
// process.
struct Binding {
  std::string symbol;
  Address address;
  bool operator==(const Binding &) const = default;
};
struct Link {
  MemoryId memory{};
  std::vector<Binding> with;
  bool operator==(const Link &) const = default;
};

// `dlopen`: the process's own dynamic linker loads the payload. Where to, is known when it has.
struct Open {
  MemoryId memory{};
  bool operator==(const Open &) const = default;
};

// What a `set` writes: bytes, or an address in the target's pointer size.
using Value = std::variant<Bytes, Address>;

struct Write {
  std::string type; // the type word of the language ("int", "addr"): for the output of livepatch and plan
  Address at;
  Value value;
  uint32_t width = 0;            // bytes that change
  std::optional<Bytes> recorded; // what the file shows there, where the file decides it (read-only, not relocated)
  std::optional<Value> was;      // what the patch states must stand there
  bool operator==(const Write &) const = default;
};

// A function that must not be active in any thread when the patch is applied: one that is replaced, or named by the
// patch.
struct Function {
  std::string name;
  LinkAddress start; // in the object of the address that it stands beside
  uint64_t size = 0;
  bool operator==(const Function &) const = default;
};

// `hook`: the code that a branch overwrites lives on in new memory, and a pointer receives its address.
struct Original {
  Address at;                          // of the pointer
  std::optional<Bytes> recorded;       // what the file shows there
  std::optional<Function> replacement; // the branch's destination, where it is a function of an object: it uses the
                                       // pointer, so it must not be active when the patch is taken back
  bool operator==(const Original &) const = default;
};

struct Branch {
  Address from; // where the jump itself is written: behind an endbr64 that stays (sema decides)
  Address to;
  uint32_t room = 0; // bytes from `from` that the jump may overwrite: whole instructions, proved by sema; 0: not
                     // provable from files (absolute and loaded addresses), the backend proves it in the process
  std::optional<Bytes> recorded;    // room bytes
  std::optional<Function> function; // where `from` is the entry of one that the file names; not with `original`, for
                                    // then threads may be in it
  Seldom<Original> original;
  bool operator==(const Branch &) const = default;
};

// Bytes of assembled code that receive an address when it is known.
struct Reference {
  ReferenceKind kind = ReferenceKind::Whole64;
  uint32_t offset = 0; // in the code
  Address target;
  int64_t addend = 0; // to the target's address
  bool operator==(const Reference &) const = default;
};

// `asm`: assembled code, in place of whole instructions or in new memory.
struct Code {
  Address at;
  Bytes bytes;                       // with zeros where references go
  std::vector<Reference> references; // their bytes lie inside, and apart
  uint32_t room = 0;                 // as Branch::room; no-ops fill what `bytes` leaves
  std::optional<Bytes> recorded;     // room bytes
  bool operator==(const Code &) const = default;
};

// `return`: the function returns at once.
struct Return {
  Address at;                       // where it is written: behind an endbr64 that stays
  uint32_t room = 0;                // as Branch::room
  std::optional<uint64_t> value;    // what it returns: the bits of the result register
  std::optional<Bytes> recorded;    // room bytes
  std::optional<Function> function; // as Branch::function
  bool operator==(const Return &) const = default;
};

// `nop`: whole instructions become no-ops. Proved by sema where `recorded` is there, else by the backend.
struct Nop {
  Address at;
  uint32_t size = 0;
  std::optional<Bytes> recorded; // size bytes
  bool operator==(const Nop &) const = default;
};

// `got`: a slot of an object through which it reaches what it imports. A statement makes one for each slot.
struct Import {
  std::string symbol; // for messages
  Address slot;       // in an object; a pointer
  Address to;
  bool function = false; // calls go through the slot, so `to` is code
  bool operator==(const Import &) const = default;
};

// `expect`: what must stand there before anything is changed.
struct Expect {
  std::string type; // as Write::type
  Address at;
  Value value;
  uint32_t width = 0;
  bool operator==(const Expect &) const = default;
};

// `quiesce`: one function of its list.
struct Quiesce {
  Address at; // in an object
  Function function;
  bool operator==(const Quiesce &) const = default;
};

// `on … call`: a function of the process or of the patch is called with integers, by a thread that the process makes
// for it. Where it is, is found out when the patch is applied.
enum class Moment : uint8_t { PreApply, PostApply, PreRevert, PostRevert };
constexpr size_t kMostCallArguments = 6; // those that go in registers
struct Call {
  Moment moment = Moment::PreApply;
  Address function;
  std::vector<uint64_t> arguments; // as the registers have them
  bool operator==(const Call &) const = default;
};
std::string_view name(Moment moment); // "pre-apply" …

using Action = std::variant<Alloc, Load, Link, Open, Write, Branch, Code, Return, Nop, Import, Expect, Quiesce, Call>;

struct Operation {
  Action action;
  Place place{};
  bool operator==(const Operation &) const = default;
};

// --- the patch ----------------------------------------------------------------------------------------------

struct Patch {
  std::string name;
  std::string version; // "" where the patch has none
  std::string source;  // name of the file it was written in, for messages
  Machine machine = Machine::X86_64;
  std::vector<Object> objects;
  std::vector<Payload> payloads;
  std::vector<Memory> memories;
  std::vector<Operation> operations; // in the order written
  bool operator==(const Patch &) const = default;
};

} // namespace lpc::ir
