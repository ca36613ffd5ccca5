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
  // `key`: "NAME" of local://NAME, with the op's local.sharedkeyhint appended when it has one
  // (several targets each call their directory "context").
  void add(std::string key, std::shared_ptr<source::FileTree> context) {
    (*contexts_.lock())[std::move(key)] = std::move(context);
  }
  static std::string key_of(const graph::SourceOp& op) {
    const auto hint = op.attrs.find("local.sharedkeyhint");
    const std::string name = op.identifier.substr(std::string_view("local://").size());
    return hint == op.attrs.end() ? name : name + " " + hint->second;
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
