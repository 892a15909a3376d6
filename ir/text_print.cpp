// Writes the text form. Kept in the order in which text_parse.cpp reads, so that the two can be compared side by side.
//
// It is also what a patch's digest is computed from, with all payloads in it: one string, filled without intermediate
// copies of the bytes.
#include <algorithm>

#include "ir/support/display.h"
#include "ir/text.h"

namespace lpc::ir {
namespace {

constexpr size_t kBytesPerLine = 32;

template <class... F> struct Overloaded : F... {
  using F::operator()...;
};

std::string_view word(Permission permission) {
  switch (permission) {
  case Permission::R: return "r";
  case Permission::RW: return "rw";
  case Permission::RX: return "rx";
  case Permission::RWX: return "rwx";
  }
  return "?"; // of no verified patch
}

class Printer {
public:
  explicit Printer(const Patch &patch) : patch_(patch) {}

  std::string print() {
    out_.reserve(sizeGuess());
    out_ += "# lpir 1\n";
    header();
    for (size_t i = 0; i < patch_.objects.size(); i++)
      object(i);
    for (size_t i = 0; i < patch_.payloads.size(); i++)
      payload(i);
    for (const Memory &each : patch_.memories)
      memory(each);
    for (const Operation &each : patch_.operations) {
      std::visit([&](const auto &action) { print(action); }, each.action);
      place(each.place);
    }
    out_ += "end\n";
    return std::move(out_);
  }

private:
  [[nodiscard]] size_t sizeGuess() const {
    size_t guess = 1024 + patch_.operations.size() * 256;
    for (const Payload &each : patch_.payloads)
      guess += each.bytes.size() * 9 / 4 + 64;
    return guess;
  }

  // --- lines and their parts

  void line(std::string_view key, std::string_view rest) { out_.append(key).append(" ").append(rest).append("\n"); }
  void field(std::string_view key, std::string_view rest) {
    out_ += "  ";
    line(key, rest);
  }
  void text(std::string_view key, const std::string &value) {
    if (!value.empty()) field(key, quoted(value));
  }

  void hexDigits(BytesView bytes) {
    for (uint8_t byte : bytes) {
      out_ += "0123456789abcdef"[byte >> 4];
      out_ += "0123456789abcdef"[byte & 15];
    }
  }
  void hexLines(BytesView bytes, std::string_view indent) {
    for (size_t i = 0; i < bytes.size(); i += kBytesPerLine) {
      out_.append(indent).append("| ");
      hexDigits(bytes.subspan(i, std::min(kBytesPerLine, bytes.size() - i)));
      out_ += '\n';
    }
  }
  // On the line of the key as far as they go there, then in lines below it.
  void bytes(std::string_view key, BytesView value) {
    out_.append("  ").append(key).append(" ");
    size_t first = std::min(kBytesPerLine, value.size());
    hexDigits(value.first(first));
    out_ += '\n';
    hexLines(value.subspan(first), "    ");
  }

  static std::string displacement(int64_t addend) {
    if (addend == 0) return {};
    return (addend > 0 ? "+" : "") + std::to_string(addend);
  }

  [[nodiscard]] std::string memoryName(MemoryId id) const {
    auto i = static_cast<size_t>(id);
    return "$" + (i < patch_.memories.size() ? patch_.memories[i].name : "?" + std::to_string(i));
  }

  [[nodiscard]] std::string innermost(const Address &address) const {
    return std::visit(
        Overloaded{[](const InObject &in) {
                     std::string out =
                         "o" + std::to_string(static_cast<uint32_t>(in.object)) + "!" + hexAddress(in.address);
                     if (in.symbol.empty() && in.addend == 0) return out;
                     return out + " (" + quoted(in.symbol) + displacement(in.addend) + ")";
                   },
                   [&](const InMemory &in) {
                     return memoryName(in.memory) + (in.offset == 0 ? "" : "+" + std::to_string(in.offset));
                   },
                   [&](const InPayload &in) {
                     return memoryName(in.memory) + ":" + quoted(in.symbol) + displacement(in.addend);
                   },
                   [](const Absolute &absolute) { return hexAddress(absolute.address); },
                   [](const Loaded &) { return std::string("?"); }}, // a null pointer: of no verified patch
        address.where);
  }

  [[nodiscard]] std::string spell(const Address &address) const {
    const Address *at = &address;
    std::string before, behind;
    while (const auto *loaded = std::get_if<Loaded>(&at->where)) {
      before += '[';
      behind.insert(0, "]" + displacement(loaded->addend));
      at = loaded->pointer.get();
      if (at == nullptr) return before.append("?").append(behind); // of no verified patch
    }
    return before + innermost(*at) + behind;
  }

  void value(std::string_view key, const Value &value) {
    if (const auto *address = std::get_if<Address>(&value))
      field(key, "address " + spell(*address));
    else
      bytes(std::string(key) + " bytes", std::get<Bytes>(value));
  }

  void place(const Place &place) {
    if (place == Place{}) return;
    field("place", std::to_string(place.line) + ":" + std::to_string(place.column) + "-" +
                       std::to_string(place.endLine) + ":" + std::to_string(place.endColumn));
  }

  // --- sections

  void header() {
    line("patch", quoted(patch_.name));
    text("version", patch_.version);
    text("source", patch_.source);
    field("machine", lpc::name(patch_.machine));
  }
  void object(size_t i) {
    const Object &object = patch_.objects[i];
    line("object o" + std::to_string(i), quoted(object.name));
    text("soname", object.soname);
    text("path", object.path);
    if (!object.buildId.empty()) bytes("build-id", object.buildId);
  }
  void payload(size_t i) {
    const Payload &payload = patch_.payloads[i];
    line("payload p" + std::to_string(i), quoted(payload.name));
    hexLines(payload.bytes, "  ");
  }
  void memory(const Memory &memory) {
    line("memory", "$" + memory.name);
    field("size", std::to_string(memory.size));
    field("permission", word(memory.permission));
    if (memory.payload) field("payload", "p" + std::to_string(static_cast<uint32_t>(*memory.payload)));
    place(memory.place);
  }
  void print(const Alloc &alloc) { line("new", memoryName(alloc.memory)); }
  void print(const Load &load) { line("load", memoryName(load.memory)); }
  void print(const Link &link) {
    line("link", memoryName(link.memory));
    for (const Binding &each : link.with)
      field("with", quoted(each.symbol) + " = " + spell(each.address));
  }
  void print(const Open &open) { line("dlopen", memoryName(open.memory)); }
  void print(const Write &write) {
    line("write", write.type);
    field("at", spell(write.at));
    field("width", std::to_string(write.width));
    value("value", write.value);
    if (write.recorded) bytes("recorded", *write.recorded);
    if (write.was) value("was", *write.was);
  }
  void print(const Branch &branch) {
    out_ += "branch\n";
    field("from", spell(branch.from));
    field("to", spell(branch.to));
    field("room", std::to_string(branch.room));
    if (branch.recorded) bytes("recorded", *branch.recorded);
    function("function", branch.function);
    if (const auto &original = branch.original) {
      field("original", spell(original->at));
      if (original->recorded) bytes("original-recorded", *original->recorded);
      function("replacement", original->replacement);
    }
  }
  void print(const Code &code) {
    out_ += "code\n";
    field("at", spell(code.at));
    field("room", std::to_string(code.room));
    bytes("bytes", code.bytes);
    for (const Reference &each : code.references)
      field("reference", std::to_string(each.offset) + " " + std::string(ir::name(each.kind)) + " " +
                             spell(each.target) + (each.addend == 0 ? "" : " {" + displacement(each.addend) + "}"));
    if (code.recorded) bytes("recorded", *code.recorded);
  }
  void print(const Return &statement) {
    out_ += "return\n";
    field("at", spell(statement.at));
    field("room", std::to_string(statement.room));
    if (statement.value) field("value", std::to_string(*statement.value));
    if (statement.recorded) bytes("recorded", *statement.recorded);
    function("function", statement.function);
  }
  void print(const Nop &nop) {
    out_ += "nop\n";
    field("at", spell(nop.at));
    field("size", std::to_string(nop.size));
    if (nop.recorded) bytes("recorded", *nop.recorded);
  }
  void print(const Import &import) {
    line("import", quoted(import.symbol));
    field("slot", spell(import.slot));
    field("to", spell(import.to));
    field("kind", import.function ? "function" : "data");
  }
  void print(const Expect &expect) {
    line("expect", expect.type);
    field("at", spell(expect.at));
    field("width", std::to_string(expect.width));
    value("value", expect.value);
  }
  void print(const Quiesce &quiesce) {
    out_ += "quiesce\n";
    field("at", spell(quiesce.at));
    function("function", quiesce.function);
  }
  void print(const Call &call) {
    line("call", name(call.moment));
    field("function", spell(call.function));
    for (uint64_t argument : call.arguments)
      field("argument", std::to_string(argument));
  }
  void function(std::string_view key, const std::optional<Function> &function) {
    if (function)
      field(key, quoted(function->name) + " " + hexAddress(function->start) + " " + std::to_string(function->size));
  }

  const Patch &patch_;
  std::string out_;
};

} // namespace

std::string_view name(ReferenceKind kind) {
  switch (kind) {
  case ReferenceKind::Relative32: return "relative32";
  case ReferenceKind::Branch32: return "branch32";
  case ReferenceKind::Signed32: return "signed32";
  case ReferenceKind::Unsigned32: return "unsigned32";
  case ReferenceKind::Whole64: return "whole64";
  }
  return "?"; // of no verified patch
}

std::string printText(const Patch &patch) { return Printer(patch).print(); }

} // namespace lpc::ir
