// Number: a binary floating-point number with a precision of its own, as cty (HCL's value model)
// computes with: literals have 512 bits, results the precision of the wider operand.
#pragma once

#include <mpfr.h>

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::hcl {

class Number {
 public:
  Number() : Number(int64_t{0}) {}
  explicit Number(int64_t value);  // 64 bits
  explicit Number(double value);   // 53 bits; not NaN
  Number(const Number& other);
  Number(Number&& other) noexcept;
  Number& operator=(Number other) noexcept;
  ~Number();

  // A decimal number: "12", "-0.5", "1e3", "inf". Nothing for other texts and for exponents beyond
  // a hundred thousand, which nobody can print.
  static std::optional<Number> parse(std::string_view text);
  // Digits of a base from 2 to 62, with or without a sign.
  static std::optional<Number> parse_integer(std::string_view digits, int base);

  bool is_integer() const;
  bool is_infinite() const;
  bool is_negative() const;  // also "-0"
  bool is_zero() const;
  // Exactly this value, or nothing.
  std::optional<int64_t> to_int64() const;
  double to_double() const;

  // No exponent, and the fewest digits that read back as this number: "0.1", "1000".
  std::string to_string() const;
  // As C's and Go's %e, %f and %g print; a negative precision means the fewest digits.
  std::string format(char verb, int precision) const;
  // The digits of an integer in base 2, 8, 10 or 16.
  std::string integer_digits(int base) const;

  Number negated() const;
  Number absolute() const;
  Number truncated() const;  // toward zero, wide enough for every digit
  Number floor() const;
  Number ceil() const;

  // These yield nothing where the result is not a number (0/0, inf-inf).
  friend std::optional<Number> add(const Number& a, const Number& b);
  friend std::optional<Number> subtract(const Number& a, const Number& b);
  friend std::optional<Number> multiply(const Number& a, const Number& b);
  friend std::optional<Number> divide(const Number& a, const Number& b);
  friend std::optional<Number> modulo(const Number& a, const Number& b);

  std::strong_ordering compare(const Number& other) const;
  // Equal when they print alike, as cty has it: 0.1 of 53 bits equals 0.1 of 512.
  bool operator==(const Number& other) const;

 private:
  struct OfPrecision {
    mpfr_prec_t bits;
  };
  explicit Number(OfPrecision precision);
  // Digits without point and the position of the point before them: ("15", 1) is 1.5.
  struct Digits {
    std::string digits;
    long exponent = 0;
  };
  Digits digits(size_t count) const;
  Digits shortest_digits() const;

  mpfr_t value_;
};

}  // namespace slipway::hcl
