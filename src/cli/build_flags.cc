#include "cli/build_flags.h"

#include <CLI/CLI.hpp>

#include "base/file_io.h"
#include "base/text.h"
#include "frontend/bake/resolve.h"
#include "frontend/bake/spec.h"

namespace slipway::cli {
namespace {

Error wants(std::string_view flag, std::string_view text, std::string_view form) {
  return make_error(ErrorCode::InvalidInput, "--{} \"{}\": want {}", flag, text, form);
}

// "NAME=value".
Status add_pair(std::string_view flag, const std::string& text,
                std::map<std::string, std::string>& pairs) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) return wants(flag, text, "NAME=VALUE");
  pairs[text.substr(0, equals)] = text.substr(equals + 1);
  return {};
}

// "HOST:IP", "HOST=IP", "HOST:[IPV6]".
Status add_host(const std::string& text, std::map<std::string, std::string>& hosts) {
  size_t separator = text.find('=');
  if (separator == std::string::npos) separator = text.find(':');
  if (separator == std::string::npos || separator == 0 || separator + 1 == text.size()) {
    return wants("add-host", text, "HOST:IP");
  }
  std::string_view ip = std::string_view(text).substr(separator + 1);
  if (ip.starts_with('[') && ip.ends_with(']')) ip = ip.substr(1, ip.size() - 2);
  hosts[text.substr(0, separator)] = ip;
  return {};
}

std::vector<std::string> comma_separated(const std::vector<std::string>& texts) {
  std::vector<std::string> parts;
  for (const std::string& text : texts) {
    for (std::string& part : split(text, ',')) parts.push_back(std::move(part));
  }
  return parts;
}

// -f starts at the working directory, a bake file's "dockerfile" at the context. What is elsewhere
// and what comes on stdin has Dockerfiles of its own.
std::string dockerfile_of(const BuildFlags& flags, const Environment& environment) {
  const bool is_url = flags.file.starts_with("http://") || flags.file.starts_with("https://");
  const std::filesystem::path context = environment.working_directory / flags.context;
  if (flags.file == "-" || is_url) return flags.file;
  if (flags.context == "-" || !directory_exists(context)) return flags.file;
  return (environment.working_directory / flags.file).lexically_normal().string();
}

// What the flags say, in the form that a bake file would.
Result<bake::TargetDefinition> to_definition(const BuildFlags& flags,
                                             const Environment& environment) {
  bake::TargetDefinition target;
  target.name = "default";
  target.context = flags.context;
  if (!flags.file.empty()) target.dockerfile = dockerfile_of(flags, environment);
  if (!flags.target.empty()) target.target = flags.target;
  for (const std::string& text : flags.build_args) {
    const size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    if (equals != std::string::npos) {
      target.args[name] = text.substr(equals + 1);
    } else if (environment.has(name)) {
      target.args[name] = environment.get(name);
    }
  }
  for (const std::string& text : flags.build_contexts) {
    TRY(add_pair("build-context", text, target.contexts));
  }
  for (const std::string& text : flags.labels) {
    TRY(add_pair("label", text.find('=') == std::string::npos ? text + "=" : text, target.labels));
  }
  for (const std::string& text : flags.add_hosts) TRY(add_host(text, target.extra_hosts));
  target.annotations = flags.annotations;
  target.tags = flags.tags;
  target.platforms = comma_separated(flags.platforms);
  target.no_cache_filter = comma_separated(flags.no_cache_filter);
  target.outputs = TRY(bake::parse_outputs(flags.outputs));
  target.secrets = TRY(bake::parse_secrets(flags.secrets));
  target.ssh = bake::parse_ssh_list(flags.ssh);
  target.cache_from = TRY(bake::parse_caches(flags.cache_from));
  target.cache_to = TRY(bake::parse_caches(flags.cache_to));
  std::vector<bake::Attestation> attestations;
  for (const std::string& text : flags.attest) {
    attestations.push_back(TRY(bake::parse_attestation(text)));
  }
  target.attest = std::move(attestations);
  target.ulimits = flags.ulimits;
  target.entitlements = flags.allow;
  if (!flags.network.empty()) target.network = flags.network;
  if (!flags.shm_size.empty()) target.shm_size = flags.shm_size;
  if (flags.check) target.call = "check";
  if (!flags.call.empty()) target.call = flags.call;
  target.no_cache = flags.no_cache;
  target.pull = flags.pull;
  return target;
}

}  // namespace

void add_build_flags(CLI::App& command, BuildFlags& flags) {
  command.add_option("context", flags.context, "Directory, git or http URL, or - for stdin")
      ->type_name("CONTEXT");
  const auto list = [&](const char* name, std::vector<std::string>& into, const char* help,
                        const char* type) {
    // By default a list takes the next words too: one value for each flag.
    command.add_option(name, into, help)->type_name(type)->allow_extra_args(false);
  };
  const auto text = [&](const char* name, std::string& into, const char* help, const char* type) {
    command.add_option(name, into, help)->type_name(type);
  };
  text("-f,--file", flags.file, "Dockerfile (default: CONTEXT/Dockerfile; - for stdin; a URL)",
       "FILE");
  list("-t,--tag", flags.tags, "Name of the image, and its tag", "NAME[:TAG]");
  text("--target", flags.target, "Stage to build (default: the last)", "STAGE");
  list("--build-arg", flags.build_args, "Value of an ARG; without a value: from the environment",
       "NAME[=VALUE]");
  list("--build-context", flags.build_contexts,
       "Named context: a directory, git or http URL, docker-image://REF, oci-layout://DIR",
       "NAME=SOURCE");
  list("--label", flags.labels, "Label of the image", "NAME=VALUE");
  list("--annotation", flags.annotations,
       "Annotation of the manifest, or of [manifest[PLATFORM]|manifest-descriptor|index|"
       "index-descriptor]:NAME=VALUE",
       "NAME=VALUE");
  list("--platform", flags.platforms,
       "Platforms of the image; RUN of another one needs an emulator (qemu-user-static)",
       "OS/ARCH[,...]");
  list("-o,--output", flags.outputs,
       "Where the result goes: type=image|oci|docker|tar|local|registry|cacheonly,dest=…; a "
       "directory; - for stdout. Of images also "
       "compression=gzip|estargz|zstd|zstd:chunked|uncompressed, compression-level=N, "
       "force-compression=true",
       "OUTPUT");
  command.add_flag("--push", flags.push, "Push the image: -o type=registry");
  command.add_flag(
      "--load", flags.load,
      "Load the image into docker, podman or containerd, whichever is there: -o type=docker");
  list("--secret", flags.secrets, "Secret for RUN --mount=type=secret",
       "id=ID[,src=FILE|env=NAME]");
  list("--ssh", flags.ssh, "SSH agent socket or key for RUN --mount=type=ssh",
       "default|ID[=SOCKET|KEY]");
  list("--add-host", flags.add_hosts, "Entry for /etc/hosts during RUN", "HOST:IP");
  text("--network", flags.network, "Network of RUN: default, host or none", "MODE");
  list("--ulimit", flags.ulimits, "Resource limit of RUN", "NAME=SOFT[:HARD]");
  text("--shm-size", flags.shm_size, "Size of /dev/shm during RUN", "BYTES");
  text("--cgroup-parent", flags.cgroup_parent, "Parent cgroup of RUN", "PATH");
  list("--allow", flags.allow, "Grant security.insecure, network.host or device[=NAME]",
       "ENTITLEMENT");
  command.add_flag("--no-cache", flags.no_cache, "Run every step, whatever is cached");
  list("--no-cache-filter", flags.no_cache_filter, "Run every step of these stages", "STAGE,...");
  command.add_flag("--pull", flags.pull, "Ask registries for newer base images");
  list("--cache-from", flags.cache_from, "Cache to import", "REF|type=…");
  list("--cache-to", flags.cache_to, "Cache to export", "type=…");
  list("--attest", flags.attest, "Attestation to make: type=provenance[,mode=min|max] or type=sbom",
       "type=...");
  text("--provenance", flags.provenance, "Short for --attest type=provenance (default: none)",
       "BOOL|mode=MODE");
  text("--sbom", flags.sbom, "Short for --attest type=sbom: the packages of the image", "BOOL");
  text("--call", flags.call,
       "Instead of building: check (what is wrong), outline (build arguments, secrets, SSH agents) "
       "or "
       "targets",
       "METHOD[,format=json]");
  command.add_flag("--check", flags.check, "Short for --call=check");
  text("--progress", flags.progress, "How progress is shown: auto, plain, tty, quiet, rawjson",
       "MODE");
  command.add_flag("-q,--quiet", flags.quiet, "Print the image ID and nothing else");
  text("--metadata-file", flags.metadata_file, "Write the result's metadata as JSON", "FILE");
  text("--iidfile", flags.iidfile, "Write the image ID", "FILE");
  text("--layer-split", flags.layer_split,
       "Split the layers of steps above a size: auto (256mb), off, or SIZE", "auto|off|SIZE");
}

Result<bake::Target> to_target(const BuildFlags& flags, const Environment& environment) {
  if (flags.context.empty()) {
    return make_error(ErrorCode::InvalidInput, "the build context is missing")
        .with_hint("name a directory: slipway build .");
  }
  if (!flags.cgroup_parent.empty()) {
    return make_error(ErrorCode::Unsupported, "--cgroup-parent is not supported yet");
  }
  bake::Definitions definitions;
  definitions.targets.push_back(TRY(to_definition(flags, environment)));
  bake::Request request;
  request.stdin_allowed = true;
  request.flags = {
      .push = flags.push, .load = flags.load, .sbom = flags.sbom, .provenance = flags.provenance};
  const bake::Resolved resolved = TRY(bake::resolve(definitions, request, environment.lookup()));
  return TRY(bake::to_targets(resolved)).at(0);
}

}  // namespace slipway::cli
