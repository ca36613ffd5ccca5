// Image references, platforms and git references: what parses prints as a name of the same thing.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "frontend/dockerfile/git_ref.h"
#include "oci/platform.h"
#include "oci/reference.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace slipway;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto reference = Reference::parse(text)) {
    const auto again = Reference::parse(reference->str());
    CHECK(again.has_value() && *again == *reference);
    // The short name of docker.io/a.b/c reads as another registry's: docker has it so.
    (void)reference->familiar();
  }
  if (const auto platform = Platform::parse(text)) {
    CHECK(platform->normalized().normalized() == platform->normalized());
    CHECK(platform->matches(*platform));
  }
  (void)dockerfile::parse_git_ref(text).has_value();
  return 0;
}
