// Lists and tuples.
#include <algorithm>
#include <utility>

#include "frontend/hcl/convert.h"
#include "frontend/hcl/function_groups.h"
#include "frontend/hcl/operators.h"

namespace slipway::hcl {
namespace {

using Kind = Type::Kind;

bool is_list(const Value& value) {
  return value.is(Kind::List) || value.is(Kind::Tuple);
}

// The values as what they came from: a list of its element type, else a tuple.
Value like(const Value& source, std::vector<Value> values) {
  if (source.is(Kind::Tuple)) return Value::tuple(std::move(values));
  return Value::list(source.element_type(), std::move(values));
}

Result<Value> length(Arguments arguments) {
  if (arguments[0].is_sequence() || arguments[0].is(Kind::Map)) {
    return Value::number(static_cast<int64_t>(arguments[0].length()));
  }
  return function_error("collection must be a list, a map or a tuple");
}

Result<Value> element(Arguments arguments) {
  if (!is_list(arguments[0])) {
    return function_error("cannot read elements from {}", arguments[0].type().friendly_name());
  }
  const std::vector<Value>& elements = arguments[0].elements();
  const int64_t index = TRY(whole_number(arguments[1]));
  if (elements.empty()) return function_error("cannot use element function with an empty list");
  const auto size = static_cast<int64_t>(elements.size());
  return elements[static_cast<size_t>(((index % size) + size) % size)];
}

bool has_index(const Value& collection, const Value& key) {
  if (collection.is(Kind::Map)) {
    return key.is(Kind::String) && collection.find(key.text()) != nullptr;
  }
  if (!key.is(Kind::Number)) return false;
  const std::optional<int64_t> index = key.as_number().to_int64();
  return index && *index >= 0 && static_cast<size_t>(*index) < collection.elements().size();
}

Status check_indexable(const Value& collection) {
  if (is_list(collection) || collection.is(Kind::Map)) return {};
  return function_error("collection must be a list, a map or a tuple");
}

Result<Value> index(Arguments arguments) {
  TRY(check_indexable(arguments[0]));
  if (!has_index(arguments[0], arguments[1])) return function_error("invalid index");
  if (arguments[0].is(Kind::Map)) return *arguments[0].find(arguments[1].text());
  const auto at = static_cast<size_t>(arguments[1].as_number().to_int64().value_or(0));
  return arguments[0].elements()[at];
}

Result<Value> index_of_element(Arguments arguments) {
  if (!is_list(arguments[0])) return function_error("argument must be a list or tuple");
  const std::vector<Value>& elements = arguments[0].elements();
  if (elements.empty()) return function_error("cannot search an empty list");
  for (size_t i = 0; i < elements.size(); ++i) {
    if (are_equal(elements[i], arguments[1])) return Value::number(static_cast<int64_t>(i));
  }
  return function_error("item not found");
}

Result<Value> contains(Arguments arguments) {
  if (!arguments[0].is_sequence()) return function_error("argument must be list, tuple, or set");
  const std::vector<Value>& elements = arguments[0].elements();
  return Value::boolean(std::any_of(elements.begin(), elements.end(), [&](const Value& each) {
    return are_equal(arguments[1], each);
  }));
}

Result<Value> coalesce_list(Arguments arguments) {
  if (arguments.empty()) return function_error("at least one argument is required");
  for (const Value& list : arguments) {
    if (!is_list(list)) return function_error("coalescelist arguments must be lists or tuples");
  }
  for (const Value& list : arguments) {
    if (!list.is_null() && list.length() > 0) return list;
  }
  return function_error("no non-null arguments");
}

Result<Value> compact(Arguments arguments) {
  std::vector<Value> kept;
  for (const Value& each : arguments[0].elements()) {
    if (!each.is_null() && !each.text().empty()) kept.push_back(each);
  }
  return Value::list(Type::string(), std::move(kept));
}

Result<Value> distinct(Arguments arguments) {
  std::vector<Value> kept;
  for (const Value& each : arguments[0].elements()) {
    const bool known = std::any_of(kept.begin(), kept.end(),
                                   [&](const Value& other) { return are_equal(other, each); });
    if (!known) kept.push_back(each);
  }
  return Value::list(arguments[0].element_type(), std::move(kept));
}

Result<Value> chunk_list(Arguments arguments) {
  const std::vector<Value>& elements = arguments[0].elements();
  const int64_t size = TRY(whole_number(arguments[1]));
  if (size < 0) return function_error("the size argument must be positive");
  const Type chunk = arguments[0].type();
  std::vector<Value> chunks;
  if (size == 0 && !elements.empty()) chunks.push_back(arguments[0]);
  for (size_t i = 0; size > 0 && i < elements.size(); i += static_cast<size_t>(size)) {
    const size_t end = std::min(elements.size(), i + static_cast<size_t>(size));
    chunks.push_back(Value::list(chunk.element(), {elements.begin() + static_cast<long>(i),
                                                   elements.begin() + static_cast<long>(end)}));
  }
  return Value::list(chunk, std::move(chunks));
}

void flatten_into(const Value& value, std::vector<Value>& flat) {
  for (const Value& each : value.elements()) {
    if (!each.is_null() && each.is_sequence()) {
      flatten_into(each, flat);
    } else {
      flat.push_back(each);
    }
  }
}

Result<Value> flatten(Arguments arguments) {
  if (!arguments[0].is_sequence()) return function_error("can only flatten lists, sets and tuples");
  std::vector<Value> flat;
  flatten_into(arguments[0], flat);
  return Value::tuple(std::move(flat));
}

Result<Value> reverse_list(Arguments arguments) {
  if (!arguments[0].is_sequence()) {
    return function_error("can only reverse list or tuple values, not {}",
                          arguments[0].type().friendly_name());
  }
  const std::vector<Value>& elements = arguments[0].elements();
  return like(arguments[0], {elements.rbegin(), elements.rend()});
}

Result<Value> slice(Arguments arguments) {
  if (!is_list(arguments[0])) return function_error("must be a list or tuple value");
  const std::vector<Value>& elements = arguments[0].elements();
  const int64_t start = TRY(whole_number(arguments[1]));
  const int64_t end = TRY(whole_number(arguments[2]));
  const auto size = static_cast<int64_t>(elements.size());
  if (start < 0 || end < 0) return function_error("an index must not be less than zero");
  if (start > size || end > size) {
    return function_error("an index must not be greater than the length of the list");
  }
  if (start > end) return function_error("start index must not be greater than end index");
  return like(arguments[0], {elements.begin() + start, elements.begin() + end});
}

// Lists of one element type as a list, everything else as a tuple.
Result<Value> concat(Arguments arguments) {
  if (arguments.empty()) return function_error("at least one argument is required");
  std::vector<Type> types;
  for (const Value& list : arguments) {
    if (!is_list(list)) {
      return function_error("all arguments must be lists or tuples; got {}",
                            list.type().friendly_name());
    }
    types.push_back(list.type());
  }
  const bool lists =
      std::all_of(types.begin(), types.end(), [](const Type& type) { return type.is(Kind::List); });
  const std::optional<Type> common = lists ? unify(types) : std::nullopt;
  std::vector<Value> all;
  for (const Value& list : arguments) {
    const Value fitting = common ? TRY(convert(list, *common)) : list;
    all.insert(all.end(), fitting.elements().begin(), fitting.elements().end());
    if (all.size() > kLongestList) return function_error("the result is too long");
  }
  if (common) return Value::list(common->element(), std::move(all));
  return Value::tuple(std::move(all));
}

Result<Value> range(Arguments arguments) {
  constexpr size_t kMost = 1024;
  if (arguments.empty() || arguments.size() > 3) {
    return function_error("must have one, two, or three arguments");
  }
  const Number zero(int64_t{0});
  const Number start = arguments.size() == 1 ? zero : arguments[0].as_number();
  const Number end = arguments.size() == 1 ? arguments[0].as_number() : arguments[1].as_number();
  const bool falls = end.compare(start) < 0;
  const Number step =
      arguments.size() == 3 ? arguments[2].as_number() : Number(falls ? int64_t{-1} : int64_t{1});
  if (step.is_zero()) return function_error("step must not be zero");
  const bool down = step.compare(zero) < 0;
  if (down ? end.compare(start) > 0 : falls) {
    return function_error("end must be {} than start when step is {}", down ? "less" : "greater",
                          down ? "negative" : "positive");
  }
  std::vector<Value> values;
  for (Number number = start; down ? number.compare(end) > 0 : number.compare(end) < 0;) {
    if (values.size() >= kMost) return function_error("more than {} values were generated", kMost);
    values.push_back(Value::number(number));
    std::optional<Number> next = add(number, step);
    if (!next) return function_error("the step is not a number");
    number = std::move(*next);
  }
  return Value::list(Type::number(), std::move(values));
}

}  // namespace

void add_list_functions(Functions& functions) {
  const Parameter list = any_parameter("list");
  const Parameter any_list{"list", Type::list(Type::any())};
  add_function(functions, "length", {any_parameter("collection")}, length);
  add_function(functions, "element", {list, number_parameter("index")}, element);
  add_function(functions, "hasindex", {any_parameter("collection"), any_parameter("key")},
               [](Arguments arguments) -> Result<Value> {
                 TRY(check_indexable(arguments[0]));
                 return Value::boolean(has_index(arguments[0], arguments[1]));
               });
  add_function(functions, "index", {any_parameter("collection"), any_parameter("key")}, index);
  add_function(functions, "indexof", {list, any_parameter("value")}, index_of_element);
  add_function(functions, "contains", {list, any_parameter("value")}, contains);
  add_variadic(functions, "coalescelist", {}, {"vals", Type::any(), true}, coalesce_list);
  add_function(functions, "compact", {{"list", Type::list(Type::string())}}, compact);
  add_function(functions, "distinct", {any_list}, distinct);
  add_function(functions, "chunklist", {any_list, number_parameter("size")}, chunk_list);
  add_function(functions, "flatten", {list}, flatten);
  add_function(functions, "reverselist", {list}, reverse_list);
  add_function(functions, "slice",
               {list, number_parameter("start_index"), number_parameter("end_index")}, slice);
  add_variadic(functions, "concat", {}, any_parameter("seqs"), concat);
  add_variadic(functions, "range", {}, number_parameter("params"), range);
}

}  // namespace slipway::hcl
