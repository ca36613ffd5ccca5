#include "exporter/platform_trees.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "exporter/attestation_files.h"

namespace slipway::exporter {
namespace {

namespace fs = std::filesystem;

std::string folder_of(const Platform& platform) {
  std::string folder = platform.full_str();
  std::ranges::replace(folder, '/', '_');
  return folder;
}

// Directories merge; of anything else there can be one.
Status check_no_overlap(const BuildResult& result, const std::vector<PlatformTree>& trees) {
  struct Entry {
    size_t platform;
    bool is_directory;
  };
  std::map<fs::path, Entry> entries;
  for (size_t i = 0; i < trees.size(); ++i) {
    const fs::path& root = trees[i].mounted.path();
    std::error_code error;
    for (fs::recursive_directory_iterator entry(root, error), end; !error && entry != end;
         entry.increment(error)) {
      const bool is_directory = entry->symlink_status(error).type() == fs::file_type::directory;
      const fs::path path = entry->path().lexically_relative(root);
      const auto [other, is_new] = entries.emplace(path, Entry{i, is_directory});
      if (is_new || (is_directory && other->second.is_directory)) continue;
      return make_error(ErrorCode::InvalidInput,
                        "cannot overwrite {} from {} with {} when split option is disabled",
                        path.string(), result.platforms[other->second.platform].platform.str(),
                        result.platforms[i].platform.str())
          .with_hint("with platform-split=true each platform has a folder");
    }
    if (error) {
      return make_error(ErrorCode::Internal, "read the files of {}: {}",
                        result.platforms[i].platform.str(), error.message());
    }
  }
  return {};
}

// The tree with the attestations in it.
Result<MountedResult> add_attestations(MountedResult tree, const PlatformResult& platform,
                                       const AttestationFileOptions& options,
                                       const ExportContext& context) {
  const std::vector<Attestation> said = TRY(platform.attest({}));
  if (said.empty()) return tree;
  TempDir files = TRY(context.store.scratch_directory("attestations-"));
  TRY(write_attestation_files(said, options, tree.path(), files.path(), context));
  return MountedResult::open_below(std::move(files), context.store, platform.snapshot);
}

}  // namespace

Result<BuildResult> with_attestations_made(BuildResult result) {
  for (PlatformResult& platform : result.platforms) {
    if (!platform.attest) continue;
    std::vector<Attestation> said = TRY(platform.attest({}));
    std::erase_if(said, [](const Attestation& attestation) { return attestation.inline_only; });
    platform.attest = [said = std::move(said)](const std::vector<Descriptor>&) {
      return Result<std::vector<Attestation>>(said);
    };
  }
  return result;
}

Result<std::vector<PlatformTree>> mount_trees(const BuildResult& result,
                                              const TreesOptions& options,
                                              const ExportContext& context) {
  const bool has_folders = options.split.value_or(result.multi_platform);
  std::vector<PlatformTree> trees;
  for (const PlatformResult& platform : result.platforms) {
    const std::string folder = folder_of(platform.platform);
    MountedResult mounted = TRY(MountedResult::open(context.store, platform.snapshot));
    if (platform.attest) {
      const AttestationFileOptions names{
          .prefix = options.attestation_prefix,
          .platform = result.multi_platform && !has_folders ? folder : std::string()};
      mounted = TRY(add_attestations(std::move(mounted), platform, names, context));
    }
    trees.push_back({std::move(mounted), has_folders ? folder : std::string()});
  }
  if (!has_folders && trees.size() > 1) TRY(check_no_overlap(result, trees));
  return trees;
}

}  // namespace slipway::exporter
