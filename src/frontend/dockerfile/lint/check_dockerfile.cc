#include "frontend/dockerfile/lint/check_dockerfile.h"

#include "frontend/dockerfile/instruction_parser.h"
#include "frontend/dockerfile/lint/syntax_rules.h"
#include "frontend/dockerfile/parser.h"

namespace slipway::dockerfile {
namespace {

// The first of the mistakes that an error of the parser lists line by line.
Error first_of(const Error& error) {
  Error first(error.code(), error.message().substr(0, error.message().find('\n')));
  if (error.spans().empty()) return first;
  return std::move(first).at(error.spans().front());
}

Result<Conversion> run_checks(std::string_view text, const ConvertOptions& options,
                              ImageResolver& resolver) {
  if (text.empty()) return Error(ErrorCode::InvalidInput, "the Dockerfile cannot be empty");
  const std::string& file = options.file_name;
  SyntaxResult syntax = parse_syntax_with_errors(text, file);
  if (!syntax.errors.empty()) return std::move(syntax.errors.front());
  const Result<Dockerfile> dockerfile = parse_dockerfile(syntax, file);
  if (!dockerfile) {
    Error error = first_of(dockerfile.error());
    const int line = error.spans().empty() ? 0 : error.spans().front().first_line;
    check_syntax(syntax.tree, file, line, *options.linter);
    return error;
  }
  check_syntax(syntax.tree, file, 0, *options.linter);
  return convert(*dockerfile, options, resolver);
}

}  // namespace

CheckResult check_dockerfile(std::string_view text, ConvertOptions options,
                             ImageResolver& resolver) {
  CheckResult result;
  Result<CheckOptions> check_options = check_options_of(text, options.build_args);
  if (!check_options) {
    result.error = std::move(check_options).error();
    return result;
  }
  const Linter linter(*std::move(check_options), result.findings);
  options.linter = &linter;
  options.all_stages = options.target.empty();
  Result<Conversion> checked = run_checks(text, options, resolver);
  if (checked) {
    result.conversion = *std::move(checked);
  } else {
    result.error = std::move(checked).error();
  }
  return result;
}

}  // namespace slipway::dockerfile
