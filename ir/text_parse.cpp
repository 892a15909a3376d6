// Reads the text form: a section is a line at the margin and the indented lines below it.
//
// The parser checks what it needs to build the value (labels in order, numbers in range, names that exist, every field
// once); what makes the value a good patch is verify's business and stands in one place.
#include <algorithm>
#include <limits>
#include <unordered_map>

#include "ir/line_cursor.h"
#include "ir/text.h"
#include "ir/verify.h"

namespace lpc::ir {
namespace {

constexpr uint32_t kMost32 = std::numeric_limits<uint32_t>::max();
constexpr uint64_t kMost64 = std::numeric_limits<uint64_t>::max();

class Parser {
public:
  explicit Parser(std::string_view text) : in_(text) {}

  Result<Patch> parse() {
    formatLine();
    header();
    while (!ended_ && !in_.error()) {
      if (in_.nextHead())
        section();
      else if (in_.atEnd())
        in_.failLine("the patch has no `end`: it was cut off");
      else
        expectHead();
    }
    if (!in_.error() && !in_.atEnd()) expectEnd();
    if (const std::optional<Error> &error = in_.error()) return std::unexpected(*error);
    return verified();
  }

private:
  // --- the frame

  void formatLine() {
    constexpr std::string_view kFormat = "# lpir ";
    std::string_view line = in_.rawLine().value_or("");
    if (!line.starts_with(kFormat)) return in_.failLine("not the text of a patch: the first line is not `# lpir 1`");
    std::string_view version = line.substr(kFormat.size());
    if (version != "1") in_.failLine("version " + shown(version) + " of the format is not known, only `1`");
  }

  void expectHead() {
    in_.nextField() || in_.nextBytes();
    in_.fail("an indented line belongs to nothing");
  }
  void expectEnd() {
    in_.nextHead() || in_.nextField() || in_.nextBytes();
    in_.failLine("something stands behind `end`");
  }

  // Reads the fields of a section. `handle` reads one and says whether it knows it; all but `with`, `reference`
  // and `argument` stand at most once, and those of `needed` must be there.
  template <class Handle> void fields(std::initializer_list<std::string_view> needed, Handle handle) {
    in_.lineEnd();
    std::vector<std::string_view> seen;
    while (in_.nextField()) {
      std::string_view key = in_.word();
      if (key != "with" && key != "reference" && key != "argument") {
        if (std::ranges::find(seen, key) != seen.end()) return in_.failLine(shown(key) + " stands twice");
        seen.push_back(key);
      }
      if (!handle(key) && !in_.error()) return in_.failLine("no field " + shown(key) + " here");
      in_.lineEnd();
    }
    for (std::string_view key : needed)
      if (std::ranges::find(seen, key) == seen.end()) in_.failLine("the section ends here without " + shown(key));
  }

  Result<Patch> verified() {
    std::vector<std::string> findings = verify(patch_);
    if (findings.empty()) return std::move(patch_);
    constexpr size_t kMostShown = 10;
    Error error{.id = DiagnosticId::BadIr, .message = "not a well-formed patch: " + findings[0]};
    for (size_t i = 1; i < std::min(findings.size(), kMostShown); i++)
      error.notes.push_back({findings[i]});
    return std::unexpected(std::move(error));
  }

  // --- parts

  // "o0", "p3": what a table's rows and references to them are called.
  uint32_t label(std::string_view prefix) {
    in_.expect(prefix);
    return static_cast<uint32_t>(in_.number(kMost32));
  }
  void rowLabel(std::string_view prefix, size_t expected) {
    if (label(prefix) != expected && !in_.error())
      in_.failLine("expected the label `" + std::string(prefix) + std::to_string(expected) +
                   "`: rows are numbered in order");
  }

  MemoryId memoryName() {
    in_.expect("$");
    return memoryAfterDollar();
  }
  MemoryId memoryAfterDollar() {
    std::string_view name = in_.word();
    auto known = memories_.find(name);
    if (known != memories_.end()) return known->second;
    in_.fail("no memory is called " + shown(name) + " above");
    return {};
  }

  Bytes bytes() {
    Bytes out;
    in_.appendHex(out);
    bytesBelow(out);
    return out;
  }
  void bytesBelow(Bytes &out) {
    in_.lineEnd();
    while (in_.nextBytes()) {
      in_.appendHex(out);
      in_.lineEnd();
    }
  }

  Address address() {
    unsigned depth = 0;
    while (in_.take("["))
      if (++depth > kMaxLoadDepth) {
        in_.fail("pointers are followed more than " + std::to_string(kMaxLoadDepth) + " times");
        return {};
      }
    Address out = innermost();
    for (; depth > 0 && !in_.error(); depth--) {
      in_.expect("]");
      int64_t addend = in_.displacement();
      out = Address{Loaded{std::make_shared<const Address>(std::move(out)), addend}};
    }
    return out;
  }

  Address innermost() {
    if (in_.take("o")) return {inObject()};
    if (in_.take("$")) return inMemory();
    return {Absolute{{in_.hexNumber()}}};
  }

  InObject inObject() { // behind the `o`
    InObject out;
    out.object = static_cast<ObjectId>(in_.number(kMost32));
    in_.expect("!");
    out.address = {in_.hexNumber()};
    if (in_.take("(")) {
      out.symbol = in_.string();
      out.addend = in_.displacement();
      in_.expect(")");
    }
    return out;
  }

  Address inMemory() { // behind the `$`
    MemoryId memory = memoryAfterDollar();
    if (in_.take(":")) {
      std::string symbol = in_.string();
      return {InPayload{memory, std::move(symbol), in_.displacement()}};
    }
    return {InMemory{memory, in_.take("+") ? in_.number(kMost64) : 0}};
  }

  Value value() {
    if (in_.take("address ")) return address();
    in_.expect("bytes ");
    return bytes();
  }

  Place place() {
    auto part = [&](std::string_view before) {
      in_.expect(before);
      return static_cast<uint32_t>(in_.number(kMost32));
    };
    Place out;
    out.line = part("");
    out.column = part(":");
    out.endLine = part("-");
    out.endColumn = part(":");
    return out;
  }

  // --- sections

  void header() {
    if (!in_.nextHead() || in_.word() != "patch") return in_.failLine("expected `patch`");
    patch_.name = in_.string();
    fields({"machine"}, [&](std::string_view key) {
      if (key == "version")
        patch_.version = in_.string();
      else if (key == "source")
        patch_.source = in_.string();
      else if (key == "machine")
        machine();
      else
        return false;
      return true;
    });
  }

  void machine() {
    std::string_view name = in_.word();
    std::optional<Machine> machine = machineNamed(name);
    if (machine)
      patch_.machine = *machine;
    else
      in_.fail("no machine " + shown(name) + " is known");
  }

  void section() {
    std::string_view kind = in_.word();
    if (kind == "object")
      object();
    else if (kind == "payload")
      payload();
    else if (kind == "memory")
      memory();
    else if (kind == "new")
      make<Alloc>();
    else if (kind == "load")
      make<Load>();
    else if (kind == "dlopen")
      make<Open>();
    else if (kind == "link")
      link();
    else if (kind == "write")
      write();
    else if (kind == "branch")
      branch();
    else if (kind == "code")
      code();
    else if (kind == "return")
      returnAtOnce();
    else if (kind == "nop")
      nop();
    else if (kind == "import")
      import();
    else if (kind == "expect")
      expect();
    else if (kind == "quiesce")
      quiesce();
    else if (kind == "call")
      call();
    else if (kind == "end")
      end();
    else
      in_.failLine("no section is called " + shown(kind));
  }

  void end() {
    in_.lineEnd();
    ended_ = true;
  }

  void object() {
    Object out;
    rowLabel("o", patch_.objects.size());
    out.name = in_.string();
    fields({}, Field{"soname", out.soname}, Field{"path", out.path}, Field{"build-id", out.buildId});
    patch_.objects.push_back(std::move(out));
  }

  void payload() {
    Payload out;
    rowLabel("p", patch_.payloads.size());
    out.name = in_.string();
    bytesBelow(out.bytes);
    patch_.payloads.push_back(std::move(out));
  }

  void memory() {
    Memory out;
    in_.expect("$");
    std::string_view name = in_.word();
    out.name = name;
    fields({"size", "permission"}, [&](std::string_view key) {
      if (key == "size")
        out.size = in_.number(kMost64);
      else if (key == "permission")
        out.permission = permission();
      else if (key == "payload")
        out.payload = static_cast<PayloadId>(label("p"));
      else if (key == "place")
        out.place = place();
      else
        return false;
      return true;
    });
    memories_.emplace(name, static_cast<MemoryId>(patch_.memories.size()));
    patch_.memories.push_back(std::move(out));
  }

  Permission permission() {
    std::string_view word = in_.word();
    if (word == "r") return Permission::R;
    if (word == "rw") return Permission::RW;
    if (word == "rx") return Permission::RX;
    if (word == "rwx") return Permission::RWX;
    in_.fail("no permission is called " + shown(word) + ": r rw rx rwx");
    return {};
  }

  // Reads the fields of an operation that every one has beside its own.
  template <class Handle> Place operationFields(std::initializer_list<std::string_view> needed, Handle handle) {
    Place out;
    fields(needed, [&](std::string_view key) {
      if (key != "place") return handle(key);
      out = place();
      return true;
    });
    return out;
  }
  // The fields that only hand a value over, each read as its type says.
  template <class T> struct Field {
    std::string_view key;
    T &to;
  };
  template <class... T> auto readers(Field<T>... each) {
    return [this, each...](std::string_view key) { return ((key == each.key && read(each.to)) || ...); };
  }
  template <class... T> Place operationFields(std::initializer_list<std::string_view> needed, Field<T>... each) {
    return operationFields(needed, readers(each...));
  }
  template <class... T> void fields(std::initializer_list<std::string_view> needed, Field<T>... each) {
    fields(needed, readers(each...));
  }
  template <class T> bool read(std::optional<T> &to) { return read(to.emplace()); }
  bool read(Address &to) { return to = address(), true; }
  bool read(Bytes &to) { return to = bytes(), true; }
  bool read(Function &to) { return to = function(), true; }
  bool read(Value &to) { return to = value(), true; }
  bool read(std::string &to) { return to = in_.string(), true; }
  bool read(uint32_t &to) { return to = static_cast<uint32_t>(in_.number(kMost32)), true; }
  bool read(uint64_t &to) { return to = in_.number(kMost64), true; }
  void add(Action action, const Place &where) { patch_.operations.push_back({std::move(action), where}); }

  template <class Made> void make() {
    MemoryId memory = memoryName();
    add(Made{memory}, operationFields({}, [](std::string_view) { return false; }));
  }

  void link() {
    Link out{memoryName(), {}};
    Place where = operationFields({}, [&](std::string_view key) {
      if (key != "with") return false;
      Binding &binding = out.with.emplace_back();
      binding.symbol = in_.string();
      in_.expect("=");
      binding.address = address();
      return true;
    });
    add(std::move(out), where);
  }

  void write() {
    Write out;
    out.type = in_.word();
    Place where = operationFields({"at", "width", "value"}, Field{"at", out.at}, Field{"width", out.width},
                                  Field{"value", out.value}, Field{"recorded", out.recorded}, Field{"was", out.was});
    add(std::move(out), where);
  }

  void branch() {
    Branch out;
    auto plain = readers(Field{"from", out.from}, Field{"to", out.to}, Field{"room", out.room},
                         Field{"recorded", out.recorded}, Field{"function", out.function});
    Place where = operationFields({"from", "to", "room"}, [&](std::string_view key) {
      if (plain(key)) return true;
      if (key == "original") return read(out.original.emplace().at);
      return out.original && readers(Field{"original-recorded", out.original->recorded},
                                     Field{"replacement", out.original->replacement})(key);
    });
    add(std::move(out), where);
  }

  void returnAtOnce() {
    Return out;
    Place where =
        operationFields({"at", "room"}, Field{"at", out.at}, Field{"room", out.room}, Field{"value", out.value},
                        Field{"recorded", out.recorded}, Field{"function", out.function});
    add(std::move(out), where);
  }

  void nop() {
    Nop out;
    Place where =
        operationFields({"at", "size"}, Field{"at", out.at}, Field{"size", out.size}, Field{"recorded", out.recorded});
    add(std::move(out), where);
  }

  void import() {
    Import out;
    out.symbol = in_.string();
    Place where = operationFields({"slot", "to", "kind"}, [&](std::string_view key) {
      if (key == "slot")
        out.slot = address();
      else if (key == "to")
        out.to = address();
      else if (key == "kind")
        out.function = importKind();
      else
        return false;
      return true;
    });
    add(std::move(out), where);
  }

  bool importKind() {
    std::string_view word = in_.word();
    if (word != "function" && word != "data") in_.fail("no import is a " + shown(word) + ": function data");
    return word == "function";
  }

  void expect() {
    Expect out;
    out.type = in_.word();
    Place where = operationFields({"at", "width", "value"}, Field{"at", out.at}, Field{"width", out.width},
                                  Field{"value", out.value});
    add(std::move(out), where);
  }

  void quiesce() {
    Quiesce out;
    Place where = operationFields({"at", "function"}, Field{"at", out.at}, Field{"function", out.function});
    add(std::move(out), where);
  }

  void call() {
    Call out;
    std::string_view word = in_.word();
    for (Moment moment : {Moment::PreApply, Moment::PostApply, Moment::PreRevert, Moment::PostRevert})
      if (ir::name(moment) == word) out.moment = moment;
    if (ir::name(out.moment) != word) in_.fail("nothing is called at the moment " + shown(word));
    Place where = operationFields({"function"}, [&](std::string_view key) {
      if (key == "function")
        out.function = address();
      else if (key == "argument")
        out.arguments.push_back(in_.number(kMost64));
      else
        return false;
      return true;
    });
    add(std::move(out), where);
  }

  void code() {
    Code out;
    auto plain = readers(Field{"at", out.at}, Field{"room", out.room}, Field{"bytes", out.bytes},
                         Field{"recorded", out.recorded});
    Place where = operationFields({"at", "room", "bytes"}, [&](std::string_view key) {
      if (key != "reference") return plain(key);
      reference(out.references.emplace_back());
      return true;
    });
    add(std::move(out), where);
  }

  void reference(Reference &out) {
    using enum ReferenceKind;
    out.offset = static_cast<uint32_t>(in_.number(kMost32));
    std::string_view word = in_.word();
    for (ReferenceKind kind : {Relative32, Branch32, Signed32, Unsigned32, Whole64})
      if (ir::name(kind) == word) out.kind = kind;
    if (ir::name(out.kind) != word) in_.fail("no kind of reference is called " + shown(word));
    out.target = address();
    if (in_.take("{")) {
      out.addend = in_.displacement();
      in_.expect("}");
    }
  }

  Function function() {
    Function out;
    out.name = in_.string();
    out.start = {in_.hexNumber()};
    out.size = in_.number(kMost64);
    return out;
  }

  LineCursor in_;
  Patch patch_;
  std::unordered_map<std::string_view, MemoryId> memories_; // names are views of the input
  bool ended_ = false;
};

} // namespace

Result<Patch> parseText(std::string_view text) { return Parser(text).parse(); }

} // namespace lpc::ir
