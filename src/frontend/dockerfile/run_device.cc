#include "frontend/dockerfile/run_device.h"

#include <string>

#include "base/text.h"
#include "base/values.h"

namespace slipway::dockerfile {

Result<RunDevice> parse_device(std::string_view value) {
  RunDevice device;
  for (const std::string& field :
       TRY(parse_csv_line(value).context("failed to parse csv devices"))) {
    const size_t equals = field.find('=');
    const std::string key = to_lower(field.substr(0, equals));
    const std::string text = equals == std::string::npos ? "" : field.substr(equals + 1);
    if (key == "required" && equals == std::string::npos) {
      device.required = true;
    } else if (key == "required") {
      const Result<bool> required = parse_bool(text);
      if (!required) {
        return make_error(ErrorCode::InvalidInput, "invalid value for {}: {}", key, text);
      }
      device.required = *required;
    } else if (key == "name" && equals != std::string::npos) {
      if (!device.name.empty()) {
        return make_error(ErrorCode::InvalidInput, "device name already set to {}", device.name);
      }
      device.name = text;
    } else if (device.name.empty()) {
      device.name = field;  // a device's own name may hold "="
    } else if (equals == std::string::npos) {
      return make_error(ErrorCode::InvalidInput, "invalid field '{}' must be a key=value pair",
                        field);
    } else {
      return make_error(ErrorCode::InvalidInput, "unexpected key '{}' in '{}'{}", key, field,
                        did_you_mean(key, {"name", "required"}));
    }
  }
  return device;
}

}  // namespace slipway::dockerfile
