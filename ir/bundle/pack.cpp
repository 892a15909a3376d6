// A MessagePack map begins with the number of its entries, so each structure is described twice: once to count the
// fields that it has, once to write them. Building a document in memory first (llvm::msgpack::Document) was rejected:
// it keeps maps sorted by key, which takes them out of the order of the lists, and costs a tree of nodes for each
// operation.
#include "ir/bundle/pack.h"

#include <llvm/BinaryFormat/MsgPackWriter.h>
#include <llvm/Support/raw_ostream.h>

#include <string>

#include "ir/bundle/schema.h"

namespace lpc::ir {
namespace {

llvm::StringRef text(std::string_view text) { return {text.data(), text.size()}; }

struct Counter {
  uint32_t fields = 0;
  template <class T> void field(std::string_view, const T &value) { fields += value == T{} ? 0U : 1U; }
  void contents(std::string_view, const Bytes &) { fields++; }
  void pointer(std::string_view, const std::shared_ptr<const Address> &) { fields++; }
};

class Packer {
public:
  Packer(llvm::raw_ostream &out, const StorePayload &store) : out_(out), store_(store) {}

  template <class T> void field(std::string_view name, const T &value) {
    if (value == T{}) return;
    out_.write(text(name));
    write(value);
  }
  void contents(std::string_view name, const Bytes &bytes) {
    out_.write(text(name));
    out_.write(uint64_t{store_(bytes)});
  }
  void pointer(std::string_view name, const std::shared_ptr<const Address> &address) {
    LPC_CHECK(address != nullptr); // of no verified patch
    out_.write(text(name));
    write(*address);
  }

  void write(bool value) { out_.write(value); }
  void write(uint32_t value) { out_.write(uint64_t{value}); }
  void write(uint64_t value) { out_.write(value); }
  void write(int64_t value) { out_.write(value); }
  void write(const std::string &value) { out_.write(text(value)); }
  void write(const Bytes &value) {
    out_.write(llvm::MemoryBufferRef({reinterpret_cast<const char *>(value.data()), value.size()}, ""));
  }
  template <class E>
    requires std::is_enum_v<E>
  void write(E value) {
    out_.write(static_cast<uint64_t>(value));
  }
  template <class Tag> void write(AddressOf<Tag> value) { out_.write(value.value); }
  template <class T> void write(const std::optional<T> &value) { write(*value); } // absent ones are no fields
  template <class T> void write(const Seldom<T> &value) { write(*value); }
  template <class T> void write(const std::vector<T> &values) {
    out_.writeArraySize(static_cast<uint32_t>(values.size()));
    for (const T &value : values)
      write(value);
  }
  template <class... T> void write(const std::variant<T...> &value) {
    out_.writeArraySize(2);
    std::visit(
        [&]<class U>(const U &alternative) {
          static_assert(!schema::kName<U>.empty(), "name the alternative in schema.h");
          out_.write(text(schema::kName<U>));
          write(alternative);
        },
        value);
  }
  void write(const Address &value) {
    auto &[where] = value;
    write(where);
  }
  template <class T>
    requires std::is_class_v<T>
  void write(const T &value) {
    Counter counter;
    schema::describe(counter, value);
    out_.writeMapSize(counter.fields);
    schema::describe(*this, value);
  }

private:
  llvm::msgpack::Writer out_;
  const StorePayload &store_;
};

} // namespace

Bytes pack(const Patch &patch, const StorePayload &store) {
  std::string buffer;
  {
    llvm::raw_string_ostream out(buffer);
    Packer(out, store).write(patch);
  }
  return {buffer.begin(), buffer.end()};
}

} // namespace lpc::ir
