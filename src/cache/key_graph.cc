#include "cache/key_graph.h"

#include <algorithm>

#include <fmt/format.h>

#include "oci/rfc3339.h"

namespace slipway::cache {
namespace {

// More layers than any file system can stack: such a result is of no use.
constexpr size_t kMaxStack = 500;

}  // namespace

void sort_unique(std::vector<uint32_t>& items) {
  std::ranges::sort(items);
  const auto repeated = std::ranges::unique(items);
  items.erase(repeated.begin(), repeated.end());
}

Digest record_digest(const Digest& op, int64_t output) {
  return Digest::sha256_of(fmt::format("{}@{}", op.str(), output));
}

KeyGraph::KeyGraph(CacheConfig config, std::map<Digest, CachedLayer> layers)
    : config_(std::move(config)), layers_(std::move(layers)) {
  for (uint32_t i = 0; i < config_.records.size(); ++i) {
    const ConfigRecord& record = config_.records[i];
    if (record.inputs.empty()) roots_[record.digest].push_back(i);
    for (size_t input = 0; input < record.inputs.size(); ++input) {
      for (const ConfigInput& from : record.inputs[input]) {
        const auto source = static_cast<uint32_t>(from.link);
        links_[{source, input, from.selector, record.digest}].push_back(i);
      }
    }
  }
}

void KeyGraph::follow(const Items& sources, size_t input, const std::string& selector,
                      const Digest& digest, Items& found) const {
  for (const uint32_t source : sources) {
    const auto link = links_.find({source, input, selector, digest});
    if (link == links_.end()) continue;
    found.insert(found.end(), link->second.begin(), link->second.end());
  }
}

KeyGraph::Items KeyGraph::find(
    const solver::KeyParts& key,
    const std::function<const Items*(const Digest& identity)>& known) const {
  const Digest digest = record_digest(key.op, 0);
  const auto root = [this](const Digest& name) {
    const auto found = roots_.find(name);
    return found == roots_.end() ? Items() : found->second;
  };
  if (key.inputs.empty()) return root(digest);
  Items common;
  for (size_t i = 0; i < key.inputs.size(); ++i) {
    const solver::KeyInput& input = key.inputs[i];
    Items reached;
    if (const Items* items = known(input.identity)) {
      follow(*items, i, input.selector.str(), digest, reached);
    }
    if (!input.content.empty())
      follow(root(record_digest(input.content, -1)), i, "", digest, reached);
    sort_unique(reached);
    if (i > 0) {
      Items both;
      std::ranges::set_intersection(common, reached, std::back_inserter(both));
      reached = std::move(both);
    }
    common = std::move(reached);
    if (common.empty()) break;
  }
  return common;
}

std::vector<std::pair<size_t, Digest>> KeyGraph::root_inputs(uint32_t item) const {
  std::vector<std::pair<size_t, Digest>> roots;
  const ConfigRecord& record = config_.records[item];
  for (size_t input = 0; input < record.inputs.size(); ++input) {
    for (const ConfigInput& from : record.inputs[input]) {
      const ConfigRecord& source = config_.records[from.link];
      if (from.selector.empty() && source.inputs.empty()) roots.emplace_back(input, source.digest);
    }
  }
  return roots;
}

std::optional<LayerStack> KeyGraph::stack(const std::vector<size_t>& layers) const {
  LayerStack stack;
  for (const size_t index : layers) {
    const auto layer = layers_.find(config_.layers[index].blob);
    if (layer == layers_.end() || stack.layers.size() == kMaxStack) return std::nullopt;
    stack.layers.push_back(layer->second.descriptor);
    stack.diff_ids.push_back(layer->second.diff_id);
  }
  if (stack.layers.empty()) return std::nullopt;
  return stack;
}

std::optional<LayerStack> KeyGraph::result(const Items& items) const {
  std::optional<LayerStack> best;
  const auto offer = [&](const std::vector<size_t>& layers, const std::string& created) {
    if (best && !rfc3339_before(best->created, created)) return;
    std::optional<LayerStack> offered = stack(layers);
    if (!offered) return;
    best = std::move(offered);
    best->created = created;
  };
  for (const uint32_t item : items) {
    const ConfigRecord& record = config_.records[item];
    for (const ConfigResult& result : record.results) {
      std::vector<size_t> layers = layers_from(config_.layers, result.layer);
      std::ranges::reverse(layers);
      offer(layers, result.created);
    }
    for (const ConfigChain& chain : record.chains) offer(chain.layers, chain.created);
  }
  return best;
}

}  // namespace slipway::cache
