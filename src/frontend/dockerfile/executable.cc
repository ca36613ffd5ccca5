#include "frontend/dockerfile/executable.h"

#include <fmt/format.h>

#include "frontend/dockerfile/directive.h"
#include "oci/reference.h"

namespace slipway::dockerfile {

namespace {

bool is_built_in(std::string_view value) {
  const std::string_view image = value.substr(0, value.find(' '));
  if (image == "dockerfile.v0") return true;
  const Result<Reference> reference = Reference::parse(image);
  return reference && (reference->name() == "docker.io/docker/dockerfile" ||
                       reference->name() == "docker.io/docker/dockerfile-upstream");
}

Error foreign(std::string_view image) {
  return make_error(ErrorCode::Unsupported,
                    "the Dockerfile frontend {} is not supported, only docker/dockerfile", image);
}

}  // namespace

Status check_frontend(std::string_view text, std::string_view file,
                      const std::map<std::string, std::string>& build_args) {
  const auto given = build_args.find("BUILDKIT_SYNTAX");
  if (given != build_args.end()) {
    if (is_built_in(given->second)) return {};
    return foreign(given->second).context("BUILDKIT_SYNTAX");
  }
  const std::optional<Directive> syntax = find_syntax(text);
  if (!syntax || is_built_in(syntax->value)) return {};
  SourceSpan span = syntax->span;
  span.file = file;
  return foreign(syntax->value).at(std::move(span));
}

Status check_devices(const graph::Definition& definition, const DeviceCheck& check) {
  std::optional<Error> error;
  for (const graph::Vertex& vertex : definition.vertices()) {
    const auto* exec = std::get_if<graph::ExecOp>(&vertex.op);
    if (exec == nullptr || exec->cdi_devices.empty()) continue;
    const Status checked = check(exec->cdi_devices);
    if (checked || (error && error->message() != checked.error().message())) continue;
    if (!error) error = checked.error();
    for (SourceSpan& span : definition.spans(vertex)) {
      error = std::move(*error).at(std::move(span));
    }
  }
  return error ? Status(*std::move(error)) : Status();
}

}  // namespace slipway::dockerfile
