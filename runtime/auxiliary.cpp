// /proc/PID/auxv: pairs of words.
#include "runtime/auxiliary.h"

#include "runtime/proc_text.h"

namespace lpc::runtime {

Auxiliary::Auxiliary(const Process &process) : word_(pointerSize(process.machine())) {
  if (auto text = readText(process.proc("auxv"))) bytes_.assign(text->begin(), text->end());
}

uint64_t Auxiliary::operator[](uint64_t type) const {
  for (size_t at = 0; at + 2 * word_ <= bytes_.size(); at += 2 * word_)
    if (loadLittle(BytesView(bytes_).subspan(at, word_)) == type)
      return loadLittle(BytesView(bytes_).subspan(at + word_, word_));
  return 0;
}

} // namespace lpc::runtime
