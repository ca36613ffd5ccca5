// The flags of one instruction: "--link --from=x", checked against those it knows.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway::dockerfile {

enum class FlagKind { Bool, Text, List };

struct FlagSpec {
  std::string_view name;
  FlagKind kind;
};

class FlagSet {
 public:
  // Reads flags as written. Unknown (with the nearest known one), repeated and malformed ones are
  // errors.
  static Result<FlagSet> parse(const std::vector<std::string>& flags,
                               std::initializer_list<FlagSpec> known);

  bool has(std::string_view name) const { return values_.contains(name); }
  bool is_true(std::string_view name) const { return text(name) == "true"; }
  std::string text(std::string_view name, std::string_view fallback = "") const;
  std::vector<std::string> list(std::string_view name) const;

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

}  // namespace slipway::dockerfile
