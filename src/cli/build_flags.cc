#include "cli/build_flags.h"

#include <CLI/CLI.hpp>

#include "base/text.h"
#include "base/values.h"
#include "cli/fields.h"

namespace slipway::cli {
namespace {

// Collects what is wrong instead of stopping at the first mistake.
class Mistakes {
 public:
  template <typename T>
  void take(Result<T> result, auto&& use) {
    if (result) {
      use(*std::move(result));
    } else {
      messages_.push_back(result.error().message());
      if (hint_.empty()) hint_ = result.error().hint();
    }
  }
  void add(std::string message) { messages_.push_back(std::move(message)); }

  Status status() const {
    if (messages_.empty()) return {};
    return Error(ErrorCode::InvalidInput, join(messages_, "\n")).with_hint(hint_);
  }

 private:
  std::vector<std::string> messages_;
  std::string hint_;
};

// "NAME=value"; without "=" the value is to come from the environment.
std::pair<std::string, std::optional<std::string>> parse_assignment(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos) return {text, std::nullopt};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

void set_outputs(const BuildFlags& flags, bake::Target& target, Mistakes& mistakes) {
  for (const std::string& text : flags.outputs) {
    mistakes.take(parse_output(text), [&](bake::Fields f) { target.outputs.push_back(f); });
  }
  // As buildx: --push and --load each stand for an output of their own, or turn an image output
  // into it.
  const auto add_type = [&](const char* type, const char* field) {
    for (bake::Fields& output : target.outputs) {
      if (output["type"] == "image" && std::string_view(type) == "registry") {
        output[field] = "true";
        return;
      }
      if (output["type"] == type) return;
    }
    target.outputs.push_back({{"type", type}});
  };
  if (flags.push) add_type("registry", "push");
  if (flags.load) add_type("docker", "load");
}

}  // namespace

void add_build_flags(CLI::App& command, BuildFlags& flags) {
  command.add_option("context", flags.context, "Directory, git or http URL, or - for stdin")
      ->type_name("CONTEXT");
  const auto list = [&](const char* name, std::vector<std::string>& into, const char* help,
                        const char* type) {
    // take_all would read the next words as values too: one value for each flag.
    command.add_option(name, into, help)->type_name(type)->expected(1)->take_all();
  };
  const auto text = [&](const char* name, std::string& into, const char* help, const char* type) {
    command.add_option(name, into, help)->type_name(type);
  };
  text("-f,--file", flags.file, "Dockerfile (default: CONTEXT/Dockerfile; - for stdin)", "FILE");
  list("-t,--tag", flags.tags, "Name of the image, and its tag", "NAME[:TAG]");
  text("--target", flags.target, "Stage to build (default: the last)", "STAGE");
  list("--build-arg", flags.build_args, "Value of an ARG; without a value: from the environment",
       "NAME[=VALUE]");
  list("--build-context", flags.build_contexts,
       "Named context: a directory, docker-image://REF, oci-layout://DIR", "NAME=SOURCE");
  list("--label", flags.labels, "Label of the image", "NAME=VALUE");
  list("--annotation", flags.annotations, "Annotation of the manifest", "NAME=VALUE");
  list("--platform", flags.platforms, "Platform of the image", "OS/ARCH");
  list("-o,--output", flags.outputs,
       "Where the result goes: type=image|oci|docker|tar|local|registry|cacheonly,dest=…; a "
       "directory; - for stdout",
       "OUTPUT");
  command.add_flag("--push", flags.push, "Push the image: -o type=registry");
  command.add_flag("--load", flags.load, "Load the image into docker, podman or containerd");
  list("--secret", flags.secrets, "Secret for RUN --mount=type=secret",
       "id=ID[,src=FILE|env=NAME]");
  list("--ssh", flags.ssh, "SSH agent socket or key for RUN --mount=type=ssh",
       "default|ID[=SOCKET|KEY]");
  list("--add-host", flags.add_hosts, "Entry for /etc/hosts during RUN", "HOST:IP");
  text("--network", flags.network, "Network of RUN: default, host or none", "MODE");
  list("--ulimit", flags.ulimits, "Resource limit of RUN", "NAME=SOFT[:HARD]");
  text("--shm-size", flags.shm_size, "Size of /dev/shm during RUN", "BYTES");
  text("--cgroup-parent", flags.cgroup_parent, "Parent cgroup of RUN", "PATH");
  list("--allow", flags.allow, "Grant security.insecure, network.host or device", "ENTITLEMENT");
  command.add_flag("--no-cache", flags.no_cache, "Run every step, whatever is cached");
  list("--no-cache-filter", flags.no_cache_filter, "Run every step of these stages", "STAGE,...");
  command.add_flag("--pull", flags.pull, "Ask registries for newer base images");
  list("--cache-from", flags.cache_from, "Cache to import", "REF|type=…");
  list("--cache-to", flags.cache_to, "Cache to export", "type=…");
  list("--attest", flags.attest, "Attestation to make", "type=sbom|provenance");
  text("--provenance", flags.provenance, "Short for --attest=type=provenance", "BOOL|MODE");
  text("--sbom", flags.sbom, "Short for --attest=type=sbom", "BOOL");
  text("--call", flags.call, "What to do: build, check, outline, targets", "METHOD");
  command.add_flag("--check", flags.check, "Short for --call=check");
  text("--progress", flags.progress, "How progress is shown: auto, plain, tty, quiet, rawjson",
       "MODE");
  command.add_flag("-q,--quiet", flags.quiet, "Print the image ID and nothing else");
  text("--metadata-file", flags.metadata_file, "Write the result's metadata as JSON", "FILE");
  text("--iidfile", flags.iidfile, "Write the image ID", "FILE");
}

Result<bake::Target> to_target(const BuildFlags& flags, const Environment& environment) {
  bake::Target target;
  Mistakes mistakes;
  target.name = "default";
  target.context = flags.context;
  target.dockerfile = flags.file;
  target.target = flags.target;
  for (const std::string& text : flags.build_args) {
    auto [name, value] = parse_assignment(text);
    if (!value && environment.has(name)) value = environment.get(name);
    if (value) target.args[name] = value;
  }
  for (const std::string& text : flags.build_contexts) {
    const auto [name, source] = parse_assignment(text);
    if (source) {
      target.contexts[name] = *source;
    } else {
      mistakes.add(fmt::format("build-context \"{}\": want NAME=SOURCE", text));
    }
  }
  for (const std::string& text : flags.labels) {
    const auto [name, value] = parse_assignment(text);
    target.labels[name] = value.value_or("");
  }
  target.annotations = flags.annotations;
  target.tags = flags.tags;
  for (const std::string& text : flags.platforms) {
    for (std::string& platform : split(text, ',')) target.platforms.push_back(std::move(platform));
  }
  for (const std::string& text : flags.no_cache_filter) {
    for (std::string& stage : split(text, ',')) target.no_cache_filter.push_back(std::move(stage));
  }
  set_outputs(flags, target, mistakes);
  for (const std::string& text : flags.secrets) {
    mistakes.take(parse_secret(text), [&](bake::Fields f) { target.secrets.push_back(f); });
  }
  for (const std::string& text : flags.cache_from) {
    mistakes.take(parse_cache(text), [&](bake::Fields f) { target.cache_from.push_back(f); });
  }
  for (const std::string& text : flags.cache_to) {
    mistakes.take(parse_cache(text), [&](bake::Fields f) { target.cache_to.push_back(f); });
  }
  for (const std::string& text : flags.attest) {
    mistakes.take(parse_fields(text), [&](bake::Fields f) { target.attest.push_back(f); });
  }
  const auto add_attest = [&](const char* type, const std::string& value) {
    if (value.empty()) return;
    const bool off = value == "false" || value == "0";
    target.attest.push_back({{"type", type}, {"disabled", off ? "true" : "false"}});
  };
  add_attest("provenance", flags.provenance);
  add_attest("sbom", flags.sbom);
  for (const std::string& text : flags.add_hosts) {
    mistakes.take(parse_host(text), [&](auto host) { target.extra_hosts.insert(host); });
  }
  for (const std::string& text : flags.ulimits) {
    mistakes.take(parse_ulimit(text), [&](auto limit) { target.ulimits.push_back(limit); });
  }
  if (!flags.shm_size.empty()) {
    mistakes.take(parse_size(flags.shm_size), [&](int64_t bytes) { target.shm_size = bytes; });
  }
  target.ssh = flags.ssh;
  target.entitlements = flags.allow;
  target.network = flags.network;
  target.call = flags.check ? "check" : flags.call;
  target.no_cache = flags.no_cache;
  target.pull = flags.pull;
  TRY(mistakes.status());
  return target;
}

}  // namespace slipway::cli
