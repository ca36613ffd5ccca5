#include "frontend/hcl/unify.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

#include "base/text.h"
#include "base/unicode.h"
#include "frontend/hcl/convert.h"

namespace slipway::hcl {
namespace {

using Kind = Type::Kind;

// 0 where some parts are more general in `a` and others in `b`.
int compare_parts(const Type& a, const Type& b) {
  if (a.parts().size() != b.parts().size() || a.names() != b.names()) return 0;
  bool a_wins = false;
  bool b_wins = false;
  for (size_t i = 0; i < a.parts().size(); ++i) {
    const int order = compare_generality(a.parts()[i], b.parts()[i]);
    a_wins |= order < 0;
    b_wins |= order > 0;
  }
  if (a_wins == b_wins) return 0;
  return a_wins ? -1 : 1;
}

// Whether a collection is the general form of a structure or of another collection.
bool is_general_form(Kind a, Kind b) {
  if (a == Kind::List) return b == Kind::Tuple || b == Kind::Set;
  return (a == Kind::Map && b == Kind::Object) || (a == Kind::Tuple && b == Kind::Set);
}

size_t count(const std::vector<Type>& types, Kind kind) {
  return static_cast<size_t>(
      std::count_if(types.begin(), types.end(), [&](const Type& type) { return type.is(kind); }));
}

std::optional<Type> if_all_convertible(const std::vector<Type>& types, Type to, Safety safety) {
  for (const Type& type : types) {
    if (type != to && !is_convertible(type, to, safety)) return std::nullopt;
  }
  return to;
}

std::optional<Type> unify_collections(const std::vector<Type>& types, Type (*make)(Type),
                                      Safety safety) {
  std::vector<Type> elements;
  for (const Type& type : types) elements.push_back(type.element());
  const std::optional<Type> element = unify(elements, safety);
  if (!element) return std::nullopt;
  return if_all_convertible(types, make(*element), safety);
}

// One collection for structures of different shape.
std::optional<Type> unify_as_collection(const std::vector<Type>& types, Type (*make)(Type),
                                        Safety safety) {
  std::vector<Type> parts;
  for (const Type& type : types) {
    parts.insert(parts.end(), type.parts().begin(), type.parts().end());
  }
  const std::optional<Type> element = unify(parts, safety);
  if (!element) return std::nullopt;
  return if_all_convertible(types, make(*element), safety);
}

std::optional<Type> unify_structures(const std::vector<Type>& types, Safety safety) {
  const bool objects = types[0].is(Kind::Object);
  const auto make_collection = objects ? &Type::map : &Type::list;
  for (const Type& type : types) {
    if (type.names() != types[0].names() || type.parts().size() != types[0].parts().size()) {
      return unify_as_collection(types, make_collection, safety);
    }
  }
  std::vector<Type> parts;
  for (size_t i = 0; i < types[0].parts().size(); ++i) {
    std::vector<Type> across;
    for (const Type& type : types) across.push_back(type.parts()[i]);
    std::optional<Type> part = unify(across, safety);
    if (!part) return std::nullopt;
    parts.push_back(std::move(*part));
  }
  Type result = Type::tuple(parts);
  if (objects) {
    std::map<std::string, Type> attributes;
    for (size_t i = 0; i < parts.size(); ++i) attributes.emplace(types[0].names()[i], parts[i]);
    result = Type::object(attributes);
  }
  if (auto all = if_all_convertible(types, std::move(result), safety)) return all;
  return unify_as_collection(types, make_collection, safety);
}

// Structures among collections: the structures as a collection first, then all of them.
std::optional<Type> unify_mixed(std::vector<Type> types, Kind structure, Type (*make)(Type),
                                Safety safety) {
  std::vector<Type> structures;
  for (const Type& type : types) {
    if (type.is(structure)) structures.push_back(type);
  }
  const std::optional<Type> collection = unify_as_collection(structures, make, safety);
  if (!collection) return std::nullopt;
  for (Type& type : types) {
    if (type.is(structure)) type = *collection;
  }
  return unify(types, safety);
}

std::optional<Type> unify_by_preference(const std::vector<Type>& types, Safety safety) {
  for (const size_t index : generality_order(types)) {
    if (auto all = if_all_convertible(types, types[index], safety)) return all;
  }
  return std::nullopt;
}

}  // namespace

int compare_generality(const Type& a, const Type& b) {
  if (a.is_any() || b.is_any()) {
    return (a.is_any() ? 1 : 0) - (b.is_any() ? 1 : 0);
  }
  if (a.is_primitive() && b.is_primitive()) {
    return (b.is(Kind::String) ? 1 : 0) - (a.is(Kind::String) ? 1 : 0);
  }
  if (a.is_collection() && a.kind() == b.kind()) {
    return compare_generality(a.element(), b.element());
  }
  if (is_general_form(a.kind(), b.kind())) return -1;
  if (is_general_form(b.kind(), a.kind())) return 1;
  if (a.kind() == b.kind()) return compare_parts(a, b);
  return 0;
}

// A topological order that keeps the given order where types do not compare.
std::vector<size_t> generality_order(const std::vector<Type>& types) {
  std::vector<std::vector<size_t>> after(types.size());
  std::vector<size_t> before(types.size(), 0);
  for (size_t i = 0; i < types.size(); ++i) {
    for (size_t j = i + 1; j < types.size(); ++j) {
      const int order = compare_generality(types[i], types[j]);
      if (order == 0) continue;
      after[order < 0 ? i : j].push_back(order < 0 ? j : i);
      ++before[order < 0 ? j : i];
    }
  }
  std::vector<size_t> result;
  for (size_t i = 0; i < types.size(); ++i) {
    if (before[i] == 0) result.push_back(i);
  }
  for (size_t next = 0; next < result.size(); ++next) {
    for (const size_t index : after[result[next]]) {
      if (--before[index] == 0) result.push_back(index);
    }
  }
  return result;
}

std::optional<Type> unify(const std::vector<Type>& types, Safety safety) {
  if (types.empty()) return std::nullopt;
  // A long list of one type is common, and comparing all pairs is not cheap.
  if (std::all_of(types.begin(), types.end(), [&](const Type& type) { return type == types[0]; })) {
    return types[0];
  }
  const size_t any = count(types, Kind::Any);
  const size_t all = types.size();
  const size_t maps = count(types, Kind::Map);
  const size_t lists = count(types, Kind::List);
  const size_t sets = count(types, Kind::Set);
  const size_t objects = count(types, Kind::Object);
  const size_t tuples = count(types, Kind::Tuple);
  const size_t structured = maps + lists + sets + objects + tuples;
  const bool one_kind = maps == structured || lists == structured || sets == structured ||
                        objects == structured || tuples == structured;
  // With a null of no type among them, cty leaves the type open.
  if (any > 0 && structured > 0 && structured + any == all && one_kind) return Type::any();
  if (maps == all) return unify_collections(types, &Type::map, safety);
  if (lists == all) return unify_collections(types, &Type::list, safety);
  if (sets == all) return unify_collections(types, &Type::set, safety);
  if (objects == all || tuples == all) return unify_structures(types, safety);
  if (maps > 0 && maps + objects + any == all) {
    if (auto mixed = unify_mixed(types, Kind::Object, &Type::map, safety)) {
      if (mixed->is(Kind::Map)) return mixed;
    }
  } else if (lists > 0 && lists + tuples + any == all) {
    if (auto mixed = unify_mixed(types, Kind::Tuple, &Type::list, safety)) {
      if (mixed->is(Kind::List)) return mixed;
    }
  } else if (objects > 0 && tuples > 0) {
    return std::nullopt;
  }
  return unify_by_preference(types, safety);
}

// ---- mismatch

namespace {

std::string mismatch_of_objects(const Type& have, const Type& want) {
  std::vector<std::string> missing;
  std::string wrong;
  for (size_t i = 0; i < want.names().size(); ++i) {
    const std::string& name = want.names()[i];
    const Type* attribute = have.attribute(name);
    if (attribute == nullptr) {
      if (!want.is_optional(name)) missing.push_back(go_quote(name));
    } else if (wrong.empty() && !is_convertible(*attribute, want.parts()[i])) {
      wrong = "attribute " + go_quote(name) + ": " + mismatch(*attribute, want.parts()[i]);
    }
  }
  if (missing.size() == 1) return "attribute " + missing[0] + " is required";
  if (!missing.empty()) return "attributes " + join(missing, ", ") + " are required";
  return wrong.empty() ? "object required" : wrong;
}

std::string mismatch_of_structure(const Type& have, const Type& want) {
  const bool fits = want.is(Kind::Map) ? have.is(Kind::Object) : have.is(Kind::Tuple);
  if (!fits) return want.friendly_constraint() + " required";
  if (want.element().is_any()) return "all elements must have the same type";
  for (size_t i = 0; i < have.parts().size(); ++i) {
    if (is_convertible(have.parts()[i], want.element())) continue;
    const std::string name = have.is(Kind::Object) ? go_quote(have.names()[i]) : std::to_string(i);
    return "element " + name + ": " + mismatch(have.parts()[i], want.element());
  }
  return "all elements must be " + want.element().friendly_constraint();
}

}  // namespace

std::string mismatch(const Type& have, const Type& want) {
  if (have.is(Kind::Object) && want.is(Kind::Object)) return mismatch_of_objects(have, want);
  if ((have.is(Kind::Tuple) || have.is(Kind::Object)) && want.is_collection()) {
    return mismatch_of_structure(have, want);
  }
  if (have.is_collection() && want.is_collection() && have.kind() == want.kind()) {
    return "incorrect element type: " + mismatch(have.element(), want.element());
  }
  return want.friendly_constraint() + " required, but have " + have.friendly_name();
}

}  // namespace slipway::hcl
