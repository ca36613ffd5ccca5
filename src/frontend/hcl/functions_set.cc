// Sets. Lists and tuples given to these functions become sets first.
#include <algorithm>
#include <utility>

#include "frontend/hcl/convert.h"
#include "frontend/hcl/function_groups.h"

namespace slipway::hcl {
namespace {

using Kind = Type::Kind;
using Elements = std::vector<Value>;

bool holds(const Elements& set, const Value& value) {
  return std::find(set.begin(), set.end(), value) != set.end();
}

Elements unite(const Elements& a, const Elements& b) {
  Elements all = a;
  all.insert(all.end(), b.begin(), b.end());
  return all;
}

Elements intersect(const Elements& a, const Elements& b) {
  Elements both;
  std::copy_if(a.begin(), a.end(), std::back_inserter(both),
               [&](const Value& each) { return holds(b, each); });
  return both;
}

Elements subtract_set(const Elements& a, const Elements& b) {
  Elements rest;
  std::copy_if(a.begin(), a.end(), std::back_inserter(rest),
               [&](const Value& each) { return !holds(b, each); });
  return rest;
}

Elements differ(const Elements& a, const Elements& b) {
  return unite(subtract_set(a, b), subtract_set(b, a));
}

// All sets with elements of one type, an operation over them from the left.
Result<Value> combine(Arguments sets, Elements (*operation)(const Elements&, const Elements&)) {
  std::vector<Type> types;
  for (const Value& set : sets) {
    const Type element = set.element_type();
    if (set.elements().empty() && element.is_any()) continue;
    types.push_back(element);
  }
  Type element = Type::any();
  if (!types.empty()) {
    const std::optional<Type> common = unify(types);
    if (!common) return function_error("given sets must all have compatible element types");
    element = *common;
  }
  const Type type = Type::set(element);
  Elements result = TRY(convert(sets[0], type)).elements();
  for (const Value& set : sets.subspan(1)) {
    result = operation(result, TRY(convert(set, type)).elements());
  }
  return Value::set(element, std::move(result));
}

// The type that the elements of a factor get; any: it has none.
Result<Type> factor_type(const Value& factor) {
  if (factor.is(Kind::Set) || factor.is(Kind::List)) return factor.element_type();
  if (!factor.is(Kind::Tuple)) return function_error("a set or a list is required");
  std::vector<Type> types;
  for (const Value& element : factor.elements()) types.push_back(element.type());
  if (types.empty()) return Type::any();
  const std::optional<Type> common = unify(types);
  if (!common) return function_error("all elements must be of the same type");
  return *common;
}

// Every combination, the last factor changing fastest.
Result<Value> product(Arguments factors) {
  if (factors.size() < 2) return function_error("at least two arguments are required");
  std::vector<Type> types;
  bool all_lists = true;
  std::vector<Elements> combinations(1);
  for (const Value& factor : factors) {
    types.push_back(TRY(factor_type(factor)));
    all_lists &= !factor.is(Kind::Set);
    std::vector<Elements> longer;
    if (combinations.size() * factor.elements().size() > kLongestList) {
      return function_error("the result is too long");
    }
    for (const Elements& combination : combinations) {
      for (const Value& element : factor.elements()) {
        longer.push_back(combination);
        longer.back().push_back(TRY(convert(element, types.back())));
      }
    }
    combinations = std::move(longer);
  }
  Elements tuples;
  for (Elements& combination : combinations) tuples.push_back(Value::tuple(std::move(combination)));
  const Type element = Type::tuple(std::move(types));
  return all_lists ? Value::list(element, std::move(tuples))
                   : Value::set(element, std::move(tuples));
}

}  // namespace

void add_set_functions(Functions& functions) {
  const Type any_set = Type::set(Type::any());
  add_function(functions, "sethaselement", {{"set", any_set}, any_parameter("elem")},
               [](Arguments arguments) -> Result<Value> {
                 return Value::boolean(holds(arguments[0].elements(), arguments[1]));
               });
  const auto add_operation = [&](const std::string& name,
                                 Elements (*operation)(const Elements&, const Elements&)) {
    add_variadic(functions, name, {{"first_set", any_set}}, {"other_sets", any_set},
                 [operation](Arguments sets) { return combine(sets, operation); });
  };
  add_operation("setunion", &unite);
  add_operation("setintersection", &intersect);
  add_operation("setsymmetricdifference", &differ);
  add_function(functions, "setsubtract", {{"a", any_set}, {"b", any_set}},
               [](Arguments sets) { return combine(sets, &subtract_set); });
  add_variadic(functions, "setproduct", {}, any_parameter("sets"), product);
}

}  // namespace slipway::hcl
