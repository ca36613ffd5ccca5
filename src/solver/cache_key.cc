#include "solver/cache_key.h"

#include <fmt/core.h>

#include "base/check.h"

namespace slipway::solver {
namespace {

std::string_view tier_name(KeyTier tier) {
  switch (tier) {
    case KeyTier::Definition:
      return "definition";
    case KeyTier::Content:
      return "content";
    case KeyTier::Trace:
      return "trace";
  }
  return "";
}

}  // namespace

KeyWithIngredients make_key(KeyTier tier, const CacheMap& map,
                            const std::vector<Digest>& identities,
                            const std::vector<Digest>& contents) {
  CHECK(map.inputs.size() == identities.size());
  CHECK(contents.empty() || contents.size() == identities.size());
  KeyWithIngredients made;
  made.parts = {map.digest, map.outputs, {}};
  Sha256 hash;
  // One traversal feeds the hash and the explanation, so they cannot disagree.
  const auto add = [&](std::string what, const Digest& digest) {
    hash.update(fmt::format("{}={}\n", what, digest.str()));
    made.ingredients.push_back({std::move(what), digest});
  };
  hash.update(fmt::format("{}\n", tier_name(tier)));
  add("op", map.digest);
  for (size_t i = 0; i < identities.size(); ++i) {
    const Digest content = contents.empty() ? Digest() : contents[i];
    CHECK(content.empty() == (tier == KeyTier::Definition || !map.inputs[i].by_content));
    made.parts.inputs.push_back({identities[i], map.inputs[i].selector, content});
    add(fmt::format("input {}{}", i, content.empty() ? "" : " content"),
        content.empty() ? identities[i] : content);
    if (!map.inputs[i].selector.empty()) {
      add(fmt::format("input {} selector", i), map.inputs[i].selector);
    }
  }
  made.key = {tier, hash.finish()};
  return made;
}

Digest output_identity(const Digest& step, int64_t output) {
  if (output == 0) return step;
  return Digest::sha256_of(fmt::format("{} output {}", step.str(), output));
}

}  // namespace slipway::solver
