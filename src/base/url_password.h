// Passwords in URLs, which what is shown and what is written down must not have.
#pragma once

#include <string>
#include <string_view>

namespace slipway {

// The text with "xxxxx" for the user and password of each URL in it. The user of ssh:// stays where
// there is no password: it is no secret, as the token of https://TOKEN@host is.
std::string without_passwords(std::string_view text);

}  // namespace slipway
