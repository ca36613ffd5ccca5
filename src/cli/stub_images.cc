#include "cli/stub_images.h"

namespace slipway::cli {

std::vector<Result<dockerfile::ResolvedImage>> StubImages::resolve(
    std::span<const dockerfile::ImageQuery> queries) {
  std::vector<Result<dockerfile::ResolvedImage>> images;
  for (const dockerfile::ImageQuery& query : queries) {
    const Reference reference = query.reference.with_default_tag();
    ImageConfig config;
    config.platform = query.platform;
    config.config.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
    config.config.cmd = {"sh"};
    config.diff_ids = {Digest::sha256_of("layer " + reference.str())};
    const Digest digest =
        reference.digest().empty() ? Digest::sha256_of(reference.str()) : reference.digest();
    images.push_back(dockerfile::ResolvedImage{reference, digest, std::move(config)});
  }
  return images;
}

}  // namespace slipway::cli
