// Values of flags that hold several fields: "type=oci,dest=x.tar", as docker's command line reads
// them (CSV).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "frontend/bake/target.h"

namespace slipway::cli {

// "a=1,b=2" -> map. Keys in lower case; a field without "=" has the value "true".
Result<bake::Fields> parse_fields(std::string_view text);

// -o: fields, or "-" (a tar to stdout), or a directory (type=local). "type" is always there
// afterwards.
Result<bake::Fields> parse_output(std::string_view text);

// --secret: type "file" or "env"; "id" is always there.
Result<bake::Fields> parse_secret(std::string_view text);

// --cache-from, --cache-to: fields, or an image reference (type=registry).
Result<bake::Fields> parse_cache(std::string_view text);

// --ulimit nofile=1024:2048
Result<bake::UlimitSpec> parse_ulimit(std::string_view text);

// --add-host name:ip, name=ip, name:[ipv6]; "host-gateway" stays as it is.
Result<std::pair<std::string, std::string>> parse_host(std::string_view text);

}  // namespace slipway::cli
