// JSON through LLVM's Support library, which the ELF reader brings along anyway. The streaming writer, not
// json::Object: that one sorts its fields, and `schema` belongs in front.
#include "frontend/driver/json.h"

#include <llvm/Support/JSON.h>
#include <llvm/Support/raw_ostream.h>

namespace lpc::driver {
namespace {

llvm::StringRef ref(std::string_view text) { return {text.data(), text.size()}; }

// json::Value asserts valid UTF-8; names of symbols and paths are any bytes.
llvm::json::Value valid(std::string_view text) { return llvm::json::fixUTF8(ref(text)); }

} // namespace

struct Json::Impl {
  explicit Impl(llvm::raw_ostream &out) : writer(out, 2) {}
  llvm::json::OStream writer;
};

Json::~Json() = default;

std::string Json::document(const std::function<void(Json &)> &fields) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  {
    Impl impl(stream);
    Json json(impl);
    impl.writer.object([&] { fields(json); });
  }
  stream << '\n';
  return text;
}

void Json::text(std::string_view key, std::string_view value) { impl_.writer.attribute(ref(key), valid(value)); }

void Json::textOrNull(std::string_view key, std::string_view value) {
  if (value.empty())
    null(key);
  else
    text(key, value);
}

void Json::number(std::string_view key, int64_t value) { impl_.writer.attribute(ref(key), value); }

void Json::numberOrNull(std::string_view key, int64_t value) {
  if (value == 0)
    null(key);
  else
    number(key, value);
}

void Json::flag(std::string_view key, bool value) { impl_.writer.attribute(ref(key), value); }

void Json::null(std::string_view key) { impl_.writer.attribute(ref(key), nullptr); }

void Json::object(std::string_view key, const Block &fields) {
  impl_.writer.attributeObject(ref(key), [&] { fields(); });
}

void Json::array(std::string_view key, const Block &elements) {
  impl_.writer.attributeArray(ref(key), [&] { elements(); });
}

void Json::element(const Block &fields) {
  impl_.writer.object([&] { fields(); });
}

void Json::textElement(std::string_view value) { impl_.writer.value(valid(value)); }

void Json::documentElement(std::string_view document) {
  // No string of JSON has a newline in it, so each of them is followed by blanks of the layout.
  std::string laidOut;
  for (char c : document.substr(0, document.find_last_not_of('\n') + 1))
    laidOut += c == '\n' ? "\n    " : std::string(1, c);
  impl_.writer.rawValue(llvm::StringRef(laidOut));
}

} // namespace lpc::driver
