// What `slipway check` prints: text and JSON as buildx prints them, SARIF, GitHub's annotations.
#pragma once

#include <span>
#include <string>

#include "cli/planner.h"

namespace slipway::cli {

bool has_findings(const CheckedTarget& target);

// "Check complete, ..." and the findings by line, with excerpts.
std::string check_text(const CheckedTarget& target);

// What a build would fail with, with excerpts; empty: nothing.
std::string check_error_text(const CheckedTarget& target);

// The object of `buildx build --call=check,format=json`, without the LLB that fetched the file
// (it holds random ids).
std::string check_json(const CheckedTarget& target);

// SARIF 2.1.0: one run with the results of all targets.
std::string check_sarif(std::span<const CheckedTarget> targets);

// Workflow commands: "::warning file=Dockerfile,line=3,title=RULE::TEXT".
std::string check_annotations(std::span<const CheckedTarget> targets);

}  // namespace slipway::cli
