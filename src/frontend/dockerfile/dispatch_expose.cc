// EXPOSE: "80", "8000-8010/udp", and docker's [ip:][host:]container forms, of which the container's
// ports count.
#include <arpa/inet.h>

#include <charconv>

#include <fmt/format.h>

#include "base/text.h"
#include "base/unicode.h"
#include "frontend/dockerfile/convert_context.h"
#include "frontend/dockerfile/go_format.h"

namespace slipway::dockerfile {

namespace {

struct PortRange {
  int first = 0;
  int last = 0;
};

std::optional<int> parse_port(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port >= 0 && port <= 65535 ? std::optional(port) : std::nullopt;
}

std::optional<PortRange> parse_range(std::string_view text) {
  const size_t dash = text.find('-');
  const std::optional<int> first = parse_port(text.substr(0, dash));
  if (!first) return std::nullopt;
  if (dash == std::string_view::npos) return PortRange{*first, *first};
  const std::optional<int> last = parse_port(text.substr(dash + 1));
  if (!last || *last < *first) return std::nullopt;
  return PortRange{*first, *last};
}

bool is_ip(std::string ip) {
  if (ip.starts_with('[') && ip.ends_with(']')) ip = ip.substr(1, ip.size() - 2);
  unsigned char buffer[sizeof(in6_addr)];
  return inet_pton(AF_INET, ip.c_str(), buffer) == 1 ||
         inet_pton(AF_INET6, ip.c_str(), buffer) == 1;
}

// The last two colons separate; an IPv6 address has more of them.
struct PortSpec {
  std::string ip;
  std::string host;
  std::string container;
};
PortSpec split_spec(std::string_view text) {
  const size_t last = text.rfind(':');
  if (last == std::string_view::npos) return {"", "", std::string(text)};
  PortSpec spec{"", std::string(text.substr(0, last)), std::string(text.substr(last + 1))};
  const size_t before = spec.host.rfind(':');
  if (before != std::string::npos) {
    spec.ip = spec.host.substr(0, before);
    spec.host = spec.host.substr(before + 1);
  }
  return spec;
}

void check_spec(std::string_view text, const PortSpec& spec, std::string_view protocol,
                const SourceSpan& span, const Linter& linter) {
  if (protocol != to_lower(protocol)) {
    linter.report(
        rules::kExposeProtoCasing, span,
        fmt::format("Defined protocol '{}' in EXPOSE instruction should be lowercase", text));
  }
  if (!spec.ip.empty() || !spec.host.empty()) {
    linter.report(rules::kExposeInvalidFormat, span,
                  fmt::format("EXPOSE instruction should not define an IP address or host-port "
                              "mapping, found '{}'",
                              text));
  }
}

Status parse_spec(std::string_view text, const SourceSpan& span, const Linter& linter,
                  std::vector<std::string>& ports) {
  const auto invalid = [](std::string_view what, std::string_view value) {
    return make_error(ErrorCode::InvalidInput, "invalid {}: {}", what, value);
  };
  const PortSpec spec = split_spec(text);
  const size_t slash = spec.container.find('/');
  const std::string container = spec.container.substr(0, slash);
  const std::string written = slash == std::string::npos ? "" : spec.container.substr(slash + 1);
  std::string protocol = to_lower(written);
  if (container.empty()) {
    return invalid("port", go_quote(text) + ": no port specified");
  }
  if (protocol.empty()) protocol = "tcp";
  if (protocol != "tcp" && protocol != "udp" && protocol != "sctp") {
    return invalid("port", go_quote(text) + ": invalid proto: " + written);
  }
  check_spec(text, spec, written, span, linter);
  if (!spec.ip.empty() && !is_ip(spec.ip)) return invalid("IP address", spec.ip);
  const std::optional<PortRange> range = parse_range(container);
  if (!range) return invalid("containerPort", container);
  if (!spec.host.empty()) {
    const std::optional<PortRange> host = parse_range(spec.host);
    if (!host) return invalid("hostPort", spec.host);
    if (range->last - range->first != host->last - host->first && range->last != range->first) {
      return invalid("ranges specified for container and host Ports",
                     container + " and " + spec.host);
    }
  }
  for (int port = range->first; port <= range->last; ++port) {
    ports.push_back(fmt::format("{}/{}", port, protocol));
  }
  return {};
}

}  // namespace

Status dispatch_expose(ConvertContext& context, StageState& stage, const ExposeInstruction& expose,
                       const Linter& linter) {
  std::vector<std::string> ports;
  for (const std::string& word : expose.ports) {
    const std::vector<std::string> specs = TRY(context.lexer.words(word, stage.state.env.map()));
    for (const std::string& spec : specs) {
      TRY(parse_spec(spec, expose.info.span, linter, ports));
    }
  }
  for (const std::string& port : ports) stage.image.config.exposed_ports[port] = "";
  add_history(context, stage, "EXPOSE " + go_list(ports), false);
  return {};
}

}  // namespace slipway::dockerfile
