// Reading follows the lists of schema.h, so what it does is bounded by the value that is built and not by what the
// input claims: a length is believed element by element, and only addresses nest (kMaxLoadDepth). A field that no list
// has is refused and not skipped: it may be a condition, and one that is not understood would not be checked.
#include <llvm/BinaryFormat/MsgPackReader.h>
#include <llvm/Support/Error.h>

#include <utility>

#include "ir/bundle/pack.h"
#include "ir/bundle/schema.h"
#include "ir/support/cat.h"
#include "ir/support/display.h"
#include "ir/verify.h"

namespace lpc::ir {
namespace {

using Kind = llvm::msgpack::Type;

class Unpacker {
public:
  Unpacker(BytesView bytes, const PayloadOf &payload)
      : in_(llvm::StringRef(reinterpret_cast<const char *>(bytes.data()), bytes.size())), payload_(payload) {}

  Result<Patch> run() {
    Patch patch;
    read(patch);
    if (!error_ && next()) fail("something stands behind the patch");
    if (error_) return std::unexpected(std::move(*error_));
    return patch;
  }

  template <class T> void field(std::string_view name, T &value) {
    value = T{};
    if (comes(name)) read(value);
  }
  void contents(std::string_view name, Bytes &bytes) {
    if (!comes(name)) return fail(cat("a payload has no `", name, "`"));
    uint64_t section = number();
    if (error_) return;
    auto found = payload_(section);
    if (found)
      bytes = std::move(*found);
    else
      error_ = std::move(found.error());
  }
  void pointer(std::string_view name, std::shared_ptr<const Address> &address) {
    if (!comes(name)) return fail(cat("an address has no `", name, "`"));
    if (depth_ == kMaxLoadDepth) return fail(cat("pointers are followed more than ", kMaxLoadDepth, " times"));
    depth_++;
    Address out;
    read(out);
    address = std::make_shared<const Address>(std::move(out));
    depth_--;
  }

private:
  void fail(const std::string &what) {
    if (!error_) error_ = Error{DiagnosticId::BadIr, "the IR of the bundle is damaged: " + what};
  }

  // The next object; false at the end, and after an error.
  bool next() {
    if (error_) return false;
    llvm::Expected<bool> more = in_.read(object_);
    if (more) return *more;
    fail(llvm::toString(more.takeError()));
    return false;
  }
  bool next(Kind kind, std::string_view what) {
    if (next() && object_.Kind == kind) return true;
    fail(cat("expected ", what));
    return false;
  }

  // Whether the next field of the structure is this one; then its value comes next.
  bool comes(std::string_view name) {
    if (error_ || left_ == 0) return false;
    if (!haveKey_) {
      if (!next(Kind::String, "the name of a field")) return false;
      key_ = {object_.Raw.data(), object_.Raw.size()};
      haveKey_ = true;
    }
    if (key_ != name) return false;
    haveKey_ = false;
    left_--;
    return true;
  }

  uint64_t number() {
    if (!next()) return fail("expected a number"), 0;
    if (object_.Kind == Kind::UInt) return object_.UInt;
    if (object_.Kind == Kind::Int && object_.Int >= 0) return static_cast<uint64_t>(object_.Int);
    return fail("expected a number"), 0;
  }

  void read(bool &value) {
    if (next(Kind::Boolean, "true or false")) value = object_.Bool;
  }
  void read(uint64_t &value) { value = number(); }
  void read(uint32_t &value) {
    uint64_t read = number();
    if (read > UINT32_MAX) fail("a number does not fit 32 bits");
    value = static_cast<uint32_t>(read);
  }
  void read(int64_t &value) {
    if (!next()) return fail("expected a number");
    if (object_.Kind == Kind::Int)
      value = object_.Int;
    else if (object_.Kind == Kind::UInt && object_.UInt <= INT64_MAX)
      value = static_cast<int64_t>(object_.UInt);
    else
      fail("expected a number with a sign");
  }
  void read(std::string &value) {
    if (next(Kind::String, "a text")) value = object_.Raw.str();
  }
  void read(Bytes &value) {
    if (next(Kind::Binary, "bytes")) value.assign(object_.Raw.bytes_begin(), object_.Raw.bytes_end());
  }
  template <class E>
    requires std::is_enum_v<E>
  void read(E &value) {
    uint64_t read = number();
    value = static_cast<E>(read);
    if (static_cast<uint64_t>(value) != read || !schema::known(value)) fail("a number names nothing");
  }
  template <class Tag> void read(AddressOf<Tag> &value) { value.value = number(); }
  template <class T> void read(std::optional<T> &value) { read(value.emplace()); }
  template <class T> void read(Seldom<T> &value) { read(value.emplace()); }
  template <class T> void read(std::vector<T> &values) {
    if (!next(Kind::Array, "a list")) return;
    for (size_t count = object_.Length; count > 0 && !error_; count--)
      read(values.emplace_back());
  }
  template <class... T> void read(std::variant<T...> &value) {
    if (!next(Kind::Array, "a choice")) return;
    if (object_.Length != 2) return fail("a choice has a name and a value");
    if (!next(Kind::String, "the name of a choice")) return;
    std::string name = object_.Raw.str(); // the object is overwritten by the next
    bool found = ((name == schema::kName<T> && (read(value.template emplace<T>()), true)) || ...);
    if (!found)
      fail(cat("`", displayable(name), "` is not known to this lpc: it was made by a newer one, or is damaged"));
  }
  void read(Address &value) {
    auto &[where] = value;
    read(where);
  }
  template <class T>
    requires std::is_class_v<T>
  void read(T &value) {
    if (!next(Kind::Map, "a structure")) return;
    // The structure around this one goes on behind it.
    size_t outer = std::exchange(left_, object_.Length);
    LPC_CHECK(!haveKey_ || error_);
    schema::describe(*this, value);
    if (!error_ && left_ != 0)
      fail(cat("a field ", haveKey_ ? cat("`", displayable(std::string(key_)), "` ") : "",
               "is not known to this lpc: it was made by a newer one, or is damaged"));
    left_ = outer;
  }

  llvm::msgpack::Reader in_;
  const PayloadOf &payload_;
  llvm::msgpack::Object object_;
  size_t left_ = 0;      // fields of the structure
  std::string_view key_; // of the next one, where it was read already; in the input
  bool haveKey_ = false;
  unsigned depth_ = 0;
  std::optional<Error> error_;
};

} // namespace

Result<Patch> unpack(BytesView bytes, const PayloadOf &payload) { return Unpacker(bytes, payload).run(); }

} // namespace lpc::ir
