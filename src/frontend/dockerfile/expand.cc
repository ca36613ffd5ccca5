#include "frontend/dockerfile/expand.h"

#include <vector>

namespace slipway::dockerfile {
namespace {

// Expands the fields of one instruction; an overload for each kind that has any.
class Expander {
 public:
  explicit Expander(const WordExpander& expand_word) : expand_word_(expand_word) {}

  Status operator()(AddInstruction& add) const {
    TRY(expand(add.chown));
    TRY(expand(add.chmod));
    TRY(expand(add.checksum));
    return expand(add.paths);
  }
  Status operator()(CopyInstruction& copy) const {
    TRY(expand(copy.chown));
    TRY(expand(copy.chmod));
    return expand(copy.paths);
  }
  Status operator()(ArgInstruction& arg) const {
    for (ArgDefinition& definition : arg.args) {
      TRY(expand(definition.key));
      if (definition.value) TRY(expand(*definition.value));
    }
    return {};
  }
  Status operator()(EnvInstruction& env) const { return expand(env.pairs); }
  Status operator()(LabelInstruction& label) const {
    return label.literal ? Status() : expand(label.pairs);
  }
  Status operator()(StopsignalInstruction& stop) const { return expand(stop.signal); }
  Status operator()(UserInstruction& user) const { return expand(user.user); }
  Status operator()(VolumeInstruction& volume) const { return expand(volume.volumes); }
  Status operator()(WorkdirInstruction& workdir) const { return expand(workdir.path); }

  Status operator()(CmdInstruction&) const { return {}; }
  Status operator()(EntrypointInstruction&) const { return {}; }
  Status operator()(ExposeInstruction&) const { return {}; }
  Status operator()(HealthcheckInstruction&) const { return {}; }
  Status operator()(MaintainerInstruction&) const { return {}; }
  Status operator()(OnbuildInstruction&) const { return {}; }
  Status operator()(RunInstruction&) const { return {}; }
  Status operator()(ShellInstruction&) const { return {}; }

 private:
  Status expand(std::string& text) const {
    text = TRY(expand_word_(text));
    return {};
  }
  Status expand(std::vector<std::string>& texts) const {
    for (std::string& text : texts) TRY(expand(text));
    return {};
  }
  Status expand(std::vector<KeyValue>& pairs) const {
    for (KeyValue& pair : pairs) {
      TRY(expand(pair.key));
      TRY(expand(pair.value));
    }
    return {};
  }
  Status expand(SourcesAndDest& paths) const {
    TRY(expand(paths.sources));
    return expand(paths.dest);
  }

  const WordExpander& expand_word_;
};

Status expand_contents(SourcesAndDest& paths, const WordExpander& expander) {
  for (InlineSource& content : paths.contents) {
    if (content.expand) content.data = TRY(expander(content.data));
  }
  return {};
}

}  // namespace

Status expand(Instruction& instruction, const WordExpander& expander) {
  return std::visit(Expander(expander), instruction);
}

Status expand_heredocs(Instruction& instruction, const WordExpander& expander) {
  if (auto* add = std::get_if<AddInstruction>(&instruction)) {
    return expand_contents(add->paths, expander);
  }
  if (auto* copy = std::get_if<CopyInstruction>(&instruction)) {
    return expand_contents(copy->paths, expander);
  }
  return {};
}

}  // namespace slipway::dockerfile
