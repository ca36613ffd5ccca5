// HclReader: the definitions of bake files, which may refer to one another in any order.
//
// Everything is evaluated when it is first needed, and each time only the part that is: an
// attribute of a target may use another target's attribute, whose target may use the first one's
// others. So, before an expression is evaluated, whatever it names is resolved (use_names): global
// attributes and variables by resolve_value, functions by resolve_function, and attributes of
// blocks by resolve_block, which keeps per block what is done and what is in progress. The order in
// which buildx does all this can be seen in results (which variables a validation sees, whether a
// cycle is found), so it is buildx's order here.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "frontend/bake/bake_file.h"
#include "frontend/bake/definition.h"
#include "frontend/hcl/body.h"
#include "frontend/hcl/evaluate.h"

namespace slipway::bake {

class HclReader {
 public:
  // Adds to `definitions`. Options and definitions must outlive the reader.
  HclReader(std::vector<std::shared_ptr<const hcl::Body>> bodies, const BakeOptions& options,
            Definitions& definitions);

  Status run();

 private:
  struct Validation {
    std::shared_ptr<const hcl::Expression> condition;
    std::shared_ptr<const hcl::Expression> message;
  };
  struct Variable {
    std::string name;
    std::string description;
    std::shared_ptr<const hcl::Expression> type;  // nullptr: not said
    std::optional<hcl::Attribute> default_value;
    std::vector<Validation> validations;
    hcl::Range range;
    std::optional<hcl::Type> constraint;  // set when it is resolved, where a type is said
  };
  struct FunctionDefinition {
    std::string name;
    std::optional<hcl::Attribute> parameters;
    std::optional<hcl::Attribute> variadic;
    std::optional<hcl::Attribute> result;
    hcl::Range range;
  };
  // One target that a block makes; without a matrix, the only one.
  struct Instance {
    std::string name;
    const hcl::Scope* scope = nullptr;      // root_, or own_scope
    std::unique_ptr<hcl::Scope> own_scope;  // of a matrix
    std::set<std::string> done;             // attributes that are evaluated
    std::set<std::string> in_progress;      // attributes that something needs by name
    TargetDefinition target;
    Group group;
    hcl::Value::Entries seen;  // what others see of it
  };
  struct BlockState {
    hcl::Block block;
    bool is_target = false;
    bool has_instances = false;
    std::vector<std::unique_ptr<Instance>> instances;
  };
  // Undefined: there is nothing of that name, which may be no error.
  enum class Outcome { Resolved, Undefined };

  // ---- reading (hcl_reader.cc)
  Status read_definitions();
  Status read_variable(const hcl::Block& block);
  Status read_function(const hcl::Block& block);
  Result<hcl::Content> content(const hcl::Schema& schema) const;
  bool is_reserved(const std::string& name) const;
  Status resolve_variables();
  Status validate_variables();
  Status resolve_functions();
  Status name_blocks();
  Status resolve_blocks();
  Status resolve_attributes();
  void add(const BlockState& state);
  void add_renamed();
  void warn_of_unknown_keys(const BlockState& state);
  VariableSpec describe(const Variable& variable) const;

  // ---- names (hcl_names.cc)
  // Resolves what the expression names. `local_names` belong to the expression itself.
  Status use_names(const hcl::Scope& scope, const hcl::Expression& expression,
                   const std::set<std::string>& local_names, bool allow_missing);
  Result<Outcome> use_block(const hcl::Traversal& traversal, const hcl::Expression& expression);
  Result<Outcome> resolve_value(const hcl::Scope& scope, const std::string& name);
  Result<hcl::Value> variable_value(Variable& variable);
  Result<hcl::Value> attribute_value(const hcl::Scope& scope, const hcl::Attribute& attribute);
  Result<hcl::Value> value_from_outside(const Variable& variable, const hcl::Type& type,
                                        const hcl::Value* default_value);
  struct Outside {
    std::string text;
    bool is_json = false;
  };
  std::optional<Outside> value_outside(const std::string& name, bool favor_json) const;
  Result<Outcome> resolve_function(const std::string& name);
  Result<hcl::Function> make_function(const FunctionDefinition& definition);

  // ---- blocks (hcl_blocks.cc)
  // Evaluates the block's attribute of that name; nullptr: all that are not done yet.
  Status resolve_block(BlockState& state, const std::string* only);
  Status resolve_instance(BlockState& state, Instance& instance, const std::string* only);
  Status evaluate_keys(BlockState& state, Instance& instance, const std::string* only);
  Status set_key(BlockState& state, Instance& instance, const hcl::Attribute& attribute);
  Status make_instances(BlockState& state);
  Status make_matrix(BlockState& state, const hcl::Attribute& matrix);
  Status name_instances(BlockState& state);
  Result<std::string> instance_name(const BlockState& state, const Instance& instance);
  void publish(const BlockState& state, const Instance& instance);

  std::vector<std::shared_ptr<const hcl::Body>> bodies_;
  const BakeOptions& options_;
  Definitions& definitions_;

  hcl::Budget budget_;
  hcl::Scope root_;
  std::map<std::string, Variable> variables_;
  std::map<std::string, hcl::Attribute> attributes_;
  std::map<std::string, FunctionDefinition> functions_;
  std::vector<std::unique_ptr<BlockState>> blocks_;
  // "target" or "group", then the name. Empty until all blocks have their names.
  std::map<std::string, std::map<std::string, std::vector<BlockState*>>> blocks_by_name_;
  bool knows_blocks_ = false;  // before, "target" and "group" are names like others
  std::set<std::string> values_in_progress_;
  std::set<std::string> functions_in_progress_;
  int depth_ = 0;  // of things that need one another
};

}  // namespace slipway::bake
