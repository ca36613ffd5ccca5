#include "ops/file_mode.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace slipway::ops {
namespace {

constexpr unsigned kUser = S_ISUID | S_IRWXU;
constexpr unsigned kGroup = S_ISGID | S_IRWXG;
constexpr unsigned kOther = S_IRWXO;
constexpr unsigned kPermissions = S_IRWXU | S_IRWXG | S_IRWXO;
constexpr unsigned kAll = 07777;
constexpr unsigned kAnyExecute = S_IXUSR | S_IXGRP | S_IXOTH;

bool is_action(char c) {
  return c == '+' || c == '-' || c == '=';
}

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
    if (text.size() > 6 || bits > kAll) return bad;
    change.add('=', kAll, bits);
    return change;
  }
  for (size_t at = 0;; ++at) {
    unsigned who = 0;
    while (at < text.size() && who_bits(text[at]) != 0) who |= who_bits(text[at++]);
    if (at == text.size() || !is_action(text[at])) return bad;
    while (at < text.size() && is_action(text[at])) at = change.read_action(text, at, who);
    if (at == text.size()) return change;
    if (text[at] != ',') return bad;
  }
}

// From "+", "-" or "=" to the first character that is no permission. A class among the permissions
// ("u=rg") ends an action, and the next one begins.
size_t ModeChange::read_action(std::string_view text, size_t at, unsigned who) {
  const char action = text[at++];
  unsigned bits = 0;
  bool execute_if_any = false;
  bool is_set = action != '=';  // "o=" alone takes everything away
  const auto finish = [&] {
    if (bits != 0 || !is_set) add(action, who, std::exchange(bits, 0));
    is_set = true;
    if (std::exchange(execute_if_any, false)) add('X', who, kAnyExecute);
  };
  for (; at < text.size(); ++at) {
    const char c = text[at];
    const bool only_other = who == kOther;
    if (c == 'r') {
      bits |= S_IRUSR | S_IRGRP | S_IROTH;
    } else if (c == 'w') {
      bits |= S_IWUSR | S_IWGRP | S_IWOTH;
    } else if (c == 'x' || (c == 'X' && action == '-')) {
      bits |= kAnyExecute;
    } else if (c == 'X') {
      execute_if_any = true;
    } else if (c == 's') {
      if (!only_other) bits |= S_ISUID | S_ISGID;
    } else if (c == 't') {
      if (only_other) continue;
      who |= S_ISVTX;
      bits |= S_ISVTX;
    } else if (c == 'u' || c == 'g' || c == 'o') {
      is_set = is_set || bits == 0;
      finish();
      steps_.push_back({c, who == 0 ? kPermissions : who & kPermissions, action});
    } else {
      break;
    }
  }
  finish();
  return at;
}

// who == 0: nobody was named, which is everybody but for the sticky bit.
void ModeChange::add(char action, unsigned who, unsigned bits) {
  if (action == '=') {
    steps_.push_back({'-', who == 0 ? kUser | kGroup | kOther : who});
    action = '+';
  }
  steps_.push_back({action, who == 0 ? bits : who & bits});
}

unsigned ModeChange::apply(unsigned mode) const {
  const bool any_execute = S_ISDIR(mode) || (mode & kAnyExecute) != 0;
  unsigned result = mode & kAll;
  for (const Step& step : steps_) {
    if (step.action == '+' || (step.action == 'X' && any_execute)) {
      result |= step.bits;
    } else if (step.action == '-') {
      result &= ~step.bits;
    } else if (step.copy_as != 0) {
      const unsigned copied = spread(result, step.action) & step.bits;
      if (step.copy_as == '=') result &= ~step.bits;
      result = step.copy_as == '-' ? result & ~copied : result | copied;
    }
  }
  return result;
}

}  // namespace slipway::ops
