// Rules about values: what variables, platforms and paths come to during conversion.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/pattern_matcher.h"
#include "frontend/dockerfile/lint/linter.h"
#include "frontend/dockerfile/shell_lexer.h"
#include "oci/platform.h"

namespace slipway::dockerfile {

// Variables of FROM that no ARG declares.
void check_from_variables(const std::set<std::string>& unset, const std::set<std::string>& declared,
                          const SourceSpan& span, const Linter& linter);

// FROM --platform: `text` as written, `expanded` with the values that global arguments have.
void check_from_platform(std::string_view text, std::string_view stage_name,
                         const ExpandedWord& expanded, std::string_view target_platform,
                         const SourceSpan& span, const Linter& linter);

// Variables that an instruction names, but which neither ENV nor ARG (`arguments`) declares.
// `known` have a value: one of them may have been meant.
void check_variables(const std::set<std::string>& unset, const std::set<std::string>& arguments,
                     const std::vector<std::string>& known, const SourceSpan& span,
                     const Linter& linter);

// ARG and ENV whose name says that a secret is in it.
void check_secret_name(std::string_view instruction, std::string_view name, const SourceSpan& span,
                       const Linter& linter);

// A base image for another platform than the one that is built for.
void check_base_platform(std::string_view image, const Platform& expected, const Platform& actual,
                         const SourceSpan& span, const Linter& linter);

// A source of COPY or ADD that the ignore file leaves out of the context.
void check_copy_source(std::string_view source, bool is_add, const PatternMatcher& ignored,
                       const SourceSpan& span, const Linter& linter);

}  // namespace slipway::dockerfile
