#include "cache/cache_builder.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <tuple>
#include <unordered_map>

#include "oci/rfc3339.h"

namespace slipway::cache {
namespace {

using Records = std::vector<size_t>;

class Builder {
 public:
  Builder(const FindStep& find_step, const FindLayers& find_layers)
      : find_step_(find_step), find_layers_(find_layers) {}

  Result<BuiltCache> build(std::span<const Digest> roots) {
    for (const Digest& root : roots) TRY(records_of(root));
    sort_layers();
    sort_records();
    list_blobs();
    return std::move(built_);
  }

 private:
  // The records of a step, one for each of its keys; none when its keys are of this build alone.
  Result<Records> records_of(const Digest& identity) {
    const auto known = by_identity_.find(identity.str());
    if (known != by_identity_.end()) return known->second;
    // Seen again on the way down: an older step whose identity this one took. No link to it.
    by_identity_[identity.str()] = {};
    const std::optional<SolvedStep> step = TRY(find_step_(identity));
    if (!step) return Records();
    Records records;
    for (const solver::KeyParts& key : step->keys) {
      if (key.outputs != 1) continue;
      const std::optional<size_t> record = TRY(record_of(key, step->read_records));
      if (record) records.push_back(*record);
    }
    const bool is_source = step->keys.empty() || step->keys.front().inputs.empty();
    if (!records.empty() && !is_source) TRY(add_result(*step, records));
    by_identity_[identity.str()] = records;
    return records;
  }

  Result<std::optional<size_t>> record_of(const solver::KeyParts& key,
                                          const std::set<std::pair<size_t, Digest>>& read_records) {
    ConfigRecord record;
    record.digest = record_digest(key.op, 0);
    for (size_t i = 0; i < key.inputs.size(); ++i) {
      const solver::KeyInput& input = key.inputs[i];
      std::set<ConfigInput> links;
      for (const size_t link : TRY(records_of(input.identity))) {
        links.insert({input.selector.str(), link});
      }
      if (!input.content.empty()) links.insert({"", root(record_digest(input.content, -1))});
      for (const auto& [number, digest] : read_records) {
        if (number == i) links.insert({"", root(digest)});
      }
      if (links.empty()) return std::optional<size_t>();
      record.inputs.emplace_back(links.begin(), links.end());
    }
    return std::optional(add(std::move(record)));
  }

  size_t root(const Digest& digest) { return add({digest, {}, {}, {}}); }

  // Records of the same digest and inputs are one.
  size_t add(ConfigRecord record) {
    const auto [known, is_new] =
        by_key_.emplace(std::tuple(record.digest, record.inputs), built_.config.records.size());
    if (is_new) built_.config.records.push_back(std::move(record));
    return known->second;
  }

  Status add_result(const SolvedStep& step, const Records& records) {
    const std::optional<LayerStack> stack = TRY(find_layers_(step));
    if (!stack || stack->layers.empty()) return {};
    int64_t parent = -1;
    for (const Descriptor& layer : stack->layers) {
      const auto [known, is_new] =
          layers_.emplace(ConfigLayer{layer.digest, parent}, built_.config.layers.size());
      if (is_new) {
        built_.config.layers.push_back(known->first);
        describe(layer);
      }
      parent = static_cast<int64_t>(known->second);
    }
    for (const size_t record : records) {
      std::vector<ConfigResult>& results = built_.config.records[record].results;
      const ConfigResult result{static_cast<size_t>(parent), stack->created};
      // Of two results the newer one is kept, as BuildKit does.
      if (results.empty()) {
        results.push_back(result);
      } else if (rfc3339_before(results.front().created, result.created)) {
        results.front() = result;
      }
    }
    return {};
  }

  // A blob that lies in several stacks (COPY --link) was made last in the image's.
  void describe(const Descriptor& layer) {
    const auto [known, is_new] = descriptors_.emplace(layer.digest, layer);
    if (is_new) return;
    const std::string created = known->second.annotation_of(annotation::kCreated);
    if (rfc3339_before(created, layer.annotation_of(annotation::kCreated))) known->second = layer;
  }

  // old index -> new index, for `order` (new index -> old index).
  static std::vector<size_t> positions(const std::vector<size_t>& order) {
    std::vector<size_t> position(order.size());
    for (size_t i = 0; i < order.size(); ++i) position[order[i]] = i;
    return position;
  }

  void sort_layers() {
    std::vector<ConfigLayer>& layers = built_.config.layers;
    // By their stacks, each from its top: no two are equal.
    std::vector<std::vector<std::string>> stacks(layers.size());
    for (size_t i = 0; i < layers.size(); ++i) {
      for (const size_t index : layers_from(layers, i)) {
        stacks[i].push_back(layers[index].blob.str());
      }
    }
    std::vector<size_t> order(layers.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::sort(order, [&](size_t a, size_t b) { return stacks[a] < stacks[b]; });
    const std::vector<size_t> position = positions(order);
    std::vector<ConfigLayer> sorted;
    for (const size_t old : order) {
      ConfigLayer layer = layers[old];
      if (layer.parent != -1) {
        layer.parent = static_cast<int64_t>(position[static_cast<size_t>(layer.parent)]);
      }
      sorted.push_back(std::move(layer));
    }
    layers = std::move(sorted);
    for (ConfigRecord& record : built_.config.records) {
      for (ConfigResult& result : record.results) result.layer = position[result.layer];
    }
  }

  // Records come after their inputs, so each has a name made of digests alone.
  void sort_records() {
    std::vector<ConfigRecord>& records = built_.config.records;
    std::vector<Digest> names;
    for (const ConfigRecord& record : records) {
      std::string text = record.digest.str();
      for (const auto& list : record.inputs) {
        std::set<std::string> links;
        for (const ConfigInput& input : list) {
          links.insert(names[input.link].str() + input.selector);
        }
        text += "\n";
        for (const std::string& link : links) text += link + " ";
      }
      names.push_back(Digest::sha256_of(text));
    }
    std::vector<size_t> order(records.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::sort(order, [&](size_t a, size_t b) {
      return std::tie(records[a].digest, names[a]) < std::tie(records[b].digest, names[b]);
    });
    const std::vector<size_t> position = positions(order);
    std::vector<ConfigRecord> sorted;
    for (const size_t old : order) {
      ConfigRecord record = std::move(records[old]);
      for (auto& list : record.inputs) {
        for (ConfigInput& input : list) input.link = position[input.link];
        std::ranges::sort(list, std::less<>(),
                          [](const auto& input) { return std::tie(input.link, input.selector); });
      }
      sorted.push_back(std::move(record));
    }
    records = std::move(sorted);
  }

  void list_blobs() {
    std::set<Digest> listed;
    for (const ConfigLayer& layer : built_.config.layers) {
      if (listed.insert(layer.blob).second) built_.blobs.push_back(descriptors_.at(layer.blob));
    }
  }

  const FindStep& find_step_;
  const FindLayers& find_layers_;
  BuiltCache built_;
  std::unordered_map<std::string, Records> by_identity_;
  std::map<std::tuple<Digest, std::vector<std::vector<ConfigInput>>>, size_t> by_key_;
  std::map<ConfigLayer, size_t> layers_;
  std::map<Digest, Descriptor> descriptors_;
};

std::vector<Digest> stack_of(const CacheConfig& config, size_t layer) {
  std::vector<Digest> blobs;
  for (const size_t index : layers_from(config.layers, layer)) {
    blobs.push_back(config.layers[index].blob);
  }
  std::ranges::reverse(blobs);
  return blobs;
}

}  // namespace

Result<BuiltCache> build_cache(std::span<const Digest> roots, const FindStep& find_step,
                               const FindLayers& find_layers) {
  return Builder(find_step, find_layers).build(roots);
}

std::vector<ConfigRecord> inline_records(const BuiltCache& cache,
                                         const std::vector<Digest>& image_layers) {
  std::vector<ConfigRecord> records = cache.config.records;
  bool any = false;
  for (ConfigRecord& record : records) {
    const std::vector<ConfigResult> results = std::exchange(record.results, {});
    for (const ConfigResult& result : results) {
      const std::vector<Digest> stack = stack_of(cache.config, result.layer);
      const bool is_lower_part = stack.size() <= image_layers.size() &&
                                 std::equal(stack.begin(), stack.end(), image_layers.begin());
      if (is_lower_part) {
        record.results.push_back({stack.size() - 1, result.created});
        any = true;
        continue;
      }
      // Layers of the image in another order, or not from its bottom on (COPY --link).
      ConfigChain chain;
      chain.created = result.created;
      for (const Digest& blob : stack) {
        const auto layer = std::ranges::find(image_layers, blob);
        if (layer == image_layers.end()) break;
        chain.layers.push_back(static_cast<size_t>(layer - image_layers.begin()));
      }
      if (chain.layers.size() != stack.size()) continue;
      record.chains.push_back(std::move(chain));
      any = true;
    }
  }
  return any ? records : std::vector<ConfigRecord>();
}

}  // namespace slipway::cache
