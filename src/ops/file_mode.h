// ModeChange: a symbolic mode ("u=rwX,go=rX") of COPY --chmod, as chmod(1) reads it. Where that
// refuses or leaves open what several letters mean together ("u=rg", "=rt"), as BuildKit does.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway::ops {

class ModeChange {
 public:
  // Also octal ("0755"). InvalidInput when it is neither. No umask applies.
  static Result<ModeChange> parse(std::string_view text);
  // The permission bits (07777) that a file of mode `mode` (with its type) gets.
  unsigned apply(unsigned mode) const;

 private:
  struct Step {
    char action;       // '+', '-'; 'X': '+' if anybody may execute; 'u', 'g', 'o': a copy
    unsigned bits;     // that change
    char copy_as = 0;  // of a copy: '+', '-' or '='
  };
  size_t read_action(std::string_view text, size_t at, unsigned who);
  void add(char action, unsigned who, unsigned bits);

  std::vector<Step> steps_;
};

}  // namespace slipway::ops
