// Linter: where rules report. It knows which rules count where, and keeps what they found.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "frontend/dockerfile/lint/check_options.h"
#include "frontend/dockerfile/lint/rules.h"

namespace slipway::dockerfile {

struct Finding {
  Rule rule;
  std::string detail;  // "Stage name 'Build' should be lowercase"
  SourceSpan span;
  // Of our own rules (advice/): what it costs ("850MB in each image"), where that is known, and
  // what to do.
  std::string cost = {};
  std::string remedy = {};
};

// A view: copies report to the same list, which must outlive them. Not thread-safe.
class Linter {
 public:
  Linter(CheckOptions options, std::vector<Finding>& findings)
      : options_(std::move(options)), findings_(&findings) {}

  void report(const Rule& rule, const SourceSpan& span, std::string detail) const;
  void report(Finding finding) const;
  bool allows(const Rule& rule) const { return options_.allows(rule.name, rule.experimental); }
  // For one instruction: with the "check=" of the comments above it.
  Linter with_comments(const std::vector<std::string>& comments) const;
  // What "error=true" makes of the findings so far, once all rules have run.
  std::optional<Error> violation() const;

 private:
  CheckOptions options_;
  std::vector<Finding>* findings_;
};

}  // namespace slipway::dockerfile
