#include "cache/cache_config.h"

#include <nlohmann/json.hpp>

#include "oci/json_fields.h"
#include "oci/json_writer.h"

namespace slipway::cache {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxBytes = 32 << 20;

// A member that is an index below `count`. One that is missing is 0, as Go writes it.
Result<size_t> index_of(const Json& object, const char* name, size_t count) {
  const int64_t value = TRY(json_fields::integer(object, name));
  if (value < 0 || static_cast<uint64_t>(value) >= count) {
    return invalid_input("{}: there is no {}", name, value);
  }
  return static_cast<size_t>(value);
}

Result<ConfigLayer> layer_of(const Json& object, size_t count) {
  ConfigLayer layer;
  layer.blob = TRY(Digest::parse(TRY(json_fields::string(object, "blob"))));
  layer.parent = TRY(json_fields::integer(object, "parent"));
  if (layer.parent < -1 || layer.parent >= static_cast<int64_t>(count)) {
    return invalid_input("parent: there is no layer {}", layer.parent);
  }
  return layer;
}

Result<ConfigChain> chain_of(const Json& object, size_t layer_count) {
  ConfigChain chain;
  chain.created = TRY(json_fields::string(object, "createdAt"));
  const Json* layers = json_fields::find(object, "layers");
  if (layers == nullptr) return chain;
  if (!layers->is_array()) return invalid_input("layers: array expected");
  for (const Json& layer : *layers) {
    if (!layer.is_number_unsigned() || layer.get<uint64_t>() >= layer_count) {
      return invalid_input("layers: there is no {}",
                           layer.dump(-1, ' ', false, Json::error_handler_t::replace));
    }
    chain.layers.push_back(layer.get<size_t>());
  }
  return chain;
}

Result<std::vector<ConfigInput>> input_of(const Json& list, size_t record_count) {
  if (!list.is_array() || list.empty()) return invalid_input("inputs: an input without records");
  std::vector<ConfigInput> inputs;
  for (const Json& object : list) {
    if (!object.is_object()) return invalid_input("inputs: object expected");
    ConfigInput& input = inputs.emplace_back();
    input.selector = TRY(json_fields::string(object, "selector"));
    input.link = TRY(index_of(object, "link", record_count));
  }
  return inputs;
}

Result<ConfigRecord> record_of(const Json& object, size_t record_count, size_t layer_count) {
  ConfigRecord record;
  record.digest = TRY(Digest::parse(TRY(json_fields::string(object, "digest"))));
  const auto results = TRY(json_fields::objects(object, "layers"));
  for (const Json* result : results) {
    const size_t layer = TRY(index_of(*result, "layer", layer_count));
    record.results.push_back({layer, TRY(json_fields::string(*result, "createdAt"))});
  }
  const auto chains = TRY(json_fields::objects(object, "chains"));
  for (const Json* chain : chains) record.chains.push_back(TRY(chain_of(*chain, layer_count)));
  const Json* inputs = json_fields::find(object, "inputs");
  if (inputs == nullptr) return record;
  if (!inputs->is_array()) return invalid_input("inputs: array expected");
  for (const Json& list : *inputs) record.inputs.push_back(TRY(input_of(list, record_count)));
  return record;
}

// Every chain of parents ends.
Status check_layers(const std::vector<ConfigLayer>& layers) {
  enum class Mark { New, Open, Good };
  std::vector<Mark> marks(layers.size(), Mark::New);
  for (size_t start = 0; start < layers.size(); ++start) {
    std::vector<size_t> path;
    for (auto at = static_cast<int64_t>(start); at != -1;) {
      const auto index = static_cast<size_t>(at);
      if (marks[index] == Mark::Good) break;
      if (marks[index] == Mark::Open) return invalid_input("layer {} is below itself", index);
      marks[index] = Mark::Open;
      path.push_back(index);
      at = layers[index].parent;
    }
    for (const size_t index : path) marks[index] = Mark::Good;
  }
  return {};
}

// No record is its own input: taking away the records that nothing is left below takes all.
Status check_records(const std::vector<ConfigRecord>& records) {
  std::vector<std::vector<size_t>> users(records.size());
  std::vector<size_t> waiting(records.size());
  std::vector<size_t> ready;
  for (size_t i = 0; i < records.size(); ++i) {
    for (const auto& list : records[i].inputs) {
      for (const ConfigInput& input : list) users[input.link].push_back(i);
      waiting[i] += list.size();
    }
    if (waiting[i] == 0) ready.push_back(i);
  }
  size_t taken = 0;
  while (!ready.empty()) {
    const size_t record = ready.back();
    ready.pop_back();
    ++taken;
    for (const size_t user : users[record]) {
      if (--waiting[user] == 0) ready.push_back(user);
    }
  }
  if (taken == records.size()) return {};
  return invalid_input("records are inputs of themselves");
}

Result<std::vector<ConfigRecord>> records_of(const Json& document, size_t layer_count) {
  std::vector<ConfigRecord> records;
  const auto objects = TRY(json_fields::objects(document, "records"));
  for (size_t i = 0; i < objects.size(); ++i) {
    records.push_back(TRY(
        record_of(*objects[i], objects.size(), layer_count).context(fmt::format("record {}", i))));
  }
  TRY(check_records(records));
  return records;
}

void write(JsonWriter& json, const ConfigRecord& record) {
  json.begin_object();
  if (!record.results.empty()) {
    json.key("layers").begin_array();
    for (const ConfigResult& result : record.results) {
      json.begin_object().key("layer").number(static_cast<int64_t>(result.layer));
      json.key("createdAt").string(result.created).end_object();
    }
    json.end_array();
  }
  if (!record.chains.empty()) {
    json.key("chains").begin_array();
    for (const ConfigChain& chain : record.chains) {
      json.begin_object().key("layers").begin_array();
      for (const size_t layer : chain.layers) json.number(static_cast<int64_t>(layer));
      json.end_array().key("createdAt").string(chain.created).end_object();
    }
    json.end_array();
  }
  json.optional("digest", record.digest.str());
  if (!record.inputs.empty()) {
    json.key("inputs").begin_array();
    for (const auto& list : record.inputs) {
      json.begin_array();
      for (const ConfigInput& input : list) {
        json.begin_object().optional("selector", input.selector);
        json.key("link").number(static_cast<int64_t>(input.link)).end_object();
      }
      json.end_array();
    }
    json.end_array();
  }
  json.end_object();
}

void write(JsonWriter& json, const std::vector<ConfigRecord>& records) {
  json.begin_array();
  for (const ConfigRecord& record : records) write(json, record);
  json.end_array();
}

}  // namespace

std::vector<size_t> layers_from(const std::vector<ConfigLayer>& layers, size_t top) {
  std::vector<size_t> indexes;
  for (auto at = static_cast<int64_t>(top); at != -1; at = layers[indexes.back()].parent) {
    indexes.push_back(static_cast<size_t>(at));
  }
  return indexes;
}

Result<CacheConfig> parse_cache_config(std::string_view text) {
  const Json document = TRY(json_fields::parse_object(text, kMaxBytes).context("cache config"));
  CacheConfig config;
  const auto layers = TRY(json_fields::objects(document, "layers"));
  for (size_t i = 0; i < layers.size(); ++i) {
    config.layers.push_back(
        TRY(layer_of(*layers[i], layers.size()).context(fmt::format("cache config: layer {}", i))));
  }
  TRY(check_layers(config.layers).context("cache config"));
  config.records = TRY(records_of(document, config.layers.size()).context("cache config"));
  return config;
}

Result<std::vector<ConfigRecord>> parse_cache_records(std::string_view text, size_t layer_count) {
  // The one parser for objects does the rest when the list is a member of one.
  const std::string object = fmt::format("{{\"records\":{}}}", text);
  const Json document = TRY(json_fields::parse_object(object, kMaxBytes).context("inline cache"));
  return records_of(document, layer_count).context("inline cache");
}

std::string to_json(const CacheConfig& config) {
  JsonWriter json;
  json.begin_object();
  if (!config.layers.empty()) {
    json.key("layers").begin_array();
    for (const ConfigLayer& layer : config.layers) {
      json.begin_object().key("blob").string(layer.blob.str());
      json.optional("parent", layer.parent).end_object();
    }
    json.end_array();
  }
  if (!config.records.empty()) write(json.key("records"), config.records);
  json.end_object();
  return json.take();
}

std::string to_json(const std::vector<ConfigRecord>& records) {
  JsonWriter json;
  write(json, records);
  return json.take();
}

}  // namespace slipway::cache
