// ModeChange: a symbolic mode ("u=rwX,go=rX"), as chmod(1) and COPY --chmod read it.
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
    char action;            // '+', '-', '='
    unsigned who;           // bits that may change
    unsigned bits;          // to add, remove or set
    bool execute_if_any;    // 'X'
    char copy_from = '\0';  // 'u', 'g', 'o': the bits are those of this class
  };
  std::vector<Step> steps_;
};

}  // namespace slipway::ops
