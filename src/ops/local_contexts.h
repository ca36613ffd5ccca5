// LocalContexts: the directories that builds were given, by the names that LLB knows them by.
// Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/guarded.h"
#include "graph/op.h"

namespace slipway::source {
class FileTree;
}

namespace slipway::ops {

class LocalContexts {
 public:
  // `key`: LocalContext::shared_key of the conversion. Several targets each call their directory
  // "context", so the name does not tell them apart.
  void add(std::string key, std::shared_ptr<source::FileTree> context) {
    (*contexts_.lock())[std::move(key)] = std::move(context);
  }
  // The key in the op's local.sharedkeyhint: all of it, or what follows "context:NAME-".
  static std::string key_of(const graph::SourceOp& op) {
    const auto hint = op.attrs.find("local.sharedkeyhint");
    if (hint == op.attrs.end()) return {};
    return hint->second.substr(hint->second.rfind('-') + 1);
  }

  // The text form of a context as a step's result: "local:KEY".
  static std::string to_result_id(const std::string& key) { return "local:" + key; }
  // The context of a result; nullptr when the result is none, or the directory is unknown.
  std::shared_ptr<source::FileTree> find_result(std::string_view result_id) {
    if (!result_id.starts_with("local:")) return nullptr;
    auto contexts = contexts_.lock();
    const auto found = contexts->find(std::string(result_id.substr(6)));
    return found == contexts->end() ? nullptr : found->second;
  }

 private:
  // Contexts are co-owned by the table and by the steps that read them.
  Guarded<std::map<std::string, std::shared_ptr<source::FileTree>>> contexts_;
};

}  // namespace slipway::ops
