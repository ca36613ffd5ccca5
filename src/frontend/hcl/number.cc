#include "frontend/hcl/number.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"

namespace slipway::hcl {
namespace {

constexpr mpfr_prec_t kLiteralBits = 512;
constexpr mpfr_prec_t kIntegerBits = 64;
constexpr mpfr_prec_t kDoubleBits = 53;
constexpr long kLargestExponent = 100'000;

// The text without its sign.
std::string_view unsigned_part(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return text;
}

size_t digit_count(std::string_view text) {
  const auto end =
      std::find_if(text.begin(), text.end(), [](char c) { return c < '0' || c > '9'; });
  return static_cast<size_t>(end - text.begin());
}

// digits [. digits] [e [sign] digits], with a digit somewhere before the exponent.
bool is_decimal(std::string_view text) {
  text = unsigned_part(text);
  size_t digits = digit_count(text);
  text.remove_prefix(digits);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    const size_t fraction = digit_count(text);
    digits += fraction;
    text.remove_prefix(fraction);
  }
  if (digits == 0) return false;
  if (text.empty()) return true;
  if (text[0] != 'e' && text[0] != 'E') return false;
  text = unsigned_part(text.substr(1));
  return !text.empty() && text.size() < 9 && digit_count(text) == text.size();
}

std::string zeros(long count) {
  return std::string(static_cast<size_t>(std::max(0L, count)), '0');
}

// "12.5" of the digits "125" and the exponent 2, with `decimals` digits after the point.
std::string fixed(const std::string& digits, long exponent, long decimals) {
  std::string text = exponent > 0 ? digits.substr(0, static_cast<size_t>(exponent)) : "0";
  text += zeros(exponent - static_cast<long>(digits.size()));
  if (decimals <= 0) return text;
  text += '.';
  for (long i = 0; i < decimals; ++i) {
    const long index = exponent + i;
    const bool has = index >= 0 && index < static_cast<long>(digits.size());
    text += has ? digits[static_cast<size_t>(index)] : '0';
  }
  return text;
}

std::string scientific(const std::string& digits, long exponent, char verb, long decimals) {
  std::string text(1, digits[0]);
  if (decimals > 0) {
    text += '.';
    const std::string fraction = digits.substr(1, static_cast<size_t>(decimals));
    text += fraction + zeros(decimals - static_cast<long>(fraction.size()));
  }
  const long power = exponent - 1;
  return text + fmt::format("{}{}{:02}", verb, power < 0 ? '-' : '+', std::abs(power));
}

}  // namespace

Number::Number(OfPrecision precision) {
  mpfr_init2(value_, precision.bits);
}

Number::Number(int64_t value) : Number(OfPrecision{kIntegerBits}) {
  mpfr_set_si(value_, value, MPFR_RNDN);
}

Number::Number(double value) : Number(OfPrecision{kDoubleBits}) {
  mpfr_set_d(value_, value, MPFR_RNDN);
}

Number::Number(const Number& other) : Number(OfPrecision{mpfr_get_prec(other.value_)}) {
  mpfr_set(value_, other.value_, MPFR_RNDN);
}

Number::Number(Number&& other) noexcept : Number(OfPrecision{MPFR_PREC_MIN}) {
  mpfr_swap(value_, other.value_);
}

Number& Number::operator=(Number other) noexcept {
  mpfr_swap(value_, other.value_);
  return *this;
}

Number::~Number() {
  mpfr_clear(value_);
}

std::optional<Number> Number::parse(std::string_view text) {
  const std::string_view body = unsigned_part(text);
  Number number(OfPrecision{kLiteralBits});
  if (body == "inf" || body == "Inf") {
    mpfr_set_inf(number.value_, text.starts_with('-') ? -1 : 1);
    return number;
  }
  if (!is_decimal(text)) return std::nullopt;
  if (mpfr_set_str(number.value_, std::string(text).c_str(), 10, MPFR_RNDN) != 0) {
    return std::nullopt;
  }
  if (!mpfr_regular_p(number.value_)) return number;
  if (std::abs(mpfr_get_exp(number.value_)) > 4 * kLargestExponent) return std::nullopt;
  return number;
}

std::optional<Number> Number::parse_integer(std::string_view digits, int base) {
  if (unsigned_part(digits).empty() ||
      !std::isalnum(static_cast<unsigned char>(unsigned_part(digits).front()))) {
    return std::nullopt;
  }
  if (digits.size() > 4 * kLargestExponent) return std::nullopt;
  mpz_t integer;
  const std::string text(digits.starts_with('+') ? digits.substr(1) : digits);
  if (mpz_init_set_str(integer, text.c_str(), base) != 0) {
    mpz_clear(integer);
    return std::nullopt;
  }
  const auto bits = static_cast<mpfr_prec_t>(mpz_sizeinbase(integer, 2));
  Number number(OfPrecision{std::max(bits, kIntegerBits)});
  mpfr_set_z(number.value_, integer, MPFR_RNDN);
  mpz_clear(integer);
  return number;
}

bool Number::is_integer() const {
  return mpfr_integer_p(value_) != 0;
}
bool Number::is_infinite() const {
  return mpfr_inf_p(value_) != 0;
}
bool Number::is_negative() const {
  return mpfr_signbit(value_) != 0;
}
bool Number::is_zero() const {
  return mpfr_zero_p(value_) != 0;
}

std::optional<int64_t> Number::to_int64() const {
  if (!is_integer() || !mpfr_fits_slong_p(value_, MPFR_RNDZ)) return std::nullopt;
  return mpfr_get_si(value_, MPFR_RNDZ);
}

double Number::to_double() const {
  return mpfr_get_d(value_, MPFR_RNDN);
}

Number::Digits Number::digits(size_t count) const {
  mpfr_exp_t exponent = 0;
  char* text = mpfr_get_str(nullptr, &exponent, 10, count, value_, MPFR_RNDN);
  Digits result{text, exponent};
  mpfr_free_str(text);
  if (result.digits.starts_with('-')) result.digits.erase(0, 1);
  return result;
}

// One more digit is never farther away, so the fewest digits that read back can be bisected.
Number::Digits Number::shortest_digits() const {
  const auto reads_back = [&](const Digits& candidate) {
    Number read(OfPrecision{mpfr_get_prec(value_)});
    const std::string text =
        fmt::format("{}0.{}e{}", is_negative() ? "-" : "", candidate.digits, candidate.exponent);
    mpfr_set_str(read.value_, text.c_str(), 10, MPFR_RNDN);
    return mpfr_equal_p(read.value_, value_) != 0;
  };
  size_t most = digits(0).digits.size();
  size_t fewest = 1;
  while (fewest < most) {
    const size_t middle = (fewest + most) / 2;
    if (reads_back(digits(middle))) {
      most = middle;
    } else {
      fewest = middle + 1;
    }
  }
  Digits result = digits(fewest);
  const size_t last = result.digits.find_last_not_of('0');
  result.digits.resize(last == std::string::npos ? 1 : last + 1);
  return result;
}

std::string Number::to_string() const {
  return format('f', -1);
}

std::string Number::format(char verb, int precision) const {
  const std::string sign = is_negative() ? "-" : "";
  if (is_infinite()) return is_negative() ? "-Inf" : "+Inf";
  const char lower = static_cast<char>(std::tolower(verb));
  const char exponent_letter = verb == 'E' || verb == 'G' ? 'E' : 'e';
  const bool shortest = precision < 0;
  if (lower == 'g' && precision == 0) precision = 1;
  Digits parts{"0", 1};
  if (!is_zero()) {
    if (shortest) {
      parts = shortest_digits();
    } else if (lower == 'f') {
      // So many digits that those after the point are right; MPFR rounds once, to the nearest.
      const long wanted = std::max(0L, mpfr_get_exp(value_)) + 2 + precision;
      char* text = nullptr;
      if (wanted > kLargestExponent * 8) return sign + to_string();
      mpfr_asprintf(&text, "%.*RNf", precision, value_);
      std::string result = text;
      mpfr_free_str(text);
      return result;
    } else {
      parts = digits(static_cast<size_t>(lower == 'e' ? precision + 1 : precision));
    }
  }
  const auto count = static_cast<long>(parts.digits.size());
  if (lower == 'f') {
    return sign +
           fixed(parts.digits, parts.exponent, shortest ? count - parts.exponent : precision);
  }
  if (lower == 'e') {
    return sign + scientific(parts.digits, parts.exponent, exponent_letter,
                             shortest ? count - 1 : precision);
  }
  const size_t last = parts.digits.find_last_not_of('0');
  parts.digits.resize(last == std::string::npos ? 1 : last + 1);
  const auto kept = static_cast<long>(parts.digits.size());
  long limit = shortest ? 6 : precision;
  if (!shortest && limit > kept && kept >= parts.exponent) limit = kept;
  if (parts.exponent - 1 < -4 || parts.exponent - 1 >= limit) {
    return sign + scientific(parts.digits, parts.exponent, exponent_letter, kept - 1);
  }
  return sign + fixed(parts.digits, parts.exponent, kept - parts.exponent);
}

std::string Number::integer_digits(int base) const {
  mpz_t integer;
  mpz_init(integer);
  mpfr_get_z(integer, value_, MPFR_RNDZ);
  char* text = mpz_get_str(nullptr, base, integer);
  std::string result = text;
  void (*release)(void*, size_t) = nullptr;
  mp_get_memory_functions(nullptr, nullptr, &release);
  release(text, result.size() + 1);
  mpz_clear(integer);
  return result;
}

Number Number::negated() const {
  Number result(*this);
  mpfr_neg(result.value_, value_, MPFR_RNDN);
  return result;
}

Number Number::absolute() const {
  Number result(*this);
  mpfr_abs(result.value_, value_, MPFR_RNDN);
  return result;
}

Number Number::truncated() const {
  if (is_integer() || is_infinite()) return *this;
  const auto exponent = static_cast<mpfr_prec_t>(std::max<mpfr_exp_t>(mpfr_get_exp(value_), 0));
  Number result(OfPrecision{std::max(kIntegerBits, exponent)});
  mpfr_trunc(result.value_, value_);
  return result;
}

Number Number::floor() const {
  Number result(*this);
  mpfr_floor(result.value_, value_);
  return result;
}

Number Number::ceil() const {
  Number result(*this);
  mpfr_ceil(result.value_, value_);
  return result;
}

namespace {

std::optional<Number> unless_nan(Number result, bool is_nan) {
  if (is_nan) return std::nullopt;
  return result;
}

}  // namespace

std::optional<Number> add(const Number& a, const Number& b) {
  Number result(Number::OfPrecision{std::max(mpfr_get_prec(a.value_), mpfr_get_prec(b.value_))});
  mpfr_add(result.value_, a.value_, b.value_, MPFR_RNDN);
  const bool is_nan = mpfr_nan_p(result.value_) != 0;
  return unless_nan(std::move(result), is_nan);
}

std::optional<Number> subtract(const Number& a, const Number& b) {
  Number result(Number::OfPrecision{std::max(mpfr_get_prec(a.value_), mpfr_get_prec(b.value_))});
  mpfr_sub(result.value_, a.value_, b.value_, MPFR_RNDN);
  const bool is_nan = mpfr_nan_p(result.value_) != 0;
  return unless_nan(std::move(result), is_nan);
}

// The product gets all the bits it needs, up to 512; never fewer than its factors have.
std::optional<Number> multiply(const Number& a, const Number& b) {
  Number result(Number::OfPrecision{kLiteralBits});
  mpfr_mul(result.value_, a.value_, b.value_, MPFR_RNDN);
  if (mpfr_nan_p(result.value_) != 0) return std::nullopt;
  const mpfr_prec_t bits = std::max({mpfr_get_prec(a.value_), mpfr_get_prec(b.value_),
                                     mpfr_min_prec(result.value_), mpfr_prec_t{MPFR_PREC_MIN}});
  mpfr_prec_round(result.value_, bits, MPFR_RNDN);
  return result;
}

std::optional<Number> divide(const Number& a, const Number& b) {
  Number result(Number::OfPrecision{std::max(mpfr_get_prec(a.value_), mpfr_get_prec(b.value_))});
  mpfr_div(result.value_, a.value_, b.value_, MPFR_RNDN);
  const bool is_nan = mpfr_nan_p(result.value_) != 0;
  return unless_nan(std::move(result), is_nan);
}

std::optional<Number> modulo(const Number& a, const Number& b) {
  if (a.is_infinite() || b.is_infinite()) return multiply(a, b);
  if (b.is_zero()) return a;
  const std::optional<Number> quotient = divide(a, b);
  CHECK(quotient.has_value());
  // All at the precision of `a`: remainders come out as cty's.
  Number work(Number::OfPrecision{mpfr_get_prec(a.value_)});
  const Number whole = quotient->truncated();
  mpfr_set(work.value_, whole.value_, MPFR_RNDN);
  mpfr_mul(work.value_, b.value_, work.value_, MPFR_RNDN);
  mpfr_sub(work.value_, a.value_, work.value_, MPFR_RNDN);
  return work;
}

std::strong_ordering Number::compare(const Number& other) const {
  const int order = mpfr_cmp(value_, other.value_);
  if (order < 0) return std::strong_ordering::less;
  return order > 0 ? std::strong_ordering::greater : std::strong_ordering::equal;
}

bool Number::operator==(const Number& other) const {
  if (mpfr_equal_p(value_, other.value_) != 0)
    return is_zero() || is_negative() == other.is_negative();
  if (is_negative() != other.is_negative() || is_infinite() || other.is_infinite()) return false;
  return to_string() == other.to_string();
}

}  // namespace slipway::hcl
