// The outline of a target: its own stage first, then its base, then what it copies and mounts from.
#include "frontend/dockerfile/outline.h"

#include <algorithm>

#include "frontend/dockerfile/convert_context.h"

namespace slipway::dockerfile {
namespace {

template <typename Entry>
std::vector<Entry> by_line(std::map<std::string, Entry> entries) {
  std::vector<Entry> sorted;
  for (auto& [name, entry] : entries) sorted.push_back(std::move(entry));
  std::ranges::stable_sort(sorted, {}, [](const Entry& entry) { return entry.span.first_line; });
  return sorted;
}

class OutlineCollector {
 public:
  explicit OutlineCollector(const std::map<std::string, GlobalArg>& global_args)
      : global_args_(global_args) {}

  void visit(const StageState& stage) {
    if (!visited_.insert(&stage).second) return;
    add_args(stage.inputs);
    secrets_.insert(stage.inputs.secrets.begin(), stage.inputs.secrets.end());
    ssh_.insert(stage.inputs.ssh.begin(), stage.inputs.ssh.end());
    if (stage.base != nullptr) visit(*stage.base);
    for (const StageState* dependency : stage.dependencies) visit(*dependency);
  }

  Outline take(const StageState& target) && {
    return {target.name, target.description, by_line(std::move(args_)),
            by_line(std::move(secrets_)), by_line(std::move(ssh_))};
  }

 private:
  // An argument before the first FROM needs those that its default names.
  void add_args(const StageInputs& inputs) {
    std::vector<std::string> open(inputs.used_args.begin(), inputs.used_args.end());
    std::set<std::string> used;
    while (!open.empty()) {
      const std::string name = std::move(open.back());
      open.pop_back();
      if (!used.insert(name).second) continue;
      const auto own = inputs.args.find(name);
      const auto global = global_args_.find(name);
      if (own != inputs.args.end()) {
        args_.insert(*own);
      } else if (global != global_args_.end()) {
        args_.emplace(name, global->second.arg);
        open.insert(open.end(), global->second.needs.begin(), global->second.needs.end());
      }
    }
  }

  const std::map<std::string, GlobalArg>& global_args_;
  std::set<const StageState*> visited_;
  std::map<std::string, OutlineArg> args_;
  std::map<std::string, OutlineMount> secrets_;
  std::map<std::string, OutlineMount> ssh_;
};

}  // namespace

Outline outline_of(const ConvertContext& context, const StageState& target) {
  OutlineCollector collector(context.declared_args);
  collector.visit(target);
  return std::move(collector).take(target);
}

}  // namespace slipway::dockerfile
