// Device specifications: parsed; what was read is what a container can be given.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "executor/cdi_spec.h"

using namespace slipway;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto spec = executor::parse_cdi_spec(text, "x.yaml");
  if (!spec) return 0;
  if (spec->devices.empty() || spec->kind.find('/') == std::string::npos) std::abort();
  executor::CdiEdits all = spec->edits;
  for (const executor::CdiDevice& device : spec->devices) {
    if (device.name.empty() || device.edits.empty()) std::abort();
    all.append(device.edits);
  }
  for (const executor::CdiDeviceNode& node : all.nodes) {
    if (!node.path.starts_with('/') || node.host_path.empty()) std::abort();
  }
  for (const std::string& variable : all.env) {
    if (variable.find('=') == 0 || variable.find('=') == std::string::npos) std::abort();
  }
  return 0;
}
