// Moving instructions: code that does elsewhere what it did where it stood.
//
// A jump written over the first instructions of a function destroys them. Moved, they still serve: executed in new
// memory they do what they did, and go on behind the jump. What an instruction says relative to its own address is
// said anew; what can't be said anew is refused, never guessed.
//
// What the moved code can't hide: where it stands. A fault in it, or a signal that interrupts it, shows its address;
// an unwinder knows nothing of it. It has no call of its own for that reason: a moved `call` pushes the return address
// that it always pushed, in the old code, so that exceptions and unwinders see the frames they know.
#pragma once

#include <vector>

#include "ir/machine/decoder.h"
#include "ir/machine/machine.h"
#include "ir/support/bytes.h"
#include "ir/support/result.h"

namespace lpc {

class MovedCode {
public:
  // `code`: whole instructions, which stand at `from`. The moved code begins with the landing mark that an indirect
  // branch needs (x86: endbr64), and ends with a jump to `from` + code.size(). CannotMove names the instruction that
  // can't be moved and says why.
  static Result<MovedCode> of(Machine machine, const Decoder &decoder, BytesView code, uint64_t from);

  // Bytes that it takes, wherever it goes; a multiple of 16, as its address should be.
  [[nodiscard]] uint64_t size() const { return bytes_.size(); }
  // The addresses that it refers to by displacements, the jump back included; all must be in reach of all of it.
  [[nodiscard]] std::vector<uint64_t> refersTo() const;
  // The bytes that stand at `to`. RelocationOverflow where something of refersTo() is out of reach.
  [[nodiscard]] Result<Bytes> at(uint64_t to) const;

  // For the machines' builders. A 32-bit displacement: where it stands, where its instruction ends, what it points to.
  struct Link {
    size_t offset = 0, end = 0;
    uint64_t target = 0;
  };
  MovedCode(Bytes bytes, std::vector<Link> links) : bytes_(std::move(bytes)), links_(std::move(links)) {}

private:
  Bytes bytes_; // with displacements of 0 where links_ has them
  std::vector<Link> links_;
};

} // namespace lpc
