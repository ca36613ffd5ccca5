#include "base/url_password.h"

#include <algorithm>

namespace slipway {

std::string without_passwords(std::string_view text) {
  constexpr std::string_view kAfterScheme = "://";
  constexpr std::string_view kEnds = "/?#\"<>\\ \t\r\n";
  std::string shown;
  for (;;) {
    const size_t scheme_end = text.find(kAfterScheme);
    if (scheme_end == std::string_view::npos) return shown.append(text);
    const bool is_ssh = text.substr(0, scheme_end).ends_with("ssh");
    const size_t begin = scheme_end + kAfterScheme.size();
    shown += text.substr(0, begin);
    text.remove_prefix(begin);
    const std::string_view authority = text.substr(0, text.find_first_of(kEnds));
    const size_t at = authority.rfind('@');
    if (at == std::string_view::npos) continue;
    const bool is_plain_user = is_ssh && !authority.substr(0, at).contains(':');
    if (is_plain_user) continue;
    shown += "xxxxx";
    text.remove_prefix(at);
  }
}

}  // namespace slipway
