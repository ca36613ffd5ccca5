// Base64 (RFC 4648, section 4): the standard alphabet, padded.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace slipway {

std::string encode_base64(std::string_view bytes);

// nullopt for anything but the padded standard form.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace slipway
