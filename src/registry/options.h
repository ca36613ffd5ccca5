// ClientOptions: everything the distribution client can be told. It reads no environment itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "registry/client.h"

namespace slipway::registry {

// As the variables http_proxy, https_proxy and no_proxy: URLs, and a list of hosts and suffixes.
// Loopback addresses are never reached through a proxy.
struct ProxyOptions {
  std::string http;
  std::string https;
  std::string none;
};

// How big blobs are fetched: in chunks over several connections, where the server can. A chunk
// costs a request, often a redirection, and in registries of the CNCF's kind 4 MiB of cleared
// memory.
struct RangeOptions {
  uint64_t above = 32 << 20;  // blobs of more bytes
  uint64_t chunk_bytes = 16 << 20;
  size_t connections = 4;
};

struct ClientOptions {
  // Files in the format of Docker's config.json or podman's auth.json, most important first. A
  // missing file is fine.
  std::vector<std::filesystem::path> credential_files;
  // The same as text (DOCKER_AUTH_CONFIG); more important than the files.
  std::string credentials_json;

  // Hosts ("registry.lan:5000") that may speak plain HTTP or show any certificate. Loopback
  // addresses always may.
  std::set<std::string> insecure_hosts;
  // Where to look for the images of a domain first: "docker.io" -> {"mirror.lan:5000/hub",
  // "http://10.0.0.1"}. The origin is asked last.
  std::map<std::string, std::vector<std::string>> mirrors;

  std::string ca_file;  // PEM bundle instead of the system's (SSL_CERT_FILE)
  // Directories with HOST/*.crt (further CAs) and HOST/*.cert + *.key (client certificates):
  // /etc/docker/certs.d, /etc/containers/certs.d.
  std::vector<std::filesystem::path> certificate_directories;
  ProxyOptions proxy;

  std::string user_agent = "slipway";
  // Pause before the first retry; it doubles with each.
  std::chrono::milliseconds retry_delay{200};
  RangeOptions ranges;
};

// Thread-safe; connections are kept open between calls.
std::unique_ptr<Client> make_client(ClientOptions options);

}  // namespace slipway::registry
