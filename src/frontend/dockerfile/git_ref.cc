#include "frontend/dockerfile/git_ref.h"

#include <arpa/inet.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "base/pattern_matcher.h"
#include "base/text.h"
#include "base/unicode.h"
#include "base/values.h"

namespace slipway::dockerfile {
namespace {

constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kDigits = "0123456789";

bool is_letter_or_digit(char c) {
  return kLetters.contains(c) || kDigits.contains(c);
}

using Query = std::map<std::string, std::vector<std::string>>;

struct Url {
  std::string scheme;
  std::string host;
  std::string path;  // decoded
  std::string remote;
  std::string fragment;
  Query query;
};

// "%20" -> " ", in a query also "+" -> " ". Nothing where an escape is malformed.
std::optional<std::string> unescape(std::string_view text, bool query) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      constexpr std::string_view kHex = "0123456789abcdef";
      const auto digit = [&](size_t at) {
        return at < text.size() ? kHex.find(to_lower(text.substr(at, 1))[0])
                                : std::string_view::npos;
      };
      const size_t high = digit(i + 1);
      const size_t low = digit(i + 2);
      if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      decoded += query && text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

std::string escape(std::string_view text, std::string_view allowed) {
  std::string encoded;
  for (const char c : text) {
    if (is_letter_or_digit(c) || allowed.contains(c)) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

bool consists_of(std::string_view text, std::string_view marks) {
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_letter_or_digit(c) || marks.contains(c); });
}

// The path as a URL holds it: as written where that is a valid encoding, else encoded anew.
std::string escaped_path(std::string_view written, std::string_view decoded) {
  if (consists_of(written, "-_.~$&+,/:;=@%!'()*[]")) return std::string(written);
  return escape(decoded, "-_.~$&+,/:;=@");
}

struct ParsedQuery {
  Query query;
  bool well_formed = true;  // malformed parts are left out
};
ParsedQuery parse_query(std::string_view text) {
  ParsedQuery parsed;
  for (const std::string& part : split(text, '&')) {
    if (part.empty()) continue;
    const size_t equals = part.find('=');
    const auto name = unescape(part.substr(0, equals), true);
    const auto value = unescape(equals == std::string::npos ? "" : part.substr(equals + 1), true);
    if (name && value && !part.contains(';')) {
      parsed.query[*name].push_back(*value);
    } else {
      parsed.well_formed = false;
    }
  }
  return parsed;
}

std::pair<std::string_view, std::string_view> cut(std::string_view text, char separator) {
  const size_t at = text.find(separator);
  if (at == std::string_view::npos) return {text, {}};
  return {text.substr(0, at), text.substr(at + 1)};
}

bool is_port(std::string_view text) {
  return text.empty() || (text[0] == ':' && text.find_first_not_of(kDigits, 1) == text.npos);
}

// "[::1]:80", perhaps with a zone: "[fe80::1%25eth0]".
bool is_ip_literal(std::string_view host) {
  const size_t end = host.rfind(']');
  if (end == std::string_view::npos || !is_port(host.substr(end + 1))) return false;
  const std::string_view inside = host.substr(1, end - 1);
  const std::string address(inside.substr(0, inside.find("%25")));
  unsigned char bytes[sizeof(in6_addr)];
  return ::inet_pton(AF_INET6, address.c_str(), bytes) == 1;
}

// A host as net/url reads and prints it: only bytes beyond ASCII can be escaped, and they are.
std::optional<std::string> read_host(std::string_view host, bool is_web) {
  const size_t bracket = host.rfind('[');
  if (bracket == 0) return is_ip_literal(host) ? std::optional(std::string(host)) : std::nullopt;
  const size_t colon = is_web ? host.find(':') : host.rfind(':');
  if (bracket != host.npos || (colon != host.npos && !is_port(host.substr(colon)))) {
    return std::nullopt;
  }
  const auto decoded = unescape(host, false);
  if (!decoded) return std::nullopt;
  constexpr std::string_view kAllowed = "-_.~!$&'()*+,;=:[]<>\"";
  std::string encoded = escape(*decoded, kAllowed);
  for (size_t at = encoded.find('%'); at != encoded.npos; at = encoded.find('%', at + 1)) {
    const bool is_ascii = encoded[at + 1] < '8';
    if (is_ascii && encoded.compare(at, 3, "%25") != 0) return std::nullopt;
  }
  return encoded;
}

// "user" or "user:password", anew.
std::optional<std::string> read_user(std::string_view text) {
  if (!consists_of(text, "-._:~!$&'()*+,;=%@")) return std::nullopt;
  constexpr std::string_view kAllowed = "-_.~$&+,;=";
  const auto [name, password] = cut(text, ':');
  const auto decoded_name = unescape(name, false);
  const auto decoded_password = unescape(password, false);
  if (!decoded_name || !decoded_password) return std::nullopt;
  return escape(*decoded_name, kAllowed) +
         (text.contains(':') ? ":" + escape(*decoded_password, kAllowed) : "");
}

std::optional<Url> parse_url(std::string_view text, bool with_scheme) {
  if (std::any_of(text.begin(), text.end(),
                  [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7F; })) {
    return std::nullopt;
  }
  Url url;
  const auto [without_fragment, fragment] = cut(text, '#');
  auto [rest, query] = cut(without_fragment, '?');
  url.query = parse_query(query).query;
  if (with_scheme) {
    const size_t end = rest.find("://");
    url.scheme = to_lower(rest.substr(0, end));
    rest.remove_prefix(end + 3);
    std::string_view authority = rest.substr(0, rest.find('/'));
    rest.remove_prefix(authority.size());
    const bool has_path = !rest.empty();
    std::string user;
    if (const size_t at = authority.rfind('@'); at != std::string_view::npos) {
      auto read = read_user(authority.substr(0, at));
      if (!read) return std::nullopt;
      user = *std::move(read) + "@";
      authority.remove_prefix(at + 1);
    }
    auto host = read_host(authority, url.scheme == "http" || url.scheme == "https");
    if (!host) return std::nullopt;
    url.host = *std::move(host);
    const bool is_empty = user.empty() && url.host.empty() && !has_path;
    url.remote = url.scheme + (is_empty ? ":" : "://") + user + url.host;
  }
  const auto path = unescape(rest, false);
  const auto decoded_fragment = unescape(fragment, false);
  if (!path || !decoded_fragment) return std::nullopt;
  url.path = *path;
  url.fragment = *decoded_fragment;
  url.remote += escaped_path(rest, *path);
  if (without_fragment.ends_with('?') && query.empty()) url.remote += '?';
  return url;
}

// "user@host:path?query#fragment"
std::optional<Url> parse_scp_url(std::string_view text) {
  const size_t at = text.find('@');
  if (at == std::string_view::npos || at == 0) return std::nullopt;
  const std::string_view user = text.substr(0, at);
  const size_t colon = text.find(':', at);
  if (colon == std::string_view::npos || colon == at + 1) return std::nullopt;
  const std::string_view host = text.substr(at + 1, colon - at - 1);
  if (!consists_of(user, "-_") || !consists_of(host, "-.")) return std::nullopt;
  const auto [without_fragment, fragment] = cut(text.substr(colon + 1), '#');
  const auto [path, query] = cut(without_fragment, '?');
  Url url;
  url.scheme = "ssh";
  url.host = host;
  url.path = path;
  url.fragment = fragment;
  ParsedQuery parsed = parse_query(query);
  if (!parsed.well_formed) return std::nullopt;
  url.query = std::move(parsed.query);
  url.remote = std::string(user) + "@" + url.host + ":" + url.path;
  return url;
}

// The URL of a git repository, or nothing.
std::optional<Url> parse_git_url(std::string_view text) {
  const size_t scheme_end = text.find("://");
  const bool has_scheme =
      scheme_end != std::string_view::npos && scheme_end > 0 &&
      std::all_of(text.begin(), text.begin() + static_cast<ptrdiff_t>(scheme_end),
                  is_letter_or_digit);
  if (!has_scheme) return parse_scp_url(text);
  const std::string scheme = to_lower(text.substr(0, scheme_end));
  if (scheme != "http" && scheme != "https" && scheme != "ssh" && scheme != "git") {
    return std::nullopt;
  }
  auto url = parse_url(text, true);
  // A web page is not a repository: the path has to say so.
  const bool is_web = scheme == "http" || scheme == "https";
  if (url && is_web && !url->path.ends_with(".git")) return std::nullopt;
  return url;
}

Status set_without_conflict(std::string_view name, std::string& field, const std::string& value) {
  if (!field.empty() && field != value) {
    return invalid_input("{} conflicts: {} vs {}", name, go_quote(field), go_quote(value));
  }
  field = value;
  return {};
}

Result<bool> switch_of(const std::string& name, const std::string& value) {
  if (value.empty()) return true;
  const Result<bool> parsed = parse_bool(value);
  if (!parsed) return invalid_input("invalid {} value: {}", name, go_quote(value));
  return *parsed;
}

std::string with_prefix(std::string_view prefix, const std::string& name) {
  return name.starts_with(prefix) ? name : std::string(prefix) + name;
}

Status take_option(const std::string& name, const std::string& value, GitRef& result) {
  const bool is_switch =
      name == "submodules" || name == "keep-git-dir" || name == "fetch-by-commit";
  if (value.empty() && !is_switch) return invalid_input("query {} has no value", go_quote(name));
  if (name == "ref") return set_without_conflict("ref", result.ref, value);
  if (name == "subdir") return set_without_conflict("subdir", result.subdir, value);
  if (name == "tag" || name == "branch") return {};  // after all others
  if (name == "checksum" || name == "commit") {
    result.checksum = value;
  } else if (name == "keep-git-dir") {
    result.keep_git_dir = TRY(switch_of(name, value));
  } else if (name == "submodules") {
    result.submodules = TRY(switch_of(name, value));
  } else if (name == "fetch-by-commit") {
    result.fetch_by_commit = TRY(switch_of(name, value));
  } else if (name == "mtime") {
    if (value != "checkout" && value != "commit") {
      return invalid_input("invalid mtime value: {} (must be \"checkout\" or \"commit\")",
                           go_quote(value));
    }
    result.mtime = value;
  } else {
    return invalid_input(
        "unexpected query {}{}", go_quote(name),
        did_you_mean(name, {"ref", "tag", "branch", "subdir", "checksum", "commit", "keep-git-dir",
                            "submodules", "fetch-by-commit", "mtime"}));
  }
  return {};
}

Status take_query(const Query& query, GitRef& result) {
  for (const auto& [name, values] : query) {
    if (values.size() > 1) return invalid_input("query {} has multiple values", go_quote(name));
    TRY(take_option(name, values[0], result));
  }
  const auto tag = query.find("tag");
  const auto branch = query.find("branch");
  if (tag != query.end()) {
    TRY(set_without_conflict("ref", result.ref, with_prefix("refs/tags/", tag->second[0])));
  }
  if (branch == query.end()) return {};
  if (tag != query.end()) return invalid_input("branch conflicts with tag");
  return set_without_conflict("ref", result.ref, with_prefix("refs/heads/", branch->second[0]));
}

}  // namespace

Result<std::optional<GitRef>> parse_git_ref(std::string_view text) {
  if (text.starts_with("./") || text.starts_with("../")) return std::optional<GitRef>();
  GitRef result;
  result.looks_like_a_path = text.starts_with("github.com/");
  const std::optional<Url> url =
      result.looks_like_a_path ? parse_url(text, false) : parse_git_url(text);
  if (!url) return std::optional<GitRef>();
  result.scheme = result.looks_like_a_path ? "https" : url->scheme;
  result.host = result.looks_like_a_path ? "github.com" : url->host;
  result.path = result.looks_like_a_path ? url->path.substr(url->path.find('/')) : url->path;
  result.unencrypted = url->scheme == "http" || url->scheme == "git";
  result.remote = url->remote;
  if (!url->fragment.empty()) {
    const auto [ref, subdir] = cut(url->fragment, ':');
    result.ref = ref;
    result.subdir = clean_path("/" + std::string(subdir)).substr(1);
  }
  const std::string_view remote = result.remote;
  std::string_view name = remote.substr(remote.rfind('/') + 1);
  if (name.ends_with(".git")) name.remove_suffix(4);
  result.short_name = name;
  TRY(take_query(url->query, result));
  return std::optional(std::move(result));
}

}  // namespace slipway::dockerfile
