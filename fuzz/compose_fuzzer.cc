// A compose file (or docker-bake.json, by the first byte) down to the targets of the engine.
#include <cstdint>
#include <string>
#include <string_view>

#include "frontend/bake/resolve.h"
#include "frontend/compose/definition_files.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace slipway;
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
  const compose::File file{(data[0] & 1) != 0 ? "docker-bake.json" : "compose.yaml", text};
  compose::Options options;
  options.environment = {{"A", "a"}, {"HOME", "/home/x"}};
  // Whatever is included or extended is the file itself: circles have to end.
  options.read_file = [&](const std::string&) -> Result<std::string> { return text; };
  const auto definitions = compose::read_definitions({&file, 1}, options);
  if (!definitions) return 0;
  bake::Request request;
  request.set = {"*.args.X=1"};
  const auto resolved = bake::resolve(*definitions, request, {});
  if (!resolved) return 0;
  (void)bake::print(*resolved);
  (void)bake::to_targets(*resolved).has_value();
  return 0;
}
