#include "frontend/bake/definition.h"

#include <algorithm>
#include <set>
#include <utility>

namespace slipway::bake {
namespace {

template <typename T>
void replace(std::optional<T>& mine, const std::optional<T>& other) {
  if (other) mine = other;
}

template <typename T>
void append(std::optional<std::vector<T>>& mine, const std::optional<std::vector<T>>& other) {
  if (!other) return;
  if (!mine) mine.emplace();
  mine->insert(mine->end(), other->begin(), other->end());
}

void add(std::map<std::string, std::string>& mine,
         const std::map<std::string, std::string>& other) {
  for (const auto& [key, value] : other) mine.insert_or_assign(key, value);
}

void remove_repeated(std::optional<std::vector<std::string>>& list) {
  if (!list) return;
  std::set<std::string> seen;
  std::erase_if(
      *list, [&](const std::string& entry) { return entry.empty() || !seen.insert(entry).second; });
}

void merge_limits(std::optional<ResourceLimits>& mine, const std::optional<ResourceLimits>& other) {
  if (!other) return;
  if (!mine) mine.emplace();
  replace(mine->memory, other->memory);
  replace(mine->memory_swap, other->memory_swap);
  replace(mine->cpu_shares, other->cpu_shares);
  replace(mine->cpu_period, other->cpu_period);
  replace(mine->cpu_quota, other->cpu_quota);
  replace(mine->cpuset_cpus, other->cpuset_cpus);
  replace(mine->cpuset_mems, other->cpuset_mems);
}

// A later entry takes the place of the first one with its key.
template <typename T, typename Key>
std::vector<T> last_of_each(std::vector<T> entries, Key key) {
  std::vector<T> result;
  for (T& entry : entries) {
    const auto same = std::find_if(result.begin(), result.end(),
                                   [&](const T& each) { return key(each) == key(entry); });
    if (same == result.end()) {
      result.push_back(std::move(entry));
    } else {
      *same = std::move(entry);
    }
  }
  return result;
}

template <typename T>
void normalize_entries(std::optional<std::vector<T>>& entries) {
  if (!entries) return;
  if (entries->empty()) {
    entries.reset();
  } else {
    *entries = merged(std::move(*entries));
  }
}

}  // namespace

std::vector<Attestation> merged(std::vector<Attestation> entries) {
  return last_of_each(std::move(entries), [](const Attestation& each) { return each.type; });
}

std::vector<SecretSpec> merged(std::vector<SecretSpec> entries) {
  return last_of_each(std::move(entries), [](const SecretSpec& each) { return each.id; });
}

std::vector<SshSpec> merged(std::vector<SshSpec> entries) {
  return last_of_each(std::move(entries), [](const SshSpec& each) { return each.id; });
}

// Of equal entries the first one stays, where the later one was swapped to: buildx's order.
std::vector<Fields> merged(std::vector<Fields> entries) {
  for (size_t i = entries.size(); i-- > 1;) {
    const Fields& entry = entries[i - 1];
    for (size_t j = i; j < entries.size(); ++j) {
      if (entries[j] != entry) continue;
      std::swap(entries[j], entries.back());
      entries.pop_back();
      break;
    }
  }
  return entries;
}

void TargetDefinition::merge(const TargetDefinition& other) {
  replace(context, other.context);
  replace(dockerfile, other.dockerfile);
  replace(dockerfile_inline, other.dockerfile_inline);
  add(args, other.args);
  add(contexts, other.contexts);
  add(labels, other.labels);
  replace(tags, other.tags);
  replace(target, other.target);
  replace(call, other.call);
  append(annotations, other.annotations);
  append(attest, other.attest);
  append(secrets, other.secrets);
  append(ssh, other.ssh);
  replace(platforms, other.platforms);
  append(cache_from, other.cache_from);
  replace(cache_to, other.cache_to);
  replace(outputs, other.outputs);
  replace(pull, other.pull);
  replace(no_cache, other.no_cache);
  replace(network, other.network);
  append(no_cache_filter, other.no_cache_filter);
  replace(shm_size, other.shm_size);
  append(ulimits, other.ulimits);
  merge_limits(resources, other.resources);
  append(policy, other.policy);
  append(entitlements, other.entitlements);
  add(extra_hosts, other.extra_hosts);
  if (!other.description.empty()) description = other.description;
  inherits.insert(inherits.end(), other.inherits.begin(), other.inherits.end());
  unsupported.insert(unsupported.end(), other.unsupported.begin(), other.unsupported.end());
  if (!other.span.file.empty()) span = other.span;
}

void TargetDefinition::normalize() {
  remove_repeated(annotations);
  remove_repeated(tags);
  remove_repeated(platforms);
  remove_repeated(no_cache_filter);
  remove_repeated(ulimits);
  normalize_entries(attest);
  normalize_entries(secrets);
  normalize_entries(ssh);
  normalize_entries(cache_from);
  normalize_entries(cache_to);
  normalize_entries(outputs);
  if (network == "host") {
    if (!entitlements) entitlements.emplace();
    entitlements->push_back("network.host");
  }
  remove_repeated(entitlements);
  std::erase_if(contexts, [](const auto& entry) { return entry.second.empty(); });
}

void Definitions::merge(const Definitions& later) {
  for (const Group& group : later.groups) {
    const auto mine = std::find_if(groups.begin(), groups.end(),
                                   [&](const Group& each) { return each.name == group.name; });
    if (mine == groups.end()) {
      groups.push_back(group);
      continue;
    }
    for (const std::string& name : group.targets) {
      if (std::find(mine->targets.begin(), mine->targets.end(), name) == mine->targets.end()) {
        mine->targets.push_back(name);
      }
    }
  }
  for (const TargetDefinition& target : later.targets) {
    const auto mine =
        std::find_if(targets.begin(), targets.end(),
                     [&](const TargetDefinition& each) { return each.name == target.name; });
    if (mine == targets.end()) {
      targets.push_back(target);
    } else {
      mine->merge(target);
    }
  }
}

}  // namespace slipway::bake
