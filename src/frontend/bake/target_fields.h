// The keys of a target and a group in a bake file: what each one takes, and where it goes.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "frontend/bake/definition.h"
#include "frontend/hcl/value.h"

namespace slipway::bake {

// Keys of "target" blocks, without "name" and "matrix", and of "group" blocks.
const std::vector<std::string>& target_keys();
const std::vector<std::string>& group_keys();

// Sets a key. Returns the value as others see it: target.app.args is a map of texts, whatever the
// file says.
Result<hcl::Value> set_target_key(TargetDefinition& target, const std::string& key,
                                  const hcl::Value& value);
Result<hcl::Value> set_group_key(Group& group, const std::string& key, const hcl::Value& value);

// What others see of a target or group before its keys are set.
hcl::Value::Entries unset_target(const std::string& name);
hcl::Value::Entries unset_group(const std::string& name);

}  // namespace slipway::bake
