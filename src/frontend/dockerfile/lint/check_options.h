// "skip=JSONArgsRecommended,StageNameCasing;error=true;experimental=all": which rules count.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway::dockerfile {

struct CheckOptions {
  bool skip_all = false;
  std::set<std::string, std::less<>> skip;
  bool experimental_all = false;
  std::set<std::string, std::less<>> experimental;
  bool error = false;  // findings fail the build

  // The text of "# check=" or of BUILDKIT_DOCKERFILE_CHECK.
  static Result<CheckOptions> parse(std::string_view text);

  // With what the comments above one instruction add: the first "check=..." among them, up to its
  // first space. Malformed ones and their "error" count for nothing.
  CheckOptions with_comments(const std::vector<std::string>& comments) const;

  bool allows(std::string_view rule, bool is_experimental) const;
};

// Of one Dockerfile: the build argument BUILDKIT_DOCKERFILE_CHECK where given, else its directive.
Result<CheckOptions> check_options_of(std::string_view dockerfile,
                                      const std::map<std::string, std::string>& build_args);

}  // namespace slipway::dockerfile
