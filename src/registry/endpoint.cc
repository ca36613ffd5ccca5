#include "registry/endpoint.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/file_io.h"

namespace slipway::registry {
namespace {

// Where OpenSSL's distributions keep the system's bundle; needed only to add to it.
constexpr const char* kSystemBundles[] = {"/etc/ssl/certs/ca-certificates.crt",
                                          "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"};
constexpr size_t kMaxBundleBytes = 16 << 20;

std::string origin_host(const std::string& domain) {
  return domain == "docker.io" || domain == "index.docker.io" ? "registry-1.docker.io" : domain;
}

std::string system_bundle(const std::string& configured) {
  if (!configured.empty()) return read_file(configured, kMaxBundleBytes).value_or("");
  for (const char* path : kSystemBundles) {
    Result<std::string> text = read_file(path, kMaxBundleBytes);
    if (text) return *std::move(text);
  }
  return {};
}

std::vector<std::filesystem::path> sorted_files(const std::filesystem::path& directory) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

struct MirrorAddress {
  std::string scheme;  // empty: as the host demands
  std::string host;
  std::string prefix;  // "hub/", or empty
};

MirrorAddress parse_mirror(std::string_view text) {
  MirrorAddress address;
  for (const std::string_view scheme : {"https", "http"}) {
    const std::string start = std::string(scheme) + "://";
    if (!text.starts_with(start)) continue;
    address.scheme = scheme;
    text.remove_prefix(start.size());
  }
  while (text.ends_with('/')) text.remove_suffix(1);
  const size_t slash = text.find('/');
  address.host = origin_host(std::string(text.substr(0, slash)));
  if (slash != std::string_view::npos) address.prefix = std::string(text.substr(slash + 1)) + "/";
  return address;
}

}  // namespace

Result<TlsSettings> Endpoints::tls_settings(const std::string& host, bool insecure) const {
  TlsSettings tls;
  tls.verify = !insecure;
  tls.ca_file = options_.ca_file;
  std::string further_authorities;
  for (const std::filesystem::path& directory : options_.certificate_directories) {
    for (const std::filesystem::path& file : sorted_files(directory / host)) {
      if (file.extension() == ".crt") {
        further_authorities += TRY(read_file(file, kMaxBundleBytes)) + "\n";
      } else if (file.extension() == ".cert" && tls.client_certificate_file.empty()) {
        tls.client_certificate_file = file;
        tls.client_key_file = std::filesystem::path(file).replace_extension(".key");
      }
    }
  }
  if (!further_authorities.empty()) {
    tls.ca_pem = system_bundle(options_.ca_file) + "\n" + further_authorities;
  }
  return tls;
}

Result<bool> Endpoints::speaks_tls(const std::string& host, const TlsSettings& tls,
                                   std::stop_token stop) {
  HttpRequest probe;
  probe.method = "HEAD";
  probe.url = fmt::format("https://{}/v2/", host);
  probe.tls = tls;
  const Result<HttpResponse> answer = http_.perform(probe, stop);
  if (answer) return true;
  if (answer.error().code() == ErrorCode::Cancelled) return answer.error();
  return false;
}

Result<Endpoint> Endpoints::make(const std::string& host, const std::string& prefix,
                                 const std::string& scheme, std::stop_token stop) {
  const std::string key = scheme + "://" + host + "/" + prefix;
  {
    auto known = known_.lock();
    const auto found = known->find(key);
    if (found != known->end()) return found->second;
  }
  const bool loopback = is_loopback_host(host);
  const bool insecure = loopback || options_.insecure_hosts.contains(host);
  Endpoint endpoint;
  endpoint.host = host;
  endpoint.tls = TRY(tls_settings(host, insecure));
  std::string chosen = scheme;
  if (chosen.empty()) {
    bool tls = true;
    if (loopback) {
      tls = host.ends_with(":443");
    } else if (insecure) {
      tls = TRY(speaks_tls(host, endpoint.tls, stop));
    }
    chosen = tls ? "https" : "http";
  }
  endpoint.url = fmt::format("{}://{}/v2/{}", chosen, host, prefix);
  known_.lock()->insert_or_assign(key, endpoint);
  return endpoint;
}

Result<std::vector<Endpoint>> Endpoints::for_pull(const Reference& reference,
                                                  std::stop_token stop) {
  std::vector<Endpoint> endpoints;
  const auto mirrors = options_.mirrors.find(reference.domain());
  if (mirrors != options_.mirrors.end()) {
    for (const std::string& text : mirrors->second) {
      const MirrorAddress address = parse_mirror(text);
      endpoints.push_back(TRY(make(address.host, address.prefix, address.scheme, stop)));
      endpoints.back().mirrored_for = reference.domain();
    }
  }
  endpoints.push_back(TRY(for_push(reference, stop)));
  return endpoints;
}

Result<Endpoint> Endpoints::for_push(const Reference& reference, std::stop_token stop) {
  return make(origin_host(reference.domain()), "", "", stop);
}

}  // namespace slipway::registry
