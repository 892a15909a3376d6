// The parser of options. By hand, because getopt_long prints its own messages, keeps global state, and could not
// suggest the option that was meant; LLVM's cl::opt registers every option of the linked libraries before main.
#include "frontend/driver/options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace lpc::driver {
namespace {

constexpr std::array kOptions = {
#define LPC_OPTION(id, name, letter, value, repeated, help)                                                            \
  OptionInfo{OptionId::id, name, letter, value, repeated, help},
#include "frontend/driver/options.def"
#undef LPC_OPTION
};

std::unexpected<Error> usage(std::string message, std::string help = {}) {
  return fail(DiagnosticId::Usage, std::move(message), std::move(help));
}

std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

Result<void> addPids(std::string_view list, std::vector<pid_t> &pids) {
  for (std::string_view word : split(list, ',')) {
    pid_t pid = 0;
    auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), pid);
    if (word.empty() || error != std::errc() || end != word.data() + word.size() || pid <= 0)
      return usage(quoted(word) + " is not a process id");
    if (std::ranges::find(pids, pid) == pids.end()) // twice the same is once
      pids.push_back(pid);
  }
  return {};
}

Result<void> addObject(const std::string &text, std::vector<ObjectFile> &objects) {
  size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    return usage("`--object` wants NAME=FILE, not " + quoted(text));
  std::string name = text.substr(0, equals);
  if (std::ranges::find(objects, name, &ObjectFile::name) != objects.end())
    return usage("`--object` names " + quoted(name) + " twice");
  objects.push_back({std::move(name), text.substr(equals + 1)});
  return {};
}

Result<void> setDuration(std::string_view option, const std::string &text, std::chrono::microseconds &field) {
  auto duration = parseDuration(text);
  if (!duration)
    return usage(quoted(text) + " is not a time that `--" + std::string(option) + "` takes",
                 "write it as 5s, 10ms or 200us, at most a day");
  field = *duration;
  return {};
}

Result<void> setDigest(const std::string &text, std::optional<Bytes> &field) {
  field = fromHex(text);
  if (!field || field->size() != 32) return usage(quoted(text) + " is not a digest as `lpc plan` prints it");
  return {};
}

Emit emitNamed(std::string_view word) {
  constexpr std::array<std::pair<std::string_view, Emit>, 7> kWords = {{{"text", Emit::Text},
                                                                        {"ast", Emit::Ast},
                                                                        {"ir", Emit::Ir},
                                                                        {"json", Emit::Json},
                                                                        {"man", Emit::Man},
                                                                        {"bash", Emit::Bash},
                                                                        {"zsh", Emit::Zsh}}};
  const auto *row = std::ranges::find(kWords, word, &std::pair<std::string_view, Emit>::first);
  LPC_CHECK(row != kWords.end()); // the table's choices were checked before
  return row->second;
}

// Stores one option; the value has been checked against the table's choices.
Result<void> assign(const OptionInfo &option, const std::string &value, Arguments &into) {
  switch (option.id) {
  case OptionId::Target: into.target = value; return {};
  case OptionId::Builds: into.targets.push_back(value); return {};
  case OptionId::Output: into.output = value; return {};
  case OptionId::Symbols: into.symbols = value; return {};
  case OptionId::PublicKey: into.publicKey = value; return {};
  case OptionId::All: into.all = true; return {};
  case OptionId::ExpectPlan: return setDigest(value, into.expectedPlan);
  case OptionId::Object: return addObject(value, into.objects);
  case OptionId::Pid: return addPids(value, into.pids);
  case OptionId::Timeout: return setDuration(option.name, value, into.timeout);
  case OptionId::MaxPause: return setDuration(option.name, value, into.maxPause);
  case OptionId::Stop: into.alwaysStop = value == "always"; return {};
  case OptionId::DryRun: into.dryRun = true; return {};
  case OptionId::AllowActive: into.allowActive.push_back(value); return {};
  case OptionId::Warning: return into.warnings.add(value);
  case OptionId::Explain: into.explain = value; return {};
  case OptionId::InPlace: into.inPlace = true; return {};
  case OptionId::OnlyCheck: into.onlyCheck = true; return {};
  case OptionId::Emit:
  case OptionId::EmitHelp: into.emit = emitNamed(value); return {};
  case OptionId::Format: into.format = value == "json" ? Format::Json : Format::Text; return {};
  case OptionId::Quiet: into.quiet = true; return {};
  case OptionId::Verbose: into.verbose = true; return {};
  case OptionId::Debug: into.debug = true; return {};
  case OptionId::Help: into.help = true; return {};
  case OptionId::Version: into.version = true; return {};
  }
  return {};
}

class Parser {
public:
  Parser(std::span<const std::string> words, std::span<const OptionId> allowed) : words_(words), allowed_(allowed) {}

  Result<Arguments> parse() {
    bool onlyOperands = false;
    while (next_ < words_.size()) {
      const std::string &word = words_[next_++];
      Result<void> done{};
      if (onlyOperands || word.size() < 2 || word[0] != '-') // "-" alone is an operand: standard input
        result_.operands.push_back(word);
      else if (word == "--")
        onlyOperands = true, result_.dashes = result_.operands.size();
      else if (word[1] == '-')
        done = longOption(word);
      else
        done = letters(word);
      if (!done) return std::unexpected(std::move(done.error()));
    }
    return std::move(result_);
  }

private:
  Result<void> longOption(const std::string &word) {
    size_t equals = word.find('=');
    std::string name = word.substr(2, equals == std::string::npos ? equals : equals - 2);
    const OptionInfo *option = find([&](const OptionInfo &o) { return o.name == name; });
    if (option == nullptr) return unknown(name);
    if (equals != std::string::npos)
      return option->value.empty() ? usage("`--" + name + "` takes no value") : give(*option, word.substr(equals + 1));
    return option->value.empty() ? give(*option, {}) : valueFollows(*option, "--" + name);
  }

  Result<void> letters(const std::string &word) {
    for (size_t i = 1; i < word.size(); ++i) {
      const OptionInfo *option = find([&](const OptionInfo &o) { return o.letter == word[i]; });
      if (option == nullptr) return usage("unknown option `-" + word.substr(i, 1) + "`");
      if (!option->value.empty())
        return i + 1 < word.size() ? give(*option, word.substr(i + 1)) : valueFollows(*option, "-" + word.substr(i, 1));
      if (Result<void> done = give(*option, {}); !done) return done;
    }
    return {};
  }

  Result<void> valueFollows(const OptionInfo &option, const std::string &written) {
    if (next_ == words_.size()) return usage("`" + written + "` wants a value: " + std::string(option.value));
    return give(option, words_[next_++]);
  }

  Result<void> give(const OptionInfo &option, const std::string &value) {
    if (!option.repeated && std::ranges::find(given_, option.id) != given_.end())
      return usage("`--" + std::string(option.name) + "` is given twice");
    if (!option.value.empty() && value.empty())
      return usage("`--" + std::string(option.name) + "` wants a value: " + std::string(option.value));
    if (auto choices = option.choices(); !choices.empty() && std::ranges::find(choices, value) == choices.end())
      return usage("`--" + std::string(option.name) + "` wants " + std::string(option.value) + ", not " +
                   quoted(value));
    given_.push_back(option.id);
    return assign(option, value, result_);
  }

  Result<void> unknown(const std::string &name) {
    std::vector<std::string> names;
    for (OptionId id : allowed_)
      names.emplace_back(info(id).name);
    auto near = nearest(name, names);
    return usage("unknown option `--" + name + "`", near.empty() ? "" : "did you mean `--" + near.front() + "`?");
  }

  template <class Match> const OptionInfo *find(Match match) const {
    for (OptionId id : allowed_)
      if (match(info(id))) return &info(id);
    return nullptr;
  }

  std::span<const std::string> words_;
  std::span<const OptionId> allowed_;
  size_t next_ = 0;
  std::vector<OptionId> given_;
  Arguments result_;
};

} // namespace

const OptionInfo &info(OptionId id) { return kOptions[static_cast<size_t>(id)]; }

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> words;
  for (size_t at = 0; at != std::string_view::npos;) {
    size_t end = text.find(separator, at);
    words.push_back(text.substr(at, end == std::string_view::npos ? end : end - at));
    at = end == std::string_view::npos ? end : end + 1;
  }
  return words;
}

std::vector<std::string_view> OptionInfo::choices() const {
  return value.contains('|') ? split(value, '|') : std::vector<std::string_view>{};
}

std::optional<std::chrono::microseconds> parseDuration(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, double>, 4> kUnits = {
      {{"us", 1}, {"ms", 1e3}, {"s", 1e6}, {"m", 6e7}}};
  constexpr double kLongest = 24 * 3600 * 1e6;
  double number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  const auto *unit = std::ranges::find(kUnits, text.substr(static_cast<size_t>(end - text.data())),
                                       &std::pair<std::string_view, double>::first);
  if (error != std::errc() || unit == kUnits.end() || !(number >= 0) || !(number * unit->second <= kLongest))
    return std::nullopt;
  return std::chrono::microseconds(static_cast<int64_t>(number * unit->second));
}

Result<Arguments> parseOptions(std::span<const std::string> words, std::span<const OptionId> allowed) {
  return Parser(words, allowed).parse();
}

} // namespace lpc::driver
