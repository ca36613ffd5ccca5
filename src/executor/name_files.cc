#include "executor/name_files.h"

#include <fmt/format.h>

#include "base/text.h"

namespace slipway::executor {
namespace {

// The address of a "nameserver" line, else empty.
std::string_view name_server(std::string_view line) {
  constexpr std::string_view kKeyword = "nameserver";
  const std::string_view text = trim(line);
  if (!text.starts_with(kKeyword) || text.size() == kKeyword.size()) return {};
  const char separator = text[kKeyword.size()];
  if (separator != ' ' && separator != '\t') return {};
  return trim(text.substr(kKeyword.size()));
}

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1";
}

}  // namespace

std::string hosts_file(std::string_view hostname, const std::vector<HostEntry>& extra_hosts) {
  std::string text =
      fmt::format("127.0.0.1\tlocalhost {}\n::1\tlocalhost ip6-localhost ip6-loopback\n", hostname);
  for (const HostEntry& host : extra_hosts) text += fmt::format("{}\t{}\n", host.ip, host.name);
  return text;
}

bool uses_loopback_resolver(std::string_view resolv_conf) {
  for (const std::string& line : split(resolv_conf, '\n')) {
    if (const std::string_view address = name_server(line); !address.empty()) {
      return is_loopback(address);
    }
  }
  return true;  // no name server: the C library asks 127.0.0.1
}

std::string resolver_file(std::string_view host_resolv_conf,
                          const std::optional<std::string>& forwarder) {
  std::string text = forwarder ? fmt::format("nameserver {}\n", *forwarder) : std::string();
  for (const std::string& line : split(host_resolv_conf, '\n')) {
    if (forwarder && !name_server(line).empty()) continue;
    if (!line.empty()) text += line + "\n";
  }
  return text;
}

}  // namespace slipway::executor
