#include "cache/remote_index.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "base/check.h"

namespace slipway::cache {
namespace {

constexpr std::string_view kPrefix = "remote:";

// The number in "remote:17"; nullopt for other records and results.
std::optional<size_t> number_of(std::string_view id) {
  if (!id.starts_with(kPrefix)) return std::nullopt;
  id.remove_prefix(kPrefix.size());
  size_t number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
  CHECK(error == std::errc() && end == id.data() + id.size());
  return number;
}

bool same(const solver::KeyParts& a, const solver::KeyParts& b) {
  return a.op == b.op && a.outputs == b.outputs &&
         std::ranges::equal(a.inputs, b.inputs,
                            [](const solver::KeyInput& x, const solver::KeyInput& y) {
                              return x.identity == y.identity && x.selector == y.selector &&
                                     x.content == y.content;
                            });
}

void add_items(KeyGraph::Items& items, const KeyGraph::Items& more) {
  items.insert(items.end(), more.begin(), more.end());
  sort_unique(items);
}

}  // namespace

std::shared_ptr<const RemoteLayers> remote_layers_of(const solver::StepResult& result) {
  if (!result.id.starts_with(kPrefix)) return nullptr;
  return std::static_pointer_cast<const RemoteLayers>(result.keep_alive);
}

bool is_lazy(const solver::StepResult& result) {
  return result.id.starts_with(kLazyPrefix);
}

void RemoteIndex::add_source(std::vector<KeyGraph> caches) {
  auto state = state_.lock();
  const size_t source = state->sources++;
  for (KeyGraph& graph : caches) state->caches.push_back({source, std::move(graph), {}});
}

void RemoteIndex::note_key(State& state, const Digest& identity, const solver::KeyParts& key) {
  std::vector<solver::KeyParts>& keys = state.steps[identity.str()].keys;
  const bool known = std::ranges::any_of(keys, [&](const auto& other) { return same(key, other); });
  if (!known) keys.push_back(key);
}

std::optional<RemoteLayers> RemoteIndex::find_remote(State& state,
                                                     const solver::KeyWithIngredients& key,
                                                     const std::optional<Digest>& identity) {
  std::optional<RemoteLayers> best;
  for (Cache& cache : state.caches) {
    const auto known = [&cache](const Digest& input) -> const KeyGraph::Items* {
      const auto items = cache.items.find(input.str());
      return items == cache.items.end() ? nullptr : &items->second;
    };
    const KeyGraph::Items items = cache.graph.find(key.parts, known);
    if (items.empty()) continue;
    // Later steps name this one by its key, or by the identity of a record that was found.
    add_items(cache.items[key.key.digest.str()], items);
    if (identity) add_items(cache.items[identity->str()], items);
    for (const uint32_t item : items) {
      for (auto& root : cache.graph.root_inputs(item)) {
        if (identity) state.steps[identity->str()].read_records.insert(root);
        state.steps[key.key.digest.str()].read_records.insert(std::move(root));
      }
    }
    if (best) continue;
    if (std::optional<LayerStack> stack = cache.graph.result(items)) {
      best = RemoteLayers{cache.source, *std::move(stack)};
    }
  }
  return best;
}

Result<std::optional<solver::CacheRecord>> RemoteIndex::query(
    const solver::KeyWithIngredients& key) {
  std::optional<solver::CacheRecord> local = TRY(local_.query(key));
  auto state = state_.lock();
  note_key(*state, key.key.digest, key.parts);
  if (local) {
    note_key(*state, local->identity, key.parts);
    state->steps[local->identity.str()].record = local;
  }
  // A remote cache keeps the outputs of a step one by one; all of a step's are loaded at once here.
  if (key.parts.outputs != 1) return local;
  std::optional<RemoteLayers> remote =
      find_remote(*state, key, local ? std::optional(local->identity) : std::nullopt);
  if (local || !remote) return local;

  const auto [known, is_new] =
      state->found_by_key.emplace(key.key.digest.str(), state->found.size());
  if (!is_new) return std::optional(state->found[known->second]->record);
  auto found = std::make_shared<Found>();
  found->record = {fmt::format("{}{}", kPrefix, state->found.size()), key.key.digest};
  found->local.keys = {key.key};
  found->local.parts = key.parts;
  found->local.identity = key.key.digest;
  found->local.description = key.step;
  found->local.ingredients = key.ingredients;
  found->layers = std::make_shared<RemoteLayers>(*std::move(remote));
  state->found.push_back(found);
  state->steps[key.key.digest.str()].record = found->record;
  return std::optional(found->record);
}

std::shared_ptr<RemoteIndex::Found> RemoteIndex::found_by_id(std::string_view id) {
  const std::optional<size_t> number = number_of(id);
  return number ? state_.lock()->found.at(*number) : nullptr;
}

Result<std::optional<std::vector<solver::StepResult>>> RemoteIndex::load(
    const solver::CacheRecord& record) {
  const std::shared_ptr<Found> found = found_by_id(record.id);
  if (found == nullptr) return local_.load(record);
  return std::optional(std::vector{solver::StepResult{record.id, found->layers}});
}

Result<std::vector<solver::KeyIngredient>> RemoteIndex::ingredients(
    const solver::CacheRecord& record) {
  const std::shared_ptr<Found> found = found_by_id(record.id);
  if (found == nullptr) return local_.ingredients(record);
  const auto state = state_.lock();
  return found->local.ingredients;
}

Status RemoteIndex::save(const solver::NewRecord& record) {
  {
    auto state = state_.lock();
    note_key(*state, record.identity, record.parts);
    state->steps[record.identity.str()].results = record.results;
    if (std::ranges::any_of(record.results, is_lazy)) {
      // A merge may stand for a result of another step: the first record is as good.
      state->lazy.emplace(record.results.front().id, record);
      return {};
    }
  }
  return local_.save(record);
}

Status RemoteIndex::add_key(const solver::CacheRecord& record, const solver::CacheKey& key) {
  const std::shared_ptr<Found> found = found_by_id(record.id);
  if (found == nullptr) return local_.add_key(record, key);
  const auto state = state_.lock();
  found->local.keys.push_back(key);
  return {};
}

Result<std::unique_ptr<solver::RunClaim>> RemoteIndex::claim(const solver::CacheKey& key,
                                                             std::stop_token stop) {
  return local_.claim(key, std::move(stop));
}

Status RemoteIndex::keep(const solver::StepResult& result, const solver::StepResult& here) {
  const std::shared_ptr<Found> found = found_by_id(result.id);
  solver::NewRecord record;
  {
    auto state = state_.lock();
    if (found != nullptr) {
      record = found->local;
    } else {
      const auto lazy = state->lazy.find(result.id);
      if (lazy == state->lazy.end()) return {};  // a part of one
      record = lazy->second;
    }
  }
  record.results = {here};
  return local_.save(record);
}

Result<std::optional<SolvedStep>> RemoteIndex::solved_step(const Digest& identity) {
  std::optional<SolvedStep> step;
  {
    auto state = state_.lock();
    const auto known = state->steps.find(identity.str());
    if (known != state->steps.end()) step = known->second;
  }
  if (!step || !step->record) return step;
  // A step that was found by definition was not asked what it reads: its record tells.
  const auto ingredients = TRY(this->ingredients(*step->record));
  for (const solver::KeyIngredient& ingredient : ingredients) {
    for (size_t i = 0; i < step->keys.front().inputs.size(); ++i) {
      if (ingredient.what != fmt::format("input {} content", i)) continue;
      step->read_records.emplace(i, record_digest(ingredient.digest, -1));
    }
  }
  return step;
}

}  // namespace slipway::cache
