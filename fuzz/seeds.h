// Inputs that somebody wrote, for a fuzz harness to begin with.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway::fuzz {

// The texts that `pattern` stands for: a file; or "FOLDER/GLOB", every file of that name in the
// folder or below, in the order of their paths. What names nothing gives nothing. A name that ends
// in ".lint" stands for the Dockerfile that lies beside those findings; in a ".jsonl" file, each
// line is a question to `refllb -mode oracle`, and its subject a text.
Result<std::vector<std::string>> read_seeds(const std::string& pattern);

// The words of a libFuzzer dictionary: `"word"` or `name="word"` lines with \", \\ and \xNN.
Result<std::vector<std::string>> parse_dictionary(std::string_view text);

}  // namespace slipway::fuzz
