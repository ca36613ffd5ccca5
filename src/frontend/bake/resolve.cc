#include "frontend/bake/resolve.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/pattern_matcher.h"
#include "base/text.h"
#include "base/unicode.h"
#include "base/values.h"
#include "frontend/bake/spec.h"
#include "oci/platform_list.h"

namespace slipway::bake {
namespace {

constexpr char kSourceDateEpoch[] = "SOURCE_DATE_EPOCH";  // given to every build that sets none
constexpr std::string_view kHere = "cwd://";

// Compose allows dots in the names of services, bake does not.
std::string sanitized(std::string name) {
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

bool contains(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

void add_once(std::vector<std::string>& list, const std::string& text) {
  if (!contains(list, text)) list.push_back(text);
}

class Resolver {
 public:
  Resolver(const Definitions& definitions, Overrides overrides, Elsewhere elsewhere)
      : definitions_(definitions), overrides_(std::move(overrides)) {
    result_.elsewhere = std::move(elsewhere);
  }

  Result<Resolved> run(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      std::vector<std::string> targets;
      std::set<std::string> visited;
      collect(name, targets, visited);
      for (const std::string& target : targets) {
        if (!result_.targets.contains(target)) {
          result_.targets[target] = TRY(complete(target));
        }
      }
    }
    add_default_group(names);
    std::vector<std::string> roots;
    for (const auto& [name, target] : result_.targets) roots.push_back(name);
    for (const std::string& name : roots) TRY(link(name, {}));
    return std::move(result_);
  }

 private:
  const Group* find_group(const std::string& name) const {
    const auto found = std::find_if(definitions_.groups.begin(), definitions_.groups.end(),
                                    [&](const Group& each) { return each.name == name; });
    return found == definitions_.groups.end() ? nullptr : &*found;
  }

  const TargetDefinition* find_target(const std::string& name) const {
    const auto found =
        std::find_if(definitions_.targets.begin(), definitions_.targets.end(),
                     [&](const TargetDefinition& each) { return each.name == name; });
    return found == definitions_.targets.end() ? nullptr : &*found;
  }

  // The targets that a name stands for, groups in groups included; remembers the groups.
  void collect(const std::string& name, std::vector<std::string>& targets,
               std::set<std::string>& visited) {
    const Group* group = find_group(name);
    if (group == nullptr) {
      add_once(targets, name);
      return;
    }
    if (!visited.insert(name).second) return;
    result_.groups.try_emplace(name, *group);
    for (const std::string& member : group->targets) {
      // A group of its own name holds the target of that name.
      if (member == name) {
        add_once(targets, member);
      } else {
        collect(member, targets, visited);
      }
    }
  }

  // The group "default" lists what was asked for.
  void add_default_group(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      if (name == "default" && result_.groups.contains("default")) continue;
      Group& group = result_.groups["default"];
      group.name = "default";
      group.targets.push_back(name);
    }
    const auto group = result_.groups.find("default");
    if (group == result_.groups.end()) return;
    std::vector<std::string>& targets = group->second.targets;
    std::sort(targets.begin(), targets.end());
    targets.erase(std::unique(targets.begin(), targets.end()), targets.end());
  }

  // A target with all that it inherits. An override counts for what inherits from it, too.
  Result<TargetDefinition> inherited(const std::string& name,
                                     std::map<std::string, TargetDefinition>& visited) {
    if (const auto found = visited.find(name); found != visited.end()) return found->second;
    visited[name] = TargetDefinition();  // a circle of inheritance ends here
    const TargetDefinition* own = find_target(name);
    if (own == nullptr) {
      std::vector<std::string> known;
      for (const TargetDefinition& target : definitions_.targets) known.push_back(target.name);
      for (const Group& group : definitions_.groups) known.push_back(group.name);
      return make_error(ErrorCode::NotFound, "failed to find target {}{}", name,
                        did_you_mean(name, known));
    }
    TargetDefinition target;
    for (const std::string& base : own->inherits) target.merge(TRY(inherited(base, visited)));
    target.merge(*own);
    target.name = name;
    if (const auto found = overrides_.find(name); found != overrides_.end()) {
      TRY(apply_overrides(found->second, target));
    }
    target.normalize();
    visited[name] = target;
    return target;
  }

  Result<TargetDefinition> complete(const std::string& name) {
    std::map<std::string, TargetDefinition> visited;
    TargetDefinition target = TRY(inherited(name, visited));
    target.inherits.clear();
    if (!target.context) target.context = ".";
    if (!target.dockerfile || target.dockerfile->empty()) target.dockerfile = "Dockerfile";
    TRY(place_context(target));
    return target;
  }

  Status place_context(TargetDefinition& target) const {
    std::string& context = *target.context;
    if (context.starts_with(kHere)) {
      context = clean_path(context.substr(kHere.size()));
      return check_dockerfile_is_here(target);
    }
    if (context == "-" || is_remote(context)) return {};
    context = clean_path(context);
    if (result_.elsewhere) context = TRY(result_.elsewhere(context));
    return {};
  }

  // A Dockerfile is looked for in the context, which is not where the definition is.
  Status check_dockerfile_is_here(const TargetDefinition& target) const {
    const std::string& file = *target.dockerfile;
    if (!result_.elsewhere || target.dockerfile_inline || is_remote(file) ||
        file.starts_with(kHere)) {
      return {};
    }
    return make_error(ErrorCode::Unsupported,
                      "target {}: the Dockerfile {} of a definition that is elsewhere cannot be "
                      "read for a context that is here",
                      target.name, file)
        .with_hint(fmt::format("for a Dockerfile that is here: dockerfile = \"cwd://{}\"", file))
        .at(target.span);
  }

  // Makes the targets that `name` uses as contexts, and checks that they fit.
  Status link(const std::string& name, std::vector<std::string> visited) {
    visited.push_back(name);
    const std::map<std::string, std::string> contexts = result_.targets[name].contexts;
    for (const auto& [context, path] : contexts) {
      if (!path.starts_with("target:")) continue;
      const std::string other = path.substr(7);
      if (other == name) return invalid_input("target {} cannot link to itself", other);
      if (contains(visited, other))
        return invalid_input("infinite loop from {} to {}", name, other);
      if (!result_.targets.contains(other)) {
        TargetDefinition linked = TRY(complete(other));
        linked.outputs = std::vector<Fields>{Fields{{"type", "cacheonly"}}};
        linked.linked = true;
        result_.targets[other] = std::move(linked);
      }
      TRY(link(other, visited));
      TRY(check_link(name, other));
    }
    return {};
  }

  Status check_link(const std::string& name, const std::string& other) {
    TargetDefinition& mine = result_.targets[name];
    const TargetDefinition& theirs = result_.targets[other];
    if (theirs.entitlements) {
      if (!mine.entitlements) mine.entitlements.emplace();
      for (const std::string& entitlement : *theirs.entitlements) {
        add_once(*mine.entitlements, entitlement);
      }
    }
    if (!mine.platforms || !theirs.platforms) return {};
    if (mine.platforms->size() <= 1 || theirs.platforms->size() <= 1) return {};
    for (const std::string& platform : *mine.platforms) {
      if (contains(*theirs.platforms, platform)) continue;
      return invalid_input(
          "target {} can't be used by {} because its platforms [{}] are not a subset of [{}]",
          other, name, join(*mine.platforms, " "), join(*theirs.platforms, " "));
    }
    return {};
  }

  const Definitions& definitions_;
  Overrides overrides_;
  Resolved result_;
};

Result<std::vector<std::string>> names_for(const Definitions& definitions,
                                           const std::string& pattern) {
  if (pattern.find_first_of("*?[]") == std::string::npos) return std::vector{pattern};
  std::vector<std::string> names;
  for (const Group& group : definitions.groups) {
    if (name_matches(pattern, group.name).value_or(false)) add_once(names, group.name);
  }
  for (const TargetDefinition& target : definitions.targets) {
    if (name_matches(pattern, target.name).value_or(false)) add_once(names, target.name);
  }
  if (names.empty())
    return invalid_input("could not find any target matching {}", go_quote(pattern));
  return names;
}

template <typename T>
std::vector<T> list_of(const std::optional<std::vector<T>>& list) {
  return list.value_or(std::vector<T>());
}

Status check_supported(const TargetDefinition& definition) {
  for (const Unsupported& unsupported : definition.unsupported) {
    return make_error(ErrorCode::Unsupported, "{} is not supported yet", unsupported.what)
        .at(unsupported.span);
  }
  for (const auto& [key, is_set] : {std::pair("resources", definition.resources.has_value()),
                                    std::pair("policy", !list_of(definition.policy).empty())}) {
    if (!is_set) continue;
    return make_error(ErrorCode::Unsupported, "target {}: {} is not supported yet", definition.name,
                      key)
        .at(definition.span);
  }
  return {};
}

Status check_platforms(const TargetDefinition& definition) {
  for (const std::string& platform : list_of(definition.platforms)) {
    Result<std::vector<Platform>> parsed = parse_platform_list(platform);
    if (parsed) continue;
    return std::move(parsed)
        .error()
        .context(fmt::format("target {}: platforms", definition.name))
        .at(definition.span);
  }
  return {};
}

// A named context that is a directory, where it is.
Result<std::string> placed(const std::string& path, const Elsewhere& elsewhere) {
  if (path.starts_with(kHere)) return clean_path(path.substr(kHere.size()));
  if (!elsewhere || is_remote(path)) return path;
  for (const char* other : {"target:", "docker-image:", "oci-layout:"}) {
    if (path.starts_with(other)) return path;
  }
  return elsewhere(clean_path(path));
}

Result<Target> to_target(const TargetDefinition& definition, const Elsewhere& elsewhere) {
  TRY(check_supported(definition));
  Target target;
  target.name = definition.name;
  target.description = definition.description;
  target.context = definition.context.value_or(".");
  target.dockerfile = definition.dockerfile.value_or("");
  target.dockerfile_inline = definition.dockerfile_inline;
  target.target = definition.target.value_or("");
  for (const auto& [name, value] : definition.args) target.args[name] = value;
  target.contexts = definition.contexts;
  for (auto& [name, path] : target.contexts) path = TRY(placed(path, elsewhere));
  target.labels = definition.labels;
  target.annotations = list_of(definition.annotations);
  target.tags = list_of(definition.tags);
  target.platforms = list_of(definition.platforms);
  target.cache_from = list_of(definition.cache_from);
  target.cache_to = list_of(definition.cache_to);
  target.outputs = list_of(definition.outputs);
  for (const SecretSpec& secret : list_of(definition.secrets)) {
    Fields fields = {{"id", secret.id}};
    if (!secret.file.empty()) fields["src"] = secret.file;
    if (!secret.env.empty()) fields["env"] = secret.env;
    target.secrets.push_back(std::move(fields));
  }
  for (const SshSpec& ssh : list_of(definition.ssh)) {
    target.ssh.push_back(ssh.paths.empty() ? ssh.id : ssh.id + "=" + join(ssh.paths, ","));
  }
  for (const Attestation& attestation : list_of(definition.attest)) {
    Fields fields = attestation.attributes;
    fields["type"] = attestation.type;
    if (attestation.disabled) fields["disabled"] = "true";
    target.attest.push_back(std::move(fields));
  }
  target.no_cache_filter = list_of(definition.no_cache_filter);
  target.entitlements = list_of(definition.entitlements);
  target.extra_hosts = definition.extra_hosts;
  for (const std::string& text : list_of(definition.ulimits)) {
    target.ulimits.push_back(TRY(parse_ulimit(text)));
  }
  target.network = definition.network.value_or("");
  target.call = definition.call.value_or("");
  if (definition.shm_size && !definition.shm_size->empty()) {
    target.shm_size =
        TRY(parse_size(*definition.shm_size).context("read shm-size of target " + definition.name));
  }
  target.no_cache = definition.no_cache.value_or(false);
  target.pull = definition.pull.value_or(false);
  target.span = definition.span;
  return target;
}

}  // namespace

Result<Resolved> resolve(const Definitions& definitions, const Request& request,
                         const EnvironmentLookup& environment) {
  std::vector<std::string> names;
  const std::vector<std::string> asked =
      request.targets.empty() ? std::vector<std::string>{"default"} : request.targets;
  for (const std::string& pattern : asked) {
    for (const std::string& name : TRY(names_for(definitions, sanitized(pattern)))) {
      add_once(names, name);
    }
  }
  std::vector<std::string> set = request.set;
  for (std::string& text : override_texts(request.flags)) set.push_back(std::move(text));
  Overrides overrides = TRY(parse_overrides(set, definitions, environment));
  Resolver resolver(definitions, std::move(overrides), request.elsewhere);
  Resolved resolved = TRY(resolver.run(names));
  for (const auto& [name, target] : resolved.targets) {
    if (request.stdin_allowed) break;
    if (target.context == "-") return invalid_input("context from stdin not allowed in bake");
    if (target.dockerfile == "-") return invalid_input("dockerfile from stdin not allowed in bake");
  }
  for (const auto& [name, target] : resolved.targets) TRY(check_platforms(target));
  const auto epoch = environment ? environment(kSourceDateEpoch) : std::nullopt;
  if (!epoch || epoch->empty()) return resolved;
  for (auto& [name, target] : resolved.targets) target.args.try_emplace(kSourceDateEpoch, *epoch);
  return resolved;
}

Result<std::vector<Target>> to_targets(const Resolved& resolved) {
  std::vector<Target> targets;
  for (const auto& [name, definition] : resolved.targets) {
    targets.push_back(TRY(to_target(definition, resolved.elsewhere)));
  }
  return targets;
}

}  // namespace slipway::bake
