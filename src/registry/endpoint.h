// Endpoint: a server that is asked for images of a domain: the registry itself or a mirror.
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "oci/reference.h"
#include "registry/http.h"
#include "registry/options.h"

namespace slipway::registry {

struct Endpoint {
  std::string host;          // "registry-1.docker.io", "mirror.lan:5000": for credentials and TLS
  std::string url;           // "https://mirror.lan:5000/v2/prefix/": names are appended
  std::string mirrored_for;  // the domain, when this is a mirror
  TlsSettings tls;
};

class Endpoints {
 public:
  Endpoints(const ClientOptions& options, HttpClient& http) : options_(options), http_(http) {}

  // Mirrors first, the origin last.
  Result<std::vector<Endpoint>> for_pull(const Reference& reference, std::stop_token stop);
  Result<Endpoint> for_push(const Reference& reference, std::stop_token stop);

 private:
  Result<Endpoint> make(const std::string& host, const std::string& prefix,
                        const std::string& scheme, std::stop_token stop);
  Result<TlsSettings> tls_settings(const std::string& host, bool insecure) const;
  // Whether an insecure host speaks TLS; asked once per host.
  Result<bool> speaks_tls(const std::string& host, const TlsSettings& tls, std::stop_token stop);

  const ClientOptions& options_;
  HttpClient& http_;
  Guarded<std::map<std::string, Endpoint>> known_;
};

}  // namespace slipway::registry
