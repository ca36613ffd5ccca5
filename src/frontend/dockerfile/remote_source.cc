// Source ops: git, http, images, and parse_context_source.
#include <charconv>

#include <fmt/format.h>

#include "base/text.h"
#include "frontend/dockerfile/convert_context.h"
#include "frontend/dockerfile/git_ref.h"
#include "frontend/dockerfile/path_rules.h"

namespace slipway::dockerfile {

bool is_git_source(std::string_view text) {
  const Result<std::optional<GitRef>> ref = parse_git_ref(text);
  return ref && ref->has_value();
}

bool is_http_source(std::string_view text) {
  return (text.starts_with("http://") || text.starts_with("https://")) && !is_git_source(text);
}

std::string url_file_name(std::string_view url) {
  const size_t authority = url.find("://") + 3;
  url = url.substr(0, url.find_first_of("?#"));
  const size_t path = url.find('/', authority);
  if (path == std::string_view::npos) return "__unnamed__";
  std::string decoded;
  const std::string_view encoded = url.substr(path);
  for (size_t i = 0; i < encoded.size(); ++i) {
    unsigned value = 0;
    if (encoded[i] == '%' && i + 2 < encoded.size() &&
        std::from_chars(&encoded[i] + 1, &encoded[i] + 3, value, 16).ptr == &encoded[i] + 3) {
      decoded += static_cast<char>(value);
      i += 2;
    } else {
      decoded += encoded[i];
    }
  }
  const std::string name(base_name(decoded));
  return name == "." || name == "/" ? "__unnamed__" : name;
}

PendingOp git_source(const GitRef& ref, graph::VertexMetadata metadata) {
  graph::SourceOp source;
  source.identifier = "git://" + ref.host + join_path("/", ref.path);
  if (!ref.ref.empty() || !ref.subdir.empty()) {
    source.identifier += "#" + ref.ref;
    if (!ref.subdir.empty()) source.identifier += ":" + ref.subdir;
  }
  const auto set = [&](const char* attr, std::string value, const char* cap) {
    source.attrs[attr] = std::move(value);
    if (cap != nullptr) metadata.caps[cap] = true;
  };
  if (ref.keep_git_dir.value_or(false)) set("git.keepgitdir", "true", "source.git.keepgitdir");
  set("git.fullurl", ref.remote, "source.git.fullurl");
  set("git.authtokensecret", "GIT_AUTH_TOKEN", nullptr);
  set("git.authheadersecret", "GIT_AUTH_HEADER", nullptr);
  if (ref.scheme == "ssh") {
    // BuildKit asks the host for its keys here; we leave that to the step that fetches.
    metadata.caps["source.git.knownsshhosts"] = true;
    set("git.mountsshsock", "default", "source.git.mountsshsock");
  }
  if (!ref.checksum.empty()) set("git.checksum", ref.checksum, "source.git.checksum");
  if (!ref.submodules.value_or(true)) {
    set("git.skipsubmodules", "true", "source.git.skipsubmodules");
  }
  if (!ref.mtime.empty()) set("git.mtime", ref.mtime, "source.git.mtime");
  if (ref.fetch_by_commit) set("git.fetchbycommit", "true", "source.git.fetchbycommit");
  metadata.caps["source.git"] = true;
  return {std::move(source), {}, std::nullopt, std::move(metadata), std::nullopt};
}

PendingOp http_source(std::string url, std::string filename, std::string checksum,
                      graph::VertexMetadata metadata) {
  graph::SourceOp source{std::move(url), {{"http.filename", std::move(filename)}}};
  if (!checksum.empty()) {
    source.attrs["http.checksum"] = std::move(checksum);
    metadata.caps["source.http.checksum"] = true;
  }
  metadata.caps["source.http"] = true;
  return {std::move(source), {}, std::nullopt, std::move(metadata), std::nullopt};
}

PendingOp image_source(const Reference& reference, const Platform& platform, ImagePull pull,
                       graph::VertexMetadata metadata) {
  graph::SourceOp source{"docker-image://" + reference.with_default_tag().str(), {}};
  metadata.caps["source.image"] = true;
  if (pull == ImagePull::Always) {
    source.attrs["image.resolvemode"] = "pull";
    metadata.caps["source.image.resolvemode"] = true;
  } else if (pull == ImagePull::PreferLocal) {
    source.attrs["image.resolvemode"] = "local";
  }
  return {std::move(source), {}, platform, std::move(metadata), std::nullopt};
}

std::string json_list(const std::vector<std::string>& items) {
  std::string list = "[";
  for (const std::string& item : items) {
    if (list.size() > 1) list += ',';
    list += '"';
    for (const char c : item) {
      if (c == '"' || c == '\\') {
        list += '\\';
        list += c;
      } else if (c == '\n') {
        list += "\\n";
      } else if (c == '\r') {
        list += "\\r";
      } else if (c == '\t') {
        list += "\\t";
      } else if (static_cast<unsigned char>(c) < 0x20 || c == '<' || c == '>' || c == '&') {
        list += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
      } else {
        list += c;
      }
    }
    list += '"';
  }
  return list + "]";
}

Result<ContextSource> parse_context_source(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return make_error(ErrorCode::InvalidInput, "invalid context specifier {}", text);
  }
  const std::string_view kind = text.substr(0, colon);
  std::string_view rest = text.substr(colon + 1);
  if (kind == "docker-image" || kind == "oci-layout") {
    if (rest.starts_with("//")) rest.remove_prefix(2);
    if (kind == "docker-image") return ContextSource(ImageContext{std::string(rest)});
    const size_t at = rest.rfind('@');
    if (at == std::string_view::npos) {
      return make_error(ErrorCode::InvalidInput, "oci-layout reference \"{}\" has no digest", rest);
    }
    std::string_view store = rest.substr(0, at);
    // A tag before the digest says nothing.
    const size_t tag = store.rfind(':');
    if (tag != std::string_view::npos && store.find('/', tag) == std::string_view::npos) {
      store = store.substr(0, tag);
    }
    return ContextSource(
        OciLayoutContext{std::string(store), TRY(Digest::parse(rest.substr(at + 1)))});
  }
  if (kind == "local") return ContextSource(LocalContext{std::string(rest), {}, {}});
  if (kind == "http" || kind == "https" || kind == "git" || kind == "ssh" ||
      kind.starts_with("git@")) {
    return ContextSource(UrlContext{std::string(text)});
  }
  return make_error(ErrorCode::InvalidInput, "unsupported context source {}", kind);
}

}  // namespace slipway::dockerfile
