// What the user wants of warnings: which of them are said, and which are errors.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "ir/support/diagnostic.h"
#include "ir/support/result.h"

namespace lpc {

class WarningPolicy {
public:
  // `NAME`, `no-NAME`, `error`, `error=NAME`, `no-error=NAME`; the last word about a warning counts. Usage: no warning
  // has this name.
  Result<void> add(std::string_view word);

  // The diagnostics as the policy wants them: errors stay as they are.
  [[nodiscard]] Diagnostics of(const Diagnostics &diagnostics) const;

  bool operator==(const WarningPolicy &) const = default;

private:
  std::set<DiagnosticId> off_, errors_, noErrors_;
  bool allAreErrors_ = false;
};

} // namespace lpc
