// A value that is meant for a variable and a value that is meant for an instruction look the same. The second one is
// told by what it leaves: the same instruction, of the same length, that does not go elsewhere.
#include "frontend/sema/over_code.h"

#include <algorithm>

#include "frontend/sema/code.h"
#include "frontend/sema/names.h"
#include "ir/support/cat.h"

namespace lpc::sema {
namespace {

std::string_view mnemonic(std::string_view text) { return text.substr(0, text.find(' ')); }

bool isOperand(const Spot &at, BytesView value, const Function &function, const Decoder &decoder) {
  const Instruction *old = function.covering(at.link);
  if (old == nullptr || old->address == at.link.value) return false;
  const uint64_t offset = at.link.value - old->address;
  if (value.size() > old->length - offset) return false;
  BytesView before = function.bytesOf(*old);
  Bytes after(before.begin(), before.end());
  std::ranges::copy(value, after.begin() + static_cast<std::ptrdiff_t>(offset));
  auto now = decoder.decode(after, old->address);
  return now && now->length == old->length && !now->isBranch && !now->isCall &&
         mnemonic(decoder.text(after, old->address)) == mnemonic(decoder.text(before, old->address));
}

// A table that stands among the code.
bool isData(const Spot &at) {
  if (at.symbol != nullptr) return at.symbol->kind == target::SymbolKind::Object;
  auto there = at.file->symbolAt(at.link);
  return there && there->kind == target::SymbolKind::Object;
}

} // namespace

void checkOverCode(const Spot &at, const Extent &extent, const Bytes *value, Context &context) {
  if (at.file == nullptr || !executable(*at.file, at.link) || isData(at)) return;
  auto function = context.decoder ? functionAt(at, context) : std::nullopt;
  if (function && isOperand(at, value != nullptr ? *value : Bytes(extent.width), *function, *context.decoder)) return;
  bool named = function && !function->name.empty();
  context
      .report(
          DiagnosticId::ValueOverCode, extent.place,
          cat(extent.what, " writes a value over instructions of `", named ? readable(function->name) : at.owner, "`"))
      .help = "`asm` writes instructions, and it is proved where they begin and end";
}

} // namespace lpc::sema
