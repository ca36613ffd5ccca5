// CHECK: what must hold, in release builds too. Prints the condition and aborts.
#pragma once

namespace slipway {

[[noreturn]] void check_failed(const char* file, int line, const char* condition);

}  // namespace slipway

#define CHECK(condition) \
  (static_cast<bool>(condition) ? void(0) : ::slipway::check_failed(__FILE__, __LINE__, #condition))
