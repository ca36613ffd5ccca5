#include "oci/reference.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"

namespace slipway {
namespace {

constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kDockerHub = "docker.io";
constexpr std::string_view kOfficial = "library/";
constexpr size_t kMaxPath = 255;
constexpr size_t kMaxTag = 128;

bool is_lower_or_digit(char c) {
  return kLower.contains(c) || kDigits.contains(c);
}
bool is_letter_or_digit(char c) {
  return is_lower_or_digit(c) || kUpper.contains(c);
}

Error invalid_format() {
  return Error(ErrorCode::InvalidInput, "invalid reference format");
}

// Lower-case words joined by ".", "_", "__" or any number of "-".
bool is_path_component(std::string_view text) {
  if (text.empty() || !is_lower_or_digit(text.front()) || !is_lower_or_digit(text.back())) {
    return false;
  }
  for (size_t i = 0; i < text.size();) {
    if (is_lower_or_digit(text[i])) {
      ++i;
      continue;
    }
    const size_t start = i;
    while (i < text.size() && !is_lower_or_digit(text[i])) ++i;
    const std::string_view separator = text.substr(start, i - start);
    const bool dashes = separator.find_first_not_of('-') == std::string_view::npos;
    if (!dashes && separator != "." && separator != "_" && separator != "__") return false;
  }
  return true;
}

bool is_path(std::string_view text) {
  const std::vector<std::string> components = split(text, '/');
  return std::all_of(components.begin(), components.end(), is_path_component);
}

bool is_host_name(std::string_view text) {
  const std::vector<std::string> labels = split(text, '.');
  return std::all_of(labels.begin(), labels.end(), [](const std::string& label) {
    return !label.empty() && label.front() != '-' && label.back() != '-' &&
           std::all_of(label.begin(), label.end(),
                       [](char c) { return c == '-' || is_letter_or_digit(c); });
  });
}

// A host name, an IPv4 address or an IPv6 address in brackets; perhaps a port.
bool is_domain(std::string_view text) {
  const size_t colon = text.rfind(':');
  const size_t bracket = text.rfind(']');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  if (has_port) {
    const std::string_view port = text.substr(colon + 1);
    if (port.empty() || port.find_first_not_of(kDigits) != std::string_view::npos) return false;
    text = text.substr(0, colon);
  }
  if (!text.starts_with('[')) return is_host_name(text);
  return text.size() > 2 && text.ends_with(']') &&
         text.substr(1, text.size() - 2).find_first_not_of("0123456789abcdefABCDEF:") ==
             std::string_view::npos;
}

bool is_tag(std::string_view text) {
  return !text.empty() && text.size() <= kMaxTag && text.front() != '.' && text.front() != '-' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return is_letter_or_digit(c) || c == '_' || c == '.' || c == '-';
         });
}

bool is_content_identifier(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// Splits off the registry. A first component is one when it looks like a host: "localhost", or a
// dot, a colon or a capital in it.
std::pair<std::string, std::string> split_domain(std::string_view text) {
  const size_t slash = text.find('/');
  std::string domain(kDockerHub);
  std::string path(text);
  if (slash != std::string_view::npos) {
    const std::string_view first = text.substr(0, slash);
    const bool is_host = first == "localhost" ||
                         first.find_first_of(".:") != std::string_view::npos ||
                         first.find_first_of(kUpper) != std::string_view::npos;
    if (is_host) {
      domain = first == "index.docker.io" ? kDockerHub : first;
      path = text.substr(slash + 1);
    }
  }
  if (domain == kDockerHub && !path.contains('/')) path = std::string(kOfficial) + path;
  return {domain, path};
}

}  // namespace

Result<Reference> Reference::parse(std::string_view text) {
  if (is_content_identifier(text)) {
    return make_error(ErrorCode::InvalidInput,
                      "invalid repository name ({}), cannot specify 64-byte hexadecimal strings",
                      text);
  }
  auto [domain, rest] = split_domain(text);
  const std::string name_part = rest.substr(0, rest.find(':'));
  if (name_part.find_first_of(kUpper) != std::string::npos) {
    return make_error(ErrorCode::InvalidInput,
                      "invalid reference format: repository name ({}) must be lowercase",
                      name_part);
  }
  Reference reference;
  reference.domain_ = std::move(domain);
  if (const size_t at = rest.find('@'); at != std::string::npos) {
    auto digest = Digest::parse(std::string_view(rest).substr(at + 1));
    if (!digest) return invalid_format();
    reference.digest_ = *std::move(digest);
    rest.erase(at);
  }
  if (const size_t colon = rest.find(':'); colon != std::string::npos) {
    reference.tag_ = rest.substr(colon + 1);
    if (!is_tag(reference.tag_)) return invalid_format();
    rest.erase(colon);
  }
  reference.path_ = std::move(rest);
  // A "host" that is none ("a_b.c") still passes where it could be part of a path.
  const bool has_host = is_domain(reference.domain_);
  if ((!has_host && !is_path(reference.domain_)) || !is_path(reference.path_)) {
    return invalid_format();
  }
  if (reference.path_.size() + (has_host ? 0 : reference.domain_.size() + 1) > kMaxPath) {
    return make_error(ErrorCode::InvalidInput,
                      "repository name must not be more than {} characters", kMaxPath);
  }
  return reference;
}

std::string Reference::str() const {
  return name() + (tag_.empty() ? "" : ":" + tag_) + (digest_.empty() ? "" : "@" + digest_.str());
}

std::string Reference::familiar() const {
  std::string name = str();
  if (domain_ != kDockerHub) return name;
  name.erase(0, domain_.size() + 1);
  const bool official =
      path_.starts_with(kOfficial) && !path_.substr(kOfficial.size()).contains('/');
  if (official) name.erase(0, kOfficial.size());
  return name;
}

Reference Reference::with_default_tag() const {
  return tag_.empty() && digest_.empty() ? with_tag("latest") : *this;
}

Reference Reference::with_digest(Digest digest) const {
  Reference copy = *this;
  copy.digest_ = std::move(digest);
  return copy;
}

Reference Reference::with_tag(std::string tag) const {
  Reference copy = *this;
  copy.tag_ = std::move(tag);
  return copy;
}

}  // namespace slipway
