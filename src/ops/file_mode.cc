#include "ops/file_mode.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>

namespace slipway::ops {
namespace {

constexpr unsigned kUser = S_ISUID | S_IRWXU;
constexpr unsigned kGroup = S_ISGID | S_IRWXG;
constexpr unsigned kOther = S_IRWXO;
constexpr unsigned kAnyExecute = S_IXUSR | S_IXGRP | S_IXOTH;

unsigned who_bits(char c) {
  switch (c) {
    case 'u':
      return kUser;
    case 'g':
      return kGroup;
    case 'o':
      return kOther;
    case 'a':
      return kUser | kGroup | kOther;
    default:
      return 0;
  }
}

// The rwx bits of one class, repeated for all three.
unsigned spread(unsigned mode, char from) {
  const unsigned shift = from == 'u' ? 6 : from == 'g' ? 3 : 0;
  const unsigned bits = mode >> shift & 07;
  return bits << 6 | bits << 3 | bits;
}

}  // namespace

Result<ModeChange> ModeChange::parse(std::string_view text) {
  const Error bad = make_error(ErrorCode::InvalidInput, "invalid mode \"{}\"", text);
  ModeChange change;
  if (!text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '7'; })) {
    unsigned bits = 0;
    std::from_chars(text.data(), text.data() + text.size(), bits, 8);
    if (text.size() > 6 || bits > 07777) return bad;
    change.steps_.push_back({'=', 07777, bits, false});
    return change;
  }
  size_t at = 0;
  while (at < text.size()) {
    unsigned who = 0;
    while (at < text.size() && who_bits(text[at]) != 0) who |= who_bits(text[at++]);
    const bool only_other = who == kOther;
    if (who == 0) who = kUser | kGroup | kOther;
    const auto is_action = [&] {
      return at < text.size() && (text[at] == '+' || text[at] == '-' || text[at] == '=');
    };
    if (!is_action()) return bad;
    while (is_action()) {
      Step step{text[at++], who, 0, false};
      for (; at < text.size() && text[at] != ',' && !is_action(); ++at) {
        switch (text[at]) {
          case 'r':
            step.bits |= S_IRUSR | S_IRGRP | S_IROTH;
            break;
          case 'w':
            step.bits |= S_IWUSR | S_IWGRP | S_IWOTH;
            break;
          case 'x':
            step.bits |= kAnyExecute;
            break;
          case 'X':
            step.execute_if_any = true;
            break;
          case 's':
            if (!only_other) step.bits |= S_ISUID | S_ISGID;
            break;
          case 't':
            if (only_other) break;
            step.who |= S_ISVTX;
            step.bits |= S_ISVTX;
            break;
          case 'u':
          case 'g':
          case 'o':
            step.copy_from = text[at];
            break;
          default:
            return bad;
        }
      }
      change.steps_.push_back(step);
    }
    if (at < text.size() && (text[at++] != ',' || at == text.size())) return bad;
  }
  if (change.steps_.empty()) return bad;
  return change;
}

unsigned ModeChange::apply(unsigned mode) const {
  const bool any_execute = S_ISDIR(mode) || (mode & kAnyExecute) != 0;
  unsigned result = mode & 07777;
  for (const Step& step : steps_) {
    unsigned bits = step.bits;
    if (step.execute_if_any && any_execute) bits |= kAnyExecute;
    if (step.copy_from != '\0') bits |= spread(result, step.copy_from);
    bits &= step.who;
    switch (step.action) {
      case '+':
        result |= bits;
        break;
      case '-':
        result &= ~bits;
        break;
      default:
        result = (result & ~step.who) | bits;
        break;
    }
  }
  return result;
}

}  // namespace slipway::ops
