// What --call=outline and --call=targets print: text and JSON as buildx prints them.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "frontend/dockerfile/instruction.h"
#include "frontend/dockerfile/outline.h"

namespace slipway::cli {

// `text`: the Dockerfile's, which is part of the JSON.
std::string outline_text(const dockerfile::Outline& outline);
std::string outline_json(const dockerfile::Outline& outline, std::string_view text);

std::string targets_text(std::span<const dockerfile::Stage> stages);
std::string targets_json(std::span<const dockerfile::Stage> stages, std::string_view text);

}  // namespace slipway::cli
