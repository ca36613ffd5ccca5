// SourceRunner: SourceOp, where file systems come from.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/guarded.h"
#include "ops/local_contexts.h"
#include "solver/op_runner.h"
#include "source/git_source.h"
#include "source/http_file.h"
#include "source/image.h"
#include "source/image_unpacker.h"
#include "source/oci_layout.h"

namespace slipway::ops {

// The OCI layouts that builds were given, by the names that LLB knows them by (oci.store).
// Thread-safe.
class OciLayouts {
 public:
  void add(const std::string& name, std::shared_ptr<source::OciLayout> layout) {
    (*layouts_.lock())[name] = std::move(layout);
  }
  // nullptr when there is none of that name.
  std::shared_ptr<source::OciLayout> find(const std::string& name) {
    auto layouts = layouts_.lock();
    const auto found = layouts->find(name);
    return found == layouts->end() ? nullptr : found->second;
  }

 private:
  // Layouts are co-owned by the table and by the images resolved from them.
  Guarded<std::map<std::string, std::shared_ptr<source::OciLayout>>> layouts_;
};

class SourceRunner : public solver::OpRunner {
 public:
  // All of them outlive the runner. Without `files` or `git`, sources of that kind are Unsupported.
  SourceRunner(source::ImageSource& images, source::ImageUnpacker& unpacker, OciLayouts& layouts,
               LocalContexts& contexts, source::HttpFileSource* files = nullptr,
               source::GitSource* git = nullptr)
      : images_(images),
        unpacker_(unpacker),
        layouts_(layouts),
        contexts_(contexts),
        files_(files),
        git_(git) {}

  struct RegistryImage {
    Reference name;
    source::ResolvedImage image;
  };
  // What the source stands for, without its layers; nullopt when it is no image of a registry.
  Result<std::optional<RegistryImage>> registry_image(const solver::StepContext& context) const;

  Result<solver::CacheMap> cache_map(const solver::StepContext& context) override;
  Result<Digest> content_digest(const solver::StepContext& context, size_t index,
                                const solver::StepResult& input) override;
  Result<std::vector<solver::StepResult>> run(
      const solver::StepContext& context, const std::vector<solver::StepResult>& inputs) override;

 private:
  Result<source::ResolvedImage> resolve(const solver::StepContext& context) const;
  // Of everything but local directories: what the source stands for now, and its snapshot.
  Result<std::string> current_key(const solver::StepContext& context) const;
  Result<source::UnpackedImage> fetch(const solver::StepContext& context) const;

  source::ImageSource& images_;
  source::ImageUnpacker& unpacker_;
  OciLayouts& layouts_;
  LocalContexts& contexts_;
  source::HttpFileSource* files_;
  source::GitSource* git_;
};

}  // namespace slipway::ops
