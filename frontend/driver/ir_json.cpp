// Every alternative of the IR's variants has its function: a new kind does not compile until it is written.
#include "frontend/driver/ir_json.h"

#include "backend/digest.h"
#include "frontend/driver/json.h"
#include "ir/bundle/bundle.h"
#include "ir/support/address.h"
#include "ir/support/sha256.h"
#include "ir/text.h"

namespace lpc::driver {
namespace {

std::string_view name(ir::Permission permission) {
  switch (permission) {
  case ir::Permission::R: return "r";
  case ir::Permission::RW: return "rw";
  case ir::Permission::RX: return "rx";
  case ir::Permission::RWX: return "rwx";
  }
  return {};
}

class Writer {
public:
  Writer(Json &json, const ir::Patch &patch) : json_(json), patch_(patch) {}

  void write() {
    json_.text("patch", patch_.name);
    json_.textOrNull("version", patch_.version);
    json_.text("source", patch_.source);
    json_.text("machine", lpc::name(patch_.machine));
    json_.text("digest", toHex(backend::digestOf(patch_)));
    array("objects", patch_.objects, &Writer::object);
    array("payloads", patch_.payloads, &Writer::payload);
    array("memories", patch_.memories, &Writer::memory);
    array("operations", patch_.operations, &Writer::operation);
  }

private:
  template <class T> void array(std::string_view key, const std::vector<T> &items, void (Writer::*one)(const T &)) {
    json_.array(key, [&] {
      for (const T &item : items)
        json_.element([&] { (this->*one)(item); });
    });
  }

  void object(const ir::Object &object) {
    json_.text("name", object.name);
    json_.textOrNull("soname", object.soname);
    json_.text("path", object.path);
    json_.textOrNull("build_id", toHex(object.buildId));
  }

  void payload(const ir::Payload &payload) {
    json_.text("name", payload.name);
    json_.number("size", static_cast<int64_t>(payload.bytes.size()));
    json_.text("sha256", toHex(sha256(payload.bytes)));
  }

  void memory(const ir::Memory &memory) {
    json_.text("name", memory.name);
    json_.number("size", static_cast<int64_t>(memory.size));
    json_.text("perm", name(memory.permission));
    json_.textOrNull("payload", memory.payload ? patch_.payloads[static_cast<size_t>(*memory.payload)].name : "");
    json_.numberOrNull("line", memory.place.line);
  }

  void operation(const ir::Operation &operation) {
    std::visit([this](const auto &action) { this->action(action); }, operation.action);
    json_.numberOrNull("line", operation.place.line);
  }

  void action(const ir::Alloc &alloc) { made("new", alloc.memory); }
  void action(const ir::Load &load) { made("load", load.memory); }
  void action(const ir::Link &link) {
    made("dl", link.memory);
    array("with", link.with, &Writer::binding);
  }
  void action(const ir::Open &open) { made("dlopen", open.memory); }
  void action(const ir::Write &write) {
    json_.text("operation", "set");
    json_.text("type", write.type);
    address("at", write.at);
    value("value", write.value);
    json_.number("width", write.width);
    bytes("recorded", write.recorded);
    if (write.was) value("was", *write.was);
  }
  void action(const ir::Branch &branch) {
    json_.text("operation", "jmp");
    address("from", branch.from);
    address("to", branch.to);
    json_.number("room", branch.room);
    bytes("recorded", branch.recorded);
    if (branch.function) json_.text("function", branch.function->name);
    if (branch.original) address("original", branch.original->at);
  }

  void action(const ir::Code &code) {
    json_.text("operation", "code");
    address("at", code.at);
    json_.number("room", code.room);
    json_.text("bytes", toHex(code.bytes));
    bytes("recorded", code.recorded);
    array("references", code.references, &Writer::reference);
  }
  void reference(const ir::Reference &reference) {
    json_.number("offset", reference.offset);
    json_.text("kind", ir::name(reference.kind));
    address("target", reference.target);
    json_.number("addend", reference.addend);
  }
  void action(const ir::Return &statement) {
    json_.text("operation", "return");
    address("at", statement.at);
    json_.number("room", statement.room);
    if (statement.value) json_.number("value", static_cast<int64_t>(*statement.value));
    bytes("recorded", statement.recorded);
    if (statement.function) json_.text("function", statement.function->name);
  }
  void action(const ir::Nop &nop) {
    json_.text("operation", "nop");
    address("at", nop.at);
    json_.number("size", nop.size);
    bytes("recorded", nop.recorded);
  }
  void action(const ir::Import &import) {
    json_.text("operation", "got");
    json_.text("symbol", import.symbol);
    address("slot", import.slot);
    address("to", import.to);
    json_.text("kind", import.function ? "function" : "data");
  }
  void action(const ir::Expect &expect) {
    json_.text("operation", "expect");
    json_.text("type", expect.type);
    address("at", expect.at);
    value("value", expect.value);
    json_.number("width", expect.width);
  }
  void action(const ir::Quiesce &quiesce) {
    json_.text("operation", "quiesce");
    address("at", quiesce.at);
    json_.text("function", quiesce.function.name);
  }

  void action(const ir::Call &call) {
    json_.text("operation", "call");
    json_.text("moment", name(call.moment));
    address("function", call.function);
    json_.array("arguments", [&] {
      for (uint64_t argument : call.arguments)
        json_.textElement(hexAddress(RemoteAddress{argument}));
    });
  }

  void made(std::string_view word, ir::MemoryId id) {
    json_.text("operation", word);
    json_.text("memory", memoryName(id));
  }
  void binding(const ir::Binding &binding) {
    json_.text("symbol", binding.symbol);
    address("address", binding.address);
  }
  void bytes(std::string_view key, const std::optional<Bytes> &bytes) {
    if (bytes) json_.text(key, toHex(*bytes));
  }
  void value(std::string_view key, const ir::Value &value) {
    json_.object(key, [&] {
      if (const auto *raw = std::get_if<Bytes>(&value))
        json_.text("bytes", toHex(*raw));
      else
        address("address", std::get<ir::Address>(value));
    });
  }

  void address(std::string_view key, const ir::Address &address) {
    json_.object(key, [&] { std::visit([this](const auto &where) { this->where(where); }, address.where); });
  }
  void where(const ir::InObject &in) {
    json_.text("object", patch_.objects[static_cast<size_t>(in.object)].name);
    json_.text("link_address", hexAddress(in.address));
    json_.textOrNull("symbol", in.symbol);
    json_.number("addend", in.addend);
  }
  void where(const ir::InMemory &in) {
    json_.text("memory", memoryName(in.memory));
    json_.number("offset", static_cast<int64_t>(in.offset));
  }
  void where(const ir::InPayload &in) {
    json_.text("memory", memoryName(in.memory));
    json_.text("symbol", in.symbol);
    json_.number("addend", in.addend);
  }
  void where(const ir::Absolute &at) { json_.text("address", hexAddress(at.address)); }
  void where(const ir::Loaded &loaded) {
    address("pointer", *loaded.pointer);
    json_.number("addend", loaded.addend);
  }

  [[nodiscard]] const std::string &memoryName(ir::MemoryId id) const {
    return patch_.memories[static_cast<size_t>(id)].name;
  }

  Json &json_;
  const ir::Patch &patch_;
};

} // namespace

std::string irDocument(const ir::Patch &patch) {
  return Json::document([&](Json &json) {
    json.text("schema", "lpc.ir/1");
    Writer(json, patch).write();
  });
}

std::string bundleDocument(const std::vector<const ir::Patch *> &builds, const Bytes &digest) {
  return Json::document([&](Json &json) {
    json.text("schema", "lpc.bundle/1");
    json.number("format", static_cast<int64_t>(ir::kBundleVersion));
    json.text("digest", toHex(digest));
    json.array("builds", [&] {
      for (const ir::Patch *build : builds)
        json.element([&] { Writer(json, *build).write(); });
    });
  });
}

} // namespace lpc::driver
