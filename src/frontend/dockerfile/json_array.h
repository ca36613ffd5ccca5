// The JSON form of instruction arguments: CMD ["a", "b"].
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace slipway::dockerfile {

struct JsonArray {
  enum class Kind {
    NotAnArray,  // no JSON, or not an array: the arguments are to be read as text
    Mixed,       // an array that holds something else than strings
    Strings,
  };
  Kind kind = Kind::NotAnArray;
  std::vector<std::string> strings;
};

JsonArray parse_json_array(std::string_view text);

}  // namespace slipway::dockerfile
