// IP networks in CIDR notation.
#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "frontend/hcl/function_groups.h"

namespace slipway::hcl {
namespace {

using Address = unsigned __int128;

struct Network {
  Address address = 0;  // of the network: its host bits are 0
  int length = 0;       // of the prefix
  int bits = 32;        // 128: IPv6
};

Address mask_of(int length, int bits) {
  Address mask = 0;
  for (int i = 0; i < bits; ++i) mask = (mask << 1) | (i < length ? 1 : 0);
  return mask;
}

// How many addresses a prefix leaves, minus one.
Address last_host(int length, int bits) {
  return ~mask_of(length, bits) & mask_of(bits, bits);
}

std::optional<int> prefix_length(std::string_view text, int bits) {
  if (text.empty() || text.size() > 3) return std::nullopt;
  int length = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    length = length * 10 + (c - '0');
  }
  return length > bits ? std::nullopt : std::optional(length);
}

Result<Network> parse_network(const std::string& text) {
  const size_t slash = text.find('/');
  const std::string address = text.substr(0, slash);
  std::array<unsigned char, 16> bytes{};
  Network network;
  if (inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1) {
    network.bits = 128;
  } else if (inet_pton(AF_INET, address.c_str(), bytes.data()) != 1) {
    return function_error("invalid CIDR expression: invalid CIDR address: {}", text);
  }
  for (int i = 0; i < network.bits / 8; ++i) {
    network.address = (network.address << 8) | bytes[static_cast<size_t>(i)];
  }
  const std::string_view length =
      slash == std::string::npos ? std::string_view() : std::string_view(text).substr(slash + 1);
  const std::optional<int> prefix = prefix_length(length, network.bits);
  if (!prefix) return function_error("invalid CIDR expression: invalid CIDR address: {}", text);
  network.length = *prefix;
  network.address &= mask_of(network.length, network.bits);
  return network;
}

// The longest run of at least two zeros becomes "::" (RFC 5952).
std::string ipv6_text(Address address) {
  std::array<unsigned, 8> groups{};
  for (size_t i = 8; i-- > 0; address >>= 16) groups[i] = static_cast<unsigned>(address & 0xFFFF);
  size_t start = 8;
  size_t longest = 1;
  for (size_t i = 0; i < 8;) {
    size_t end = i;
    while (end < 8 && groups[end] == 0) ++end;
    if (end - i > longest) {
      start = i;
      longest = end - i;
    }
    i = std::max(end, i + 1);
  }
  std::string text;
  for (size_t i = 0; i < 8; ++i) {
    if (i == start) {
      text += "::";
      i += longest - 1;
      continue;
    }
    if (!text.empty() && !text.ends_with(':')) text += ':';
    text += fmt::format("{:x}", groups[i]);
  }
  return text;
}

std::string address_text(Address address, int bits) {
  const bool mapped = bits == 128 && (address >> 32) == 0xFFFF;  // IPv4 within IPv6
  if (bits == 128 && !mapped) return ipv6_text(address);
  const auto ipv4 = static_cast<uint32_t>(address);
  return fmt::format("{}.{}.{}.{}", ipv4 >> 24, (ipv4 >> 16) & 0xFF, (ipv4 >> 8) & 0xFF,
                     ipv4 & 0xFF);
}

std::string network_text(const Network& network) {
  return fmt::format("{}/{}", address_text(network.address, network.bits), network.length);
}

// A negative number counts from the last address.
Result<Value> host(Arguments arguments) {
  const int64_t number = TRY(whole_number(arguments[1]));
  const Network network = TRY(parse_network(arguments[0].text()));
  const Address last = last_host(network.length, network.bits);
  const auto distance = static_cast<uint64_t>(number < 0 ? -(number + 1) : number);
  if (distance > last) {
    return function_error("prefix of {} does not accommodate a host numbered {}", network.length,
                          number);
  }
  const Address offset = number < 0 ? last - distance : Address{distance};
  return Value::string(address_text(network.address | offset, network.bits));
}

Result<Value> netmask(Arguments arguments) {
  const Network network = TRY(parse_network(arguments[0].text()));
  return Value::string(address_text(mask_of(network.length, network.bits), network.bits));
}

Result<Value> subnet(Arguments arguments) {
  const int64_t new_bits = TRY(whole_number(arguments[1]));
  const int64_t number = TRY(whole_number(arguments[2]));
  Network network = TRY(parse_network(arguments[0].text()));
  if (new_bits > 32) return function_error("may not extend prefix by more than 32 bits");
  if (new_bits < 0 || network.length + new_bits > network.bits) {
    return function_error("insufficient address space to extend prefix of {} by {}", network.length,
                          new_bits);
  }
  if (number < 0 || static_cast<uint64_t>(number) >= (uint64_t{1} << new_bits)) {
    return function_error("prefix extension of {} does not accommodate a subnet numbered {}",
                          new_bits, number);
  }
  network.length += static_cast<int>(new_bits);
  if (number > 0) {
    network.address |= Address{static_cast<uint64_t>(number)} << (network.bits - network.length);
  }
  return Value::string(network_text(network));
}

// One subnet after the other, each as large as its prefix says, without gaps but those of
// alignment.
Result<Value> subnets(Arguments arguments) {
  const Network network = TRY(parse_network(arguments[0].text()));
  const Address last = network.address | last_host(network.length, network.bits);
  std::vector<Value> texts;
  Address next = network.address;
  for (const Value& argument : arguments.subspan(1)) {
    const int64_t new_bits = TRY(whole_number(argument));
    if (new_bits < 1) return function_error("must extend prefix by at least one bit");
    if (new_bits > 32) return function_error("may not extend prefix by more than 32 bits");
    const auto length = static_cast<int>(network.length + new_bits);
    if (length > network.bits) {
      return function_error("would extend prefix to {} bits, which is too long", length);
    }
    const Address hosts = last_host(length, network.bits);
    const Address start = (next + hosts) & ~hosts;
    // A start of 0 means that the addresses are used up, even where it is the first one.
    if (start == 0 || start < next || start > last) {
      return function_error(
          "not enough remaining address space for a subnet with a prefix of {} "
          "bits",
          length);
    }
    texts.push_back(Value::string(network_text({start, length, network.bits})));
    next = start + hosts + 1;
    if (network.bits == 32) next &= mask_of(32, 32);
    if (next == 0) next = last;  // the next one is refused, for it would start behind
  }
  return Value::list(Type::string(), std::move(texts));
}

}  // namespace

void add_network_functions(Functions& functions) {
  add_function(functions, "cidrhost", {text_parameter("prefix"), number_parameter("hostnum")},
               host);
  add_function(functions, "cidrnetmask", {text_parameter("prefix")}, netmask);
  add_function(functions, "cidrsubnet",
               {text_parameter("prefix"), number_parameter("newbits"), number_parameter("netnum")},
               subnet);
  add_variadic(functions, "cidrsubnets", {text_parameter("prefix")}, number_parameter("newbits"),
               subnets);
}

}  // namespace slipway::hcl
