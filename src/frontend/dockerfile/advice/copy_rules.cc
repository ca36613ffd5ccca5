// Rules about what COPY and ADD bring.
#include <algorithm>

#include <fmt/format.h>

#include "base/pattern_matcher.h"
#include "base/text.h"
#include "frontend/dockerfile/advice/rules.h"
#include "frontend/dockerfile/advice/step.h"

namespace slipway::dockerfile {
namespace {

constexpr uint64_t kByProductBytes = 1'000'000;
constexpr uint64_t kLargeLayerBytes = 100'000'000;

bool is_secret_name(std::string_view name) {
  constexpr std::string_view kNames[] = {
      ".env",       ".netrc",       ".npmrc",     ".pypirc",    ".git-credentials",
      ".dockercfg", "id_rsa",       "id_ed25519", "id_ecdsa",   "id_dsa",
      "kubeconfig", ".htpasswd",    ".aws",       ".ssh",       "credentials.json",
      ".pgpass",    ".vault-token", ".kube",      ".env.local", ".env.production"};
  return std::ranges::find(kNames, name) != std::end(kNames);
}

void report_secret(const Step& step, const InstructionInfo& info, const std::string& path) {
  step.linter.report(
      {rules::kSecretInLayer,
       fmt::format("{} usually holds secrets, and becomes part of the image's layers", path),
       info.span, "",
       "RUN --mount=type=secret,id=... where it is needed, and a line for it in .dockerignore"});
}

void check_secrets(const Step& step, const InstructionInfo& info,
                   const std::vector<std::string>& sources) {
  for (const std::string& source : sources) {
    const std::string path = context_path(source);
    if (is_secret_name(base_name(path))) {
      report_secret(step, info, path);
    } else if (is_whole_context(source) && step.input.files != nullptr) {
      for (const char* name : {".env", ".npmrc", ".netrc", ".pypirc", "id_rsa", "id_ed25519"}) {
        if (step.input.files->is_file(name)) report_secret(step, info, name);
      }
    }
  }
}

void check_by_products(const Step& step, const InstructionInfo& info) {
  for (const ContextFiles::Directory& directory : step.input.files->by_products()) {
    if (directory.bytes < kByProductBytes) continue;
    step.linter.report(
        {rules::kLargeDirectoryNotIgnored,
         fmt::format("{} is copied as well, though builds make their own", directory.path),
         info.span,
         fmt::format("{} are read, compared and stored with every change",
                     human_bytes(directory.bytes)),
         fmt::format("add \"{}\" to .dockerignore", directory.path)});
  }
}

void check_size(const Step& step, const InstructionInfo& info) {
  const uint64_t bytes = step.input.files->bytes(".");
  if (!step.in_image || bytes < kLargeLayerBytes) return;
  step.linter.report({rules::kLargeLayerChangesOften,
                      "One changed file makes this whole layer anew, to be stored and pushed again",
                      info.span, fmt::format("{} with every change", human_bytes(bytes)),
                      "copy large directories that change seldom by instructions of their own, "
                      "before the source"});
}

void check_whole_context(const Step& step, const InstructionInfo& info,
                         const std::vector<std::string>& sources) {
  if (step.input.files == nullptr || !std::ranges::any_of(sources, is_whole_context)) return;
  check_by_products(step, info);
  check_size(step, info);
}

bool is_archive(std::string_view path) {
  constexpr std::string_view kEndings[] = {
      ".tar",  ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz",    ".tar.zst",
      ".tzst", ".gz",     ".bz2", ".xz",      ".zst",  ".tbz",    ".tar.lz4"};
  return std::ranges::any_of(kEndings,
                             [&](std::string_view ending) { return path.ends_with(ending); });
}

}  // namespace

std::string context_path(std::string_view source) {
  std::string path = clean_path("/" + std::string(source));
  return path == "/" ? "." : path.substr(1);
}

bool is_whole_context(std::string_view source) {
  const std::string path = context_path(source);
  return path == "." || path == "*";
}

bool copies_source(const AdviceInput& input, const CopyInstruction& copy) {
  constexpr std::string_view kSourceNames[] = {
      "src",      "app",     "lib", "source",   "sources", "server", "client",
      "frontend", "backend", "cmd", "internal", "tests",   "test"};
  if (!copy.from.empty() || !copy.excludes.empty() || copy.parents) return false;
  return std::ranges::any_of(copy.paths.sources, [&](const std::string& source) {
    if (is_whole_context(source)) return true;
    const std::string path = context_path(source);
    const bool is_named_so =
        std::ranges::find(kSourceNames, base_name(path)) != std::end(kSourceNames);
    return is_named_so && (input.files == nullptr || input.files->is_directory(path));
  });
}

void advise_copy(const Step& step, const CopyInstruction& copy) {
  if (!copy.from.empty()) return;
  check_secrets(step, copy.info, copy.paths.sources);
  check_whole_context(step, copy.info, copy.paths.sources);
}

bool adds_plain_files(const AddInstruction& add) {
  if (add.paths.sources.empty() || add.unpack) return false;
  return std::ranges::all_of(add.paths.sources, [](const std::string& source) {
    return !source.contains("://") && !source.contains('$') && !source.contains('*') &&
           !source.starts_with("git@") && !is_archive(source);
  });
}

void advise_add(const Step& step, const AddInstruction& add) {
  check_secrets(step, add.info, add.paths.sources);
  check_whole_context(step, add.info, add.paths.sources);
  if (!adds_plain_files(add)) return;
  step.linter.report({rules::kAddInsteadOfCopy,
                      "ADD unpacks archives and downloads URLs; here it copies files",
                      add.info.span, "", "write COPY"});
}

}  // namespace slipway::dockerfile
