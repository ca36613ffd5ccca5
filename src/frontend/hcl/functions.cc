#include "frontend/hcl/functions.h"

#include "frontend/hcl/function_groups.h"

namespace slipway::hcl {

Functions standard_functions(const Surroundings& surroundings) {
  Functions functions;
  add_number_functions(functions);
  add_text_functions(functions);
  add_format_functions(functions);
  add_regex_functions(functions);
  add_list_functions(functions);
  add_map_functions(functions);
  add_set_functions(functions);
  add_value_functions(functions);
  add_encoding_functions(functions);
  add_hash_functions(functions);
  add_time_functions(functions, surroundings);
  add_path_functions(functions, surroundings);
  add_network_functions(functions);
  add_version_functions(functions);
  return functions;
}

}  // namespace slipway::hcl
