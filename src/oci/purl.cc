#include "oci/purl.h"

#include <fmt/format.h>

#include "base/text.h"

namespace slipway {
namespace {

// All but what the specification leaves as it is.
std::string encoded(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '-' || c == '_' || c == '~' || c == ':';
    result += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return result;
}

}  // namespace

std::string Purl::str() const {
  std::string text = "pkg:" + type;
  for (const std::string& part : split(space, '/')) {
    if (!part.empty()) text += "/" + encoded(part);
  }
  text += "/" + encoded(name);
  if (!version.empty()) text += "@" + encoded(version);
  char separator = '?';
  for (const auto& [key, value] : qualifiers) {
    if (value.empty()) continue;
    text += separator + key + "=" + encoded(value);
    separator = '&';
  }
  return text;
}

Purl image_purl(const Reference& image, const std::optional<Platform>& platform) {
  Purl purl{.type = "docker"};
  const Reference named = image.digest().empty() ? image.with_default_tag() : image;
  purl.version = named.tag();
  if (!image.digest().empty()) purl.qualifiers["digest"] = image.digest().str();
  if (platform) purl.qualifiers["platform"] = platform->str();
  const std::string name = image.with_tag("").with_digest({}).familiar();
  const size_t slash = name.rfind('/');
  purl.name = slash == std::string::npos ? name : name.substr(slash + 1);
  if (slash != std::string::npos) purl.space = name.substr(0, slash);
  return purl;
}

}  // namespace slipway
