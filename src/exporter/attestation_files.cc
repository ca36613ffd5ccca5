#include "exporter/attestation_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "base/directory_entries.h"
#include "base/file_io.h"
#include "base/unique_fd.h"
#include "exporter/statement.h"

namespace slipway::exporter {
namespace {

namespace fs = std::filesystem;

// Of every regular file, in the order in which BuildKit walks: a directory's entries by name.
Status add_files(int directory, const std::string& prefix, std::vector<Subject>& subjects) {
  for (const std::string& name : TRY(directory_entries(directory))) {
    struct stat info;
    if (::fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno_error("stat /{}{}", prefix, name);
    }
    if (S_ISREG(info.st_mode)) subjects.push_back({prefix + name, {}});
    if (!S_ISDIR(info.st_mode)) continue;
    const UniqueFd child = TRY(open_file_at(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    TRY(add_files(child.get(), prefix + name + "/", subjects));
  }
  return {};
}

Result<Digest> digest_of_file(const fs::path& path, const std::stop_token& stop) {
  const UniqueFd file = TRY(open_file(path, O_RDONLY | O_NOFOLLOW));
  Sha256 hash;
  std::array<char, 1 << 16> buffer;
  for (;;) {
    if (stop.stop_requested()) return make_error(ErrorCode::Cancelled, "cancelled");
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0) return errno_error("read {}", path.string());
    if (got == 0) return hash.finish();
    hash.update({buffer.data(), static_cast<size_t>(got)});
  }
}

Result<std::vector<Subject>> subjects_of(const fs::path& tree, const ExportContext& context) {
  const progress::Time started = std::chrono::system_clock::now();
  context.progress.status("hashing files for attestations", 0, 0, started, false);
  const UniqueFd root = TRY(open_file(tree, O_RDONLY | O_DIRECTORY));
  std::vector<Subject> subjects;
  TRY(add_files(root.get(), "", subjects));
  std::vector<Status> hashed(subjects.size());
  context.pool.parallel_for(subjects.size(), [&](size_t i) {
    Result<Digest> digest = digest_of_file(tree / subjects[i].name, context.stop);
    if (digest) {
      subjects[i].digest = *std::move(digest);
    } else {
      hashed[i] = std::move(digest).error();
    }
  });
  for (Status& status : hashed) TRY(std::move(status));
  context.progress.status("hashing files for attestations", 0, 0, started, true);
  return subjects;
}

// "sbom.spdx.json" -> "sbom.spdx.linux_arm64.json"
std::string name_of(const Attestation& attestation, const AttestationFileOptions& options) {
  const std::string name = options.prefix + attestation.file_name;
  if (options.platform.empty()) return name;
  const size_t extension = std::min(name.rfind('.'), name.size());
  return name.substr(0, extension) + "." + options.platform + name.substr(extension);
}

}  // namespace

Status check_attestation_prefix(const std::string& prefix) {
  if (prefix.find('/') == std::string::npos) return {};
  return make_error(ErrorCode::InvalidInput,
                    "output option attestation-prefix: \"{}\" is the path of a directory, not what "
                    "a file's name begins with",
                    prefix);
}

Status write_attestation_files(const std::vector<Attestation>& attestations,
                               const AttestationFileOptions& options, const fs::path& tree,
                               const fs::path& to, const ExportContext& context) {
  const std::vector<Subject> subjects = TRY(subjects_of(tree, context));
  for (const Attestation& attestation : attestations) {
    const std::string name = name_of(attestation, options);
    if (path_exists(to / name)) {
      return make_error(ErrorCode::InvalidInput, "duplicate attestation path name {}", name)
          .with_hint("provenance can have another one: --attest type=provenance,filename=NAME");
    }
    struct stat replaced;
    if (::lstat((tree / name).c_str(), &replaced) == 0) {
      context.progress.warn("the attestation " + name +
                            " takes the place of what the result has there; give attestations "
                            "other names with the output option attestation-prefix");
    }
    TRY(write_file_atomic(to / name, statement_json(attestation, subjects, 2), 0600));
  }
  return {};
}

}  // namespace slipway::exporter
