// Result<T>: a value or an Error. g++ 12's std::expected is not [[nodiscard]]; this one is.
#pragma once

#include <expected>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace slipway {

template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value) : value_(std::move(value)) {}                       // NOLINT: implicit by design
  Result(Error error) : value_(std::unexpected(std::move(error))) {}  // NOLINT: implicit by design

  bool has_value() const { return value_.has_value(); }
  explicit operator bool() const { return has_value(); }

  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T&& operator*() && { return *std::move(value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

  Error& error() & { return value_.error(); }
  const Error& error() const& { return value_.error(); }
  Error&& error() && { return std::move(value_).error(); }

  T value_or(T fallback) && { return has_value() ? *std::move(value_) : std::move(fallback); }

  // Adds where we were to the error, if there is one.
  Result context(std::string_view outer) && {
    if (!has_value()) value_.error() = std::move(value_.error()).context(outer);
    return std::move(*this);
  }

 private:
  std::expected<T, Error> value_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() = default;
  Result(Error error) : value_(std::unexpected(std::move(error))) {}  // NOLINT: implicit by design

  bool has_value() const { return value_.has_value(); }
  explicit operator bool() const { return has_value(); }
  void operator*() const {}

  Error& error() & { return value_.error(); }
  const Error& error() const& { return value_.error(); }
  Error&& error() && { return std::move(value_).error(); }

  Result context(std::string_view outer) && {
    if (!has_value()) value_.error() = std::move(value_.error()).context(outer);
    return std::move(*this);
  }

 private:
  std::expected<void, Error> value_;
};

using Status = Result<void>;

// The value of `expression` (a Result), moved out; on an error, returns it from the function.
//   const Digest digest = TRY(Digest::parse(text));
//   TRY(file.close());
#define TRY(expression) SLIPWAY_TRY_NUMBERED(expression, __COUNTER__)
// The number makes names unique: a TRY may stand inside another's expression.
#define SLIPWAY_TRY_NUMBERED(expression, number) SLIPWAY_TRY_PASTED(expression, number)
#define SLIPWAY_TRY_PASTED(expression, number) SLIPWAY_TRY_NAMED(expression, try_result_##number##_)
#define SLIPWAY_TRY_NAMED(expression, name)                \
  ({                                                       \
    auto&& name = (expression);                            \
    if (!name.has_value()) return std::move(name).error(); \
    *std::move(name);                                      \
  })

}  // namespace slipway
