#include "frontend/compose/merge.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace slipway::compose {
namespace {

enum class Level { Model, Services, Service, Build, Other };

Error cannot_override(const Value& over, std::string_view name) {
  return make_error(ErrorCode::InvalidInput, "cannot override {}", name).at(over.span);
}

Value as_list(std::vector<Value> items, const SourceSpan& span) {
  Value list;
  list.kind = Value::Kind::List;
  list.items = std::move(items);
  list.span = span;
  return list;
}

std::string key_of(const Value& entry) {
  return entry.text.substr(0, entry.text.find('='));
}

// Entries by key: a later one takes the place of the first with its key.
Result<Value> merge_key_values(const Value& base, const Value& over, std::string_view name) {
  std::vector<Value> entries = TRY(key_values(base, name));
  for (Value& entry : TRY(key_values(over, name))) entries.push_back(std::move(entry));
  std::vector<Value> result;
  for (Value& entry : entries) {
    const auto same = std::find_if(result.begin(), result.end(), [&](const Value& each) {
      return key_of(each) == key_of(entry);
    });
    if (same == result.end()) {
      result.push_back(std::move(entry));
    } else {
      *same = std::move(entry);
    }
  }
  return as_list(std::move(result), over.span);
}

void append_missing(std::vector<Value>& items, std::vector<Value> more) {
  for (Value& item : more) {
    if (std::find(items.begin(), items.end(), item) == items.end())
      items.push_back(std::move(item));
  }
}

// A text, a list or a mapping of lists as one list.
Result<std::vector<Value>> sequence(const Value& value, std::string_view name) {
  if (value.is_scalar()) return std::vector{value};
  if (value.is_list()) return value.items;
  std::vector<Value> items;
  for (const auto& [key, member] : value.members) {
    if (!member.is_list()) {
      items.push_back(yaml::scalar(key + "=" + scalar_text(member), member.span));
      continue;
    }
    for (const Value& item : member.items) {
      if (!item.is_scalar()) return cannot_override(item, name);
      items.push_back(yaml::scalar(key + "=" + scalar_text(item), item.span));
    }
  }
  return items;
}

// "build: ." is short for "build: {context: .}".
Value long_build(Value build) {
  if (!build.is_scalar()) return build;
  Value map;
  map.kind = Value::Kind::Map;
  map.span = build.span;
  map.set("context", std::move(build));
  return map;
}

Level below(Level level, std::string_view name) {
  if (level == Level::Model && name == "services") return Level::Services;
  if (level == Level::Services) return Level::Service;
  if (level == Level::Service && name == "build") return Level::Build;
  return Level::Other;
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Result<Value> merge_values(Value base, Value over, Level level, std::string_view name);

Status merge_members(Value& base, Value over, Level level) {
  for (auto& [name, member] : over.members) {
    Value* mine = base.find(name);
    if (member.merge == Value::Merge::Reset) {
      std::erase_if(base.members, [&](const Value::Member& each) { return each.first == name; });
      continue;
    }
    if (mine == nullptr || member.merge == Value::Merge::Override) {
      base.set(name, std::move(member));
      continue;
    }
    const bool pairs =
        (level == Level::Build && is_one_of(name, {"args", "additional_contexts", "labels"})) ||
        (level == Level::Service &&
         is_one_of(name, {"environment", "labels", "annotations", "sysctls"}));
    const bool texts = (level == Level::Build && name == "extra_hosts") ||
                       (level == Level::Service &&
                        is_one_of(name, {"env_file", "dns", "tmpfs", "extra_hosts", "label_file"}));
    if (pairs) {
      *mine = TRY(merge_key_values(*mine, member, name));
    } else if (texts) {
      std::vector<Value> items = TRY(sequence(*mine, name));
      append_missing(items, TRY(sequence(member, name)));
      *mine = as_list(std::move(items), member.span);
    } else {
      *mine = TRY(merge_values(std::move(*mine), std::move(member), below(level, name), name));
    }
  }
  return {};
}

Result<Value> merge_values(Value base, Value over, Level level, std::string_view name) {
  if (over.is_null()) return base;
  if (base.is_null()) return over;
  if (level == Level::Build) {
    base = long_build(std::move(base));
    over = long_build(std::move(over));
  }
  // What compose never reads for a build needs no rules: the later one counts.
  if (level == Level::Other && base.kind != over.kind) return over;
  if (base.kind != over.kind) return cannot_override(over, name);
  switch (base.kind) {
    case Value::Kind::Null:
    case Value::Kind::Scalar:
      return over;
    case Value::Kind::List:
      append_missing(base.items, std::move(over.items));
      return base;
    case Value::Kind::Map:
      TRY(merge_members(base, std::move(over), level));
      return base;
  }
  return base;
}

}  // namespace

Result<Value> merge_models(Value base, Value over) {
  return merge_values(std::move(base), std::move(over), Level::Model, "the model");
}

Result<Value> merge_services(Value base, Value over) {
  return merge_values(std::move(base), std::move(over), Level::Service, "the service");
}

Result<std::vector<Value>> key_values(const Value& value, std::string_view what) {
  std::vector<Value> entries;
  if (value.is_null()) return entries;
  if (value.is_list()) {
    for (const Value& item : value.items) {
      if (!item.is_scalar()) {
        return make_error(ErrorCode::InvalidInput, "{} entries must be strings", what)
            .at(item.span);
      }
      entries.push_back(item);
    }
    return entries;
  }
  if (!value.is_map()) {
    return make_error(ErrorCode::InvalidInput, "{} must be a mapping or a list", what)
        .at(value.span);
  }
  for (const auto& [key, member] : value.members) {
    if (!member.is_null() && !member.is_scalar()) {
      return make_error(ErrorCode::InvalidInput, "{}.{} must be a string, number, boolean or null",
                        what, key)
          .at(member.span);
    }
    entries.push_back(
        yaml::scalar(member.is_null() ? key : key + "=" + scalar_text(member), member.span));
  }
  return entries;
}

}  // namespace slipway::compose
