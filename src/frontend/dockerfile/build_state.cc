#include "frontend/dockerfile/build_state.h"

#include <algorithm>

#include "frontend/dockerfile/path_rules.h"

namespace slipway::dockerfile {

void EnvList::set(std::string name, std::string value) {
  std::erase_if(entries_, [&](const auto& entry) { return entry.first == name; });
  map_[name] = value;
  entries_.emplace_back(std::move(name), std::move(value));
}

void EnvList::unset(const std::string& name) {
  std::erase_if(entries_, [&](const auto& entry) { return entry.first == name; });
  map_.erase(name);
}

const std::string* EnvList::find(const std::string& name) const {
  const auto found = map_.find(name);
  return found == map_.end() ? nullptr : &found->second;
}

std::vector<std::string> EnvList::to_strings() const {
  std::vector<std::string> strings;
  strings.reserve(entries_.size());
  for (const auto& [name, value] : entries_) strings.push_back(name + "=" + value);
  return strings;
}

void BuildState::apply(const ImageConfig& config) {
  for (const std::string& entry : config.config.env) {
    const size_t equals = entry.find('=');
    if (equals == 0) continue;
    env.set(entry.substr(0, equals),
            equals == std::string::npos ? std::string() : entry.substr(equals + 1));
  }
  dir = config.config.working_dir.starts_with('/') ? config.config.working_dir
                                                   : join_path(dir, config.config.working_dir);
  if (!config.platform.architecture.empty() && !config.platform.os.empty()) {
    platform = config.platform.normalized();
  }
}

}  // namespace slipway::dockerfile
