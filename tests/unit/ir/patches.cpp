#include "patches.h"

#include <limits>

#include "ir/verify.h"

namespace lpc::ir::test {
namespace {

Address inObject(uint32_t object, uint64_t address, std::string symbol = "", int64_t addend = 0) {
  return {InObject{ObjectId{object}, {address}, std::move(symbol), addend}};
}
Address inMemory(uint32_t memory, uint64_t offset) { return {InMemory{MemoryId{memory}, offset}}; }
Address inPayload(uint32_t memory, std::string symbol, int64_t addend = 0) {
  return {InPayload{MemoryId{memory}, std::move(symbol), addend}};
}
Address loaded(Address from, int64_t addend = 0) {
  return {Loaded{std::make_shared<const Address>(std::move(from)), addend}};
}

// Builds one patch. Chooses often what is at a border: 0, the greatest value, an empty text.
class Generator {
public:
  explicit Generator(std::mt19937_64 &random) : random_(random) {}

  Patch make() {
    patch_.machine = static_cast<Machine>(below(3));
    patch_.name = text(1, 30);
    patch_.version = text(0, 5);
    patch_.source = text(0, 20);
    for (uint64_t i = 0, n = 1 + below(3); i < n; i++)
      patch_.objects.push_back({text(1, 12), text(0, 12), text(0, 30), bytes(below(2) * below(40))});
    for (uint64_t i = 0, n = below(4); i < n; i++)
      patch_.payloads.push_back({text(1, 12), bytes(1 + below(200))});
    for (uint64_t i = 0, n = below(12); i < n; i++)
      operation();
    return std::move(patch_);
  }

private:
  uint64_t below(uint64_t limit) { return random_() % limit; }
  bool often() { return below(3) != 0; }

  Bytes bytes(uint64_t size) {
    Bytes out(size);
    for (uint8_t &byte : out)
      byte = static_cast<uint8_t>(below(256));
    return out;
  }
  // Any bytes but zero, with a liking for those that need an escape, and for UTF-8.
  std::string text(uint64_t least, uint64_t most) {
    static const std::string kParts[] = {"\"", "\\", "\n",     "\t",       "\r", "\x1b", "\xff", "日",
                                         "é",  " ",  "\u202e", "\xe6\x97", "#",  "|",    "x41",  "'"};
    std::string out;
    uint64_t size = least + below(most - least + 1);
    while (out.size() < size)
      out += often()   ? std::string(1, static_cast<char>('!' + below(94)))
             : often() ? kParts[below(std::size(kParts))]
                       : std::string(1, static_cast<char>(1 + below(255)));
    return out;
  }
  std::string name() {
    static constexpr std::string_view kCharacters = "_abcXYZ019";
    std::string out(1, kCharacters[below(7)]);
    for (uint64_t n = below(8); n > 0; n--)
      out += kCharacters[below(kCharacters.size())];
    return out + "_" + std::to_string(patch_.memories.size()); // so that no two are the same
  }
  int64_t addend() {
    switch (below(5)) {
    case 0: return std::numeric_limits<int64_t>::min();
    case 1: return std::numeric_limits<int64_t>::max();
    case 2: return static_cast<int64_t>(below(200)) - 100;
    default: return 0;
    }
  }
  Place place() {
    if (!often()) return {};
    auto number = [&] { return static_cast<uint32_t>(often() ? below(100) : random_()); };
    return {number(), number(), number(), number()};
  }
  // With `size` bytes from it in the address space.
  uint64_t number(uint64_t size) {
    uint64_t last = pointerSize(patch_.machine) == 8 ? UINT64_MAX : UINT32_MAX;
    uint64_t most = last - (size == 0 ? 0 : size - 1);
    return often() ? below(std::min<uint64_t>(most, 0x100000)) : below(2) ? most : 0;
  }

  Address address(uint64_t size, bool fromFile = false, unsigned depth = 0) {
    switch (below(fromFile ? 3 : 5)) {
    case 0: break;
    case 1:
      if (auto id = memory(size)) return inMemory(*id, below(patch_.memories[*id].size - size + 1));
      break;
    case 2:
      if (!linked_.empty()) return inPayload(linked_[below(linked_.size())], text(1, 20), addend());
      break;
    case 3: return {Absolute{{number(size)}}};
    default:
      if (depth < kMaxLoadDepth) return loaded(address(pointerSize(patch_.machine), false, depth + 1), addend());
      break;
    }
    return inObject(static_cast<uint32_t>(below(patch_.objects.size())), number(size), text(0, 20), addend());
  }
  // Memory that is made already and has room for `size` bytes.
  std::optional<uint32_t> memory(uint64_t size) {
    if (patch_.memories.empty()) return std::nullopt;
    auto id = static_cast<uint32_t>(below(patch_.memories.size()));
    return patch_.memories[id].size >= size ? std::optional(id) : std::nullopt;
  }

  void operation() {
    switch (below(13)) {
    case 0: return alloc();
    case 1: return patch_.payloads.empty() ? alloc() : load();
    case 2: return patch_.payloads.empty() ? alloc() : link();
    case 3: return write();
    case 4: return branch();
    case 9: return code();
    case 5: return returnAtOnce();
    case 6: return nop();
    case 7: return expect();
    case 8: return import();
    case 10: return call();
    case 11: return patch_.payloads.empty() ? alloc() : open();
    default: return quiesce();
    }
  }
  MemoryId declare(uint64_t size, std::optional<PayloadId> payload) {
    patch_.memories.push_back({name(), size, static_cast<Permission>(below(4)), payload, place()});
    return static_cast<MemoryId>(patch_.memories.size() - 1);
  }
  void add(Action action) { patch_.operations.push_back({std::move(action), place()}); }

  void alloc() { add(Alloc{declare(often() ? 1 + below(8192) : kMaxMemorySize, {})}); }
  void load() {
    auto payload = static_cast<uint32_t>(below(patch_.payloads.size()));
    add(Load{declare(patch_.payloads[payload].bytes.size(), PayloadId{payload})});
  }
  void link() {
    Link out;
    for (uint64_t i = 0, n = below(3); i < n; i++)
      out.with.push_back({text(1, 10) + std::to_string(i), address(0)});
    for (size_t i = 1; i < out.with.size(); i++)
      if (out.with[i].symbol == out.with[0].symbol) out.with[i].symbol += "'";
    out.memory = declare(1 + below(8192), PayloadId{static_cast<uint32_t>(below(patch_.payloads.size()))});
    linked_.push_back(static_cast<uint32_t>(out.memory));
    add(std::move(out));
  }
  void open() {
    auto payload = static_cast<uint32_t>(below(patch_.payloads.size()));
    Open out{declare(1 + below(8192), PayloadId{payload})};
    linked_.push_back(static_cast<uint32_t>(out.memory));
    add(out);
  }
  void write() {
    Write out;
    bool pointer = below(2) != 0;
    out.type = pointer ? "addr" : "hex";
    out.width = pointer ? pointerSize(patch_.machine) : static_cast<uint32_t>(1 + below(100));
    auto value = [&]() -> Value {
      if (pointer) return address(0);
      return bytes(out.width);
    };
    bool recorded = below(2) != 0;
    out.at = address(out.width, recorded);
    out.value = value();
    if (recorded) out.recorded = bytes(out.width);
    if (below(2) != 0) out.was = value();
    add(std::move(out));
  }
  void branch() {
    Branch out;
    bool proved = below(2) != 0;
    out.room = proved ? static_cast<uint32_t>(nearJumpSize(patch_.machine) + below(60)) : 0;
    out.from = address(std::max(1U, out.room), proved);
    if (proved && often()) out.recorded = bytes(out.room);
    if (const auto *where = std::get_if<InObject>(&out.from.where);
        where && often() && where->address.value < 1ULL << 62)
      out.function = Function{"f " + std::to_string(below(9)), where->address, 1 + below(4000)};
    do
      out.to = address(0);
    while (out.to == out.from);
    if (below(3) == 0) out.original = original(out.to);
    add(std::move(out));
  }

  void code() {
    Code out;
    out.bytes = bytes(1 + below(100));
    bool proved = below(2) != 0;
    if (proved) out.room = static_cast<uint32_t>(out.bytes.size() + below(10));
    out.at = address(std::max<uint64_t>(out.bytes.size(), out.room), proved);
    if (proved && often()) out.recorded = bytes(out.room);
    for (uint32_t offset = 0; offset + 8 <= out.bytes.size() && often(); offset += 8 + static_cast<uint32_t>(below(9)))
      out.references.push_back({static_cast<ReferenceKind>(below(5)), offset, address(0), addend()});
    add(std::move(out));
  }
  Original original(const Address &to) {
    Original out;
    bool recorded = below(2) != 0;
    out.at = address(pointerSize(patch_.machine), recorded);
    if (recorded) out.recorded = bytes(pointerSize(patch_.machine));
    if (const auto *where = std::get_if<InObject>(&to.where); where && where->address.value < 1ULL << 62)
      out.replacement = Function{"g", where->address, 1 + below(4000)};
    return out;
  }
  void returnAtOnce() {
    Return out;
    if (often()) out.value = below(2) ? below(1000) : 0 - below(1000);
    bool proved = below(2) != 0;
    out.room = proved ? returnSize(patch_.machine, out.value) + static_cast<uint32_t>(below(20)) : 0;
    out.at = address(std::max(1U, out.room), proved);
    if (proved && often()) out.recorded = bytes(out.room);
    if (const auto *where = std::get_if<InObject>(&out.at.where); where && often() && where->address.value < 1ULL << 62)
      out.function = Function{"f", where->address, 1 + below(4000)};
    add(std::move(out));
  }
  void nop() {
    Nop out{.at = {}, .size = 1 + static_cast<uint32_t>(below(20)), .recorded = {}};
    bool proved = below(2) != 0;
    out.at = address(out.size, proved);
    if (proved) out.recorded = bytes(out.size);
    add(std::move(out));
  }
  void import() {
    uint32_t object = static_cast<uint32_t>(below(patch_.objects.size()));
    add(Import{text(1, 9), inObject(object, number(pointerSize(patch_.machine))), address(0), below(2) != 0});
  }
  void expect() {
    Expect out{.type = "u32", .at = {}, .value = bytes(4), .width = 4};
    if (below(2) != 0) out = {"addr", {}, address(0), pointerSize(patch_.machine)};
    out.at = inObject(static_cast<uint32_t>(below(patch_.objects.size())), number(out.width), text(0, 20), addend());
    add(std::move(out));
  }
  void quiesce() {
    uint64_t start = below(1ULL << 62);
    if (pointerSize(patch_.machine) == 4) start &= UINT32_MAX;
    add(Quiesce{inObject(static_cast<uint32_t>(below(patch_.objects.size())), start, text(0, 20), addend()),
                Function{text(1, 9), {start}, 1 + below(4000)}});
  }

  void call() {
    Call out{static_cast<Moment>(below(4)), address(0), {}};
    for (uint64_t i = 0, n = below(kMostCallArguments + 1); i < n; i++)
      out.arguments.push_back(often() ? below(100) : random_());
    add(std::move(out));
  }

  std::mt19937_64 &random_;
  Patch patch_;
  std::vector<uint32_t> linked_;
};

} // namespace

Patch samplePatch() {
  Patch patch;
  patch.name = "hotfix";
  patch.version = "1.2";
  patch.source = "hotfix.lp";
  patch.objects = {{"target", "", "./server", {0x3f, 0x2a, 0x9c, 0x1d}},
                   {"libc.so.6", "libc.so.6", "/lib/libc.so.6", {}}};
  patch.payloads = {{"patch.so", Bytes(40, 0x7f)}, {"table.bin", {1, 2, 3}}};
  patch.memories = {{"fresh", 4096, Permission::RW, {}, {3, 1, 3, 15}},
                    {"table", 3, Permission::R, PayloadId{1}, {4, 1, 4, 21}},
                    {"fix", 8192, Permission::RX, PayloadId{0}, {5, 1, 5, 16}}};
  auto add = [&](Action action, uint32_t line) {
    patch.operations.push_back({std::move(action), {line, 1, line, 20}});
  };
  add(Alloc{MemoryId{0}}, 3);
  add(Load{MemoryId{1}}, 4);
  add(Link{MemoryId{2}, {{"log_line", inObject(0, 0x1130, "log_line")}, {"table", inMemory(1, 0)}}}, 5);
  add(Write{"int", inObject(0, 0x4018, "counter", 8), Bytes{0x2a, 0, 0, 0}, 4, Bytes{1, 0, 0, 0}, Bytes{1, 0, 0, 0}},
      6);
  add(Write{"addr", inMemory(0, 16), inPayload(2, "patch_message", -4), 8, {}, {}}, 7);
  add(Write{"addr", loaded(loaded(inObject(0, 0x4020, "root"), 16), -8), inMemory(0, 4096), 8, {}, inObject(1, 0x8000)},
      8);
  add(Branch{inObject(0, 0x1234, "func_J"), inPayload(2, "func1"), 6, Bytes{0x55, 0x48, 0x89, 0xe5, 0x53, 0x90},
             Function{"func_J", {0x1234}, 64}},
      9);
  add(Branch{{Absolute{{0x7f0000001000}}}, loaded(inMemory(2, 8)), 0, {}}, 10);
  add(Return{inObject(0, 0x1300, "ready"), 8, 1, Bytes{0x55, 0x48, 0x89, 0xe5, 0x53, 0x90, 0x90, 0x90},
             Function{"ready", {0x1300}, 32}},
      11);
  add(Nop{inObject(0, 0x1410, "poll", 16), 5, Bytes{0xe8, 0xeb, 0xfe, 0xff, 0xff}}, 12);
  add(Expect{"u32", inObject(0, 0x4018, "version"), Bytes{7, 0, 0, 0}, 4}, 13);
  add(Quiesce{inObject(0, 0x1500, "commit"), Function{"commit", {0x1500}, 64}}, 14);
  add(Import{"puts", inObject(0, 0x4010), inPayload(2, "puts"), true}, 15);
  add(Call{Moment::PostApply, inPayload(2, "start"), {1, UINT64_MAX}}, 16);
  return patch;
}

Patch randomPatch(std::mt19937_64 &random) { return Generator(random).make(); }

} // namespace lpc::ir::test
