// What the tests of verify() break: a good patch.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "ir/verify.h"
#include "patches.h"

namespace lpc::ir {

class Verify : public ::testing::Test {
protected:
  template <class T> T &operation(size_t i) { return std::get<T>(patch.operations.at(i).action); }
  Write &write(size_t i) { return operation<Write>(i); }
  Branch &branch(size_t i) { return operation<Branch>(i); }
  template <class T> T &in(Address &address) { return std::get<T>(address.where); }
  static Address nested(unsigned depth) {
    Address out{Absolute{{0x1000}}};
    for (; depth > 0; depth--)
      out = Address{Loaded{std::make_shared<const Address>(std::move(out)), 0}};
    return out;
  }

  Patch patch = test::samplePatch();
};

} // namespace lpc::ir
