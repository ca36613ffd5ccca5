#include "mutator.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace slipway::fuzz {
namespace {

using std::string_view_literals::operator""sv;

// What parsers treat in a way of its own, and what they forget.
constexpr std::string_view kBytes = "\0\n\r\t \"'\\`$#{}[]()<>=:;,./*?!@&|-+%0\x7f\x80\xc3\xff"sv;
constexpr std::string_view kNumbers[] = {"0",
                                         "-1",
                                         "7",
                                         "65536",
                                         "4294967295",
                                         "2147483648",
                                         "9223372036854775807",
                                         "18446744073709551616",
                                         "1e999",
                                         "0x1f"};
constexpr size_t kLongest = 128 << 10;

struct Range {
  size_t at = 0;
  size_t size = 0;
};

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

// SplitMix64: the same everywhere, as the standard library's distributions are not.
class Mutator::Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  size_t below(size_t end) { return end == 0 ? 0 : static_cast<size_t>(next() % end); }
  template <typename Values>
  const auto& one_of(const Values& values) {
    return values[below(std::size(values))];
  }
  // Of a text with `size` bytes; mostly short.
  Range range(size_t size) {
    const size_t at = below(size);
    const size_t longest = std::min(size - at, below(4) == 0 ? size : size_t{8});
    return {at, longest == 0 ? 0 : 1 + below(longest)};
  }
  Range line(std::string_view text) {
    const size_t at = below(text.size() + 1);
    const size_t before = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
    const size_t start = before == std::string_view::npos ? 0 : before + 1;
    const size_t end = std::min(text.find('\n', at), text.size());
    return {start, std::min(end + 1, text.size()) - start};
  }

 private:
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  uint64_t state_;
};

Mutator::Mutator(std::vector<std::string> seeds, std::vector<std::string> words)
    : seeds_(std::move(seeds)), words_(std::move(words)) {
  CHECK(!seeds_.empty());
}

std::string Mutator::input(uint64_t number) const {
  Random random(number);
  std::string text = random.one_of(seeds_);
  for (size_t changes = 1 + random.below(4); changes > 0; --changes) change(text, random);
  if (text.size() > kLongest) text.resize(kLongest);
  return text;
}

void Mutator::change(std::string& text, Random& random) const {
  const size_t at = random.below(text.size() + 1);
  const Range range = random.range(text.size());
  const std::string& other = random.one_of(seeds_);
  switch (random.below(11)) {
    case 0:  // a bit
      if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << random.below(8)));
      break;
    case 1:
      text.insert(at, 1, random.one_of(kBytes));
      break;
    case 2:
      if (at < text.size()) text[at] = random.one_of(kBytes);
      break;
    case 3:
      text.erase(range.at, range.size);
      break;
    case 4:
      text.insert(at, std::string(text, range.at, range.size));
      break;
    case 5:  // nesting
      for (size_t times = random.below(300); times > 0 && text.size() < kLongest; --times) {
        text.insert(at, std::string(text, at, 1 + range.size % 3));
      }
      break;
    case 6:
    case 7:
      if (!words_.empty()) text.insert(at, random.one_of(words_));
      break;
    case 8: {  // the head of one, the tail of another
      const size_t from = random.below(other.size() + 1);
      text.replace(at, std::string::npos, other, from, std::string::npos);
      break;
    }
    case 9: {
      const Range line = random.line(other);
      text.insert(random.line(text).at, other, line.at, line.size);
      break;
    }
    default: {  // a number
      const auto first =
          std::ranges::find_if(text.begin() + static_cast<ptrdiff_t>(at), text.end(), is_digit);
      const auto last = std::ranges::find_if_not(first, text.end(), is_digit);
      if (first != last) text.replace(first, last, random.one_of(kNumbers));
      break;
    }
  }
}

}  // namespace slipway::fuzz
