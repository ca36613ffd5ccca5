// dockerfile_oracle: one question a line on stdin, one answer a line on stdout
// (tests/conformance/fuzz_units.py).
#include <iostream>
#include <string>

#include "frontend/dockerfile/conformance_oracle.h"

int main() {
  using nlohmann::json;
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);) {
    const json answer = slipway::dockerfile::answer_to(json::parse(line));
    // Bytes that are no UTF-8 are replaced, as Go does.
    std::cout << answer.dump(-1, ' ', false, json::error_handler_t::replace) << '\n';
  }
  return 0;
}
