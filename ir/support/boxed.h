// Values that stand on the heap, one pointer where they are held. They are copied and compared as what they hold: a
// variant or a struct stays as small as what most of them hold.
#pragma once

#include <memory>
#include <optional>
#include <utility>

namespace lpc {

// A T. After a move it can only be assigned to or destroyed.
template <class T> class Boxed {
public:
  Boxed() : value_(std::make_unique<T>()) {}
  Boxed(T value) : value_(std::make_unique<T>(std::move(value))) {}
  Boxed(const Boxed &other) : value_(std::make_unique<T>(*other.value_)) {}
  Boxed(Boxed &&) noexcept = default;
  Boxed &operator=(const Boxed &other) { return *this = Boxed(other); }
  Boxed &operator=(Boxed &&) noexcept = default;
  ~Boxed() = default;

  // Implicit, so that what visits a T visits it in its box.
  operator T &() { return *value_; }
  operator const T &() const { return *value_; }
  T &operator*() { return *value_; }
  const T &operator*() const { return *value_; }
  T *operator->() { return value_.get(); }
  const T *operator->() const { return value_.get(); }
  bool operator==(const Boxed &other) const { return *value_ == *other.value_; }

private:
  std::unique_ptr<T> value_;
};

// A T or nothing, as std::optional; for what is nothing nearly always.
template <class T> class Seldom {
public:
  Seldom() = default;
  Seldom(std::nullopt_t) {}
  Seldom(T value) : value_(std::make_unique<T>(std::move(value))) {}
  Seldom(std::optional<T> value) : value_(value ? std::make_unique<T>(std::move(*value)) : nullptr) {}
  Seldom(const Seldom &other) : value_(other.value_ ? std::make_unique<T>(*other.value_) : nullptr) {}
  Seldom(Seldom &&) noexcept = default;
  Seldom &operator=(const Seldom &other) { return *this = Seldom(other); }
  Seldom &operator=(Seldom &&) noexcept = default;
  ~Seldom() = default;

  explicit operator bool() const { return value_ != nullptr; }
  T &operator*() { return *value_; }
  const T &operator*() const { return *value_; }
  T *operator->() { return value_.get(); }
  const T *operator->() const { return value_.get(); }
  T &emplace() { return *(value_ = std::make_unique<T>()); }
  void reset() { value_.reset(); }
  bool operator==(const Seldom &other) const {
    return value_ && other.value_ ? *value_ == *other.value_ : !value_ && !other.value_;
  }

private:
  std::unique_ptr<T> value_;
};

} // namespace lpc
