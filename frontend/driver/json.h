// One JSON document, written in the order of its fields.
//
// A wrapper of LLVM's json::OStream, whose header stays in the .cpp; what comes from files and processes is made valid
// UTF-8.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace lpc::driver {

class Json {
public:
  using Block = std::function<void()>;

  // A document, pretty-printed with a newline at its end: an object whose fields `fields` writes.
  static std::string document(const std::function<void(Json &)> &fields);
  ~Json();

  // Fields of the current object.
  void text(std::string_view key, std::string_view value);
  void textOrNull(std::string_view key, std::string_view value); // null where it is empty
  void number(std::string_view key, int64_t value);
  void numberOrNull(std::string_view key, int64_t value); // null where it is 0
  void flag(std::string_view key, bool value);
  void null(std::string_view key);
  void object(std::string_view key, const Block &fields);
  void array(std::string_view key, const Block &elements);

  // Elements of the current array.
  void element(const Block &fields);
  void textElement(std::string_view value);
  void
  documentElement(std::string_view document); // one that document() made; the array is a field of the outermost object

private:
  struct Impl;
  explicit Json(Impl &impl) : impl_(impl) {}
  Impl &impl_;
};

} // namespace lpc::driver
