// The options of the command line as values: the table (options.def) and the parser that follows it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/pipeline.h"
#include "ir/support/result.h"

namespace lpc::driver {

enum class OptionId : uint8_t {
#define LPC_OPTION(id, name, letter, value, repeated, help) id,
#include "frontend/driver/options.def"
#undef LPC_OPTION
};

// One row of options.def.
struct OptionInfo {
  OptionId id;
  std::string_view name;
  char letter;            // 0: none
  std::string_view value; // "" for a flag
  bool repeated;
  std::string_view help;

  // The words of an `a|b|c` value; empty where the value is free.
  [[nodiscard]] std::vector<std::string_view> choices() const;
};
const OptionInfo &info(OptionId id);

// The words between `separator`s; one empty word for an empty text.
std::vector<std::string_view> split(std::string_view text, char separator);

enum class Format : uint8_t { Text, Json };
enum class Emit : uint8_t { Text, Ast, Ir, Json, Man, Bash, Zsh };

// What a command is asked to do. A field keeps its default where its option is not given or is none of the command's.
struct Arguments {
  std::vector<std::string> operands;
  std::optional<size_t> dashes; // so many of them stand before a `--`
  std::optional<std::string> target;
  std::vector<std::string> targets; // of `build`
  std::optional<std::string> output, symbols;
  std::optional<std::string> publicKey;
  std::vector<ObjectFile> objects;
  std::vector<pid_t> pids; // each once, in the order given
  std::vector<std::string> allowActive;
  WarningPolicy warnings;
  std::optional<std::string> explain;
  std::chrono::microseconds timeout = std::chrono::seconds(5);
  std::chrono::microseconds maxPause = std::chrono::milliseconds(10);
  std::optional<Emit> emit;
  Format format = Format::Text;
  std::optional<Bytes> expectedPlan;
  bool all = false, alwaysStop = false, dryRun = false, quiet = false, verbose = false, debug = false, help = false, version = false;
  bool inPlace = false, onlyCheck = false;
};

// Parses `words` (without the program's and the command's name) as getopt_long does: `--name value`, `--name=value`,
// `-x value`,
// `-xvalue`, flags' letters together, options and operands mixed, `--` before operands that begin with `-`. Names are
// not abbreviated: a script must not change its meaning with a later version. Errors have the id Usage.
Result<Arguments> parseOptions(std::span<const std::string> words, std::span<const OptionId> allowed);

// "5s", "10ms", "200us", "1.5s", "2m": from 0 to a day, in whole microseconds.
std::optional<std::chrono::microseconds> parseDuration(std::string_view text);

} // namespace lpc::driver
