// Positions in JSON, as buildx prints them.
#pragma once

#include "base/error.h"
#include "oci/json_writer.h"

namespace slipway::cli {

// "location": {"ranges": [...]}: one range, or one for each line.
void write_location(JsonWriter& json, const SourceSpan& span, bool line_by_line);

}  // namespace slipway::cli
