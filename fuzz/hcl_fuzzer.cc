// A bake file in HCL or JSON (by the first byte) down to its targets.
#include <cstdint>
#include <string>

#include "frontend/bake/bake_file.h"
#include "frontend/bake/listing.h"
#include "frontend/bake/resolve.h"
#include "frontend/hcl/functions.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace slipway;
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
  const bake::BakeFile file{(data[0] & 1) != 0 ? "docker-bake.json" : "docker-bake.hcl", text};
  bake::BakeOptions options;
  options.environment = [](const std::string& name) {
    return name == "A" ? std::optional<std::string>("1,2") : std::nullopt;
  };
  options.built_in = {{"BAKE_LOCAL_PLATFORM", "linux/amd64"}};
  options.functions = hcl::standard_functions({"/home/x", nullptr});
  options.functions.erase("bcrypt");  // is slow on purpose
  bake::Definitions definitions;
  if (!bake::read_bake_files({&file, 1}, options, definitions)) return 0;
  (void)bake::list(definitions, {bake::ListRequest::Type::Variables, true});
  bake::Request request;
  for (const bake::TargetDefinition& target : definitions.targets) {
    request.targets.push_back(target.name);
  }
  const auto resolved = bake::resolve(definitions, request, {});
  if (!resolved) return 0;
  (void)bake::print(*resolved);
  (void)bake::to_targets(*resolved).has_value();
  return 0;
}
