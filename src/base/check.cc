#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace slipway {

void check_failed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "slipway: %s:%d: CHECK failed: %s\n", file, line, condition);
  std::abort();
}

}  // namespace slipway
