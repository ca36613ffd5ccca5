// `slipway images`: what the local store has names for.
#include <fnmatch.h>
#include <unistd.h>

#include <set>

#include <CLI/CLI.hpp>

#include "base/file_io.h"
#include "base/text.h"
#include "base/values.h"
#include "cli/command.h"
#include "cli/listing.h"
#include "cli/local_images.h"
#include "cli/session.h"
#include "oci/rfc3339.h"

namespace slipway::cli {
namespace {

constexpr size_t kShortId = 12;  // hex digits

struct ImagesFlags {
  std::string pattern;
  std::vector<std::string> filters;
  std::string format;
  bool quiet = false;
  bool no_trunc = false;
  bool digests = false;
};

bool matches_name(const LocalImage& image, const std::string& pattern) {
  for (const std::string& name : {image.repository(), image.repository() + ":" + image.tag()}) {
    if (::fnmatch(pattern.c_str(), name.c_str(), 0) == 0) return true;
  }
  // docker.io/library/busybox is found however it is written.
  const Result<Reference> reference = Reference::parse(pattern);
  if (!reference || !image.name || reference->name() != image.name->name()) return false;
  return reference->tag().empty() || reference->tag() == image.name->tag();
}

Result<bool> passes(const LocalImage& image, const ImagesFlags& flags) {
  if (!flags.pattern.empty() && !matches_name(image, flags.pattern)) return false;
  for (const std::string& filter : flags.filters) {
    const size_t equals = std::min(filter.find('='), filter.size());
    const std::string key = filter.substr(0, equals);
    const std::string value = equals < filter.size() ? filter.substr(equals + 1) : "";
    if (key == "reference") {
      if (!matches_name(image, value)) return false;
    } else if (key == "dangling") {
      if (TRY(parse_bool(value).context("--filter dangling")) != !image.name) return false;
    } else {
      return make_error(ErrorCode::InvalidInput, "--filter: \"{}\" is not known{}", key,
                        did_you_mean(key, {"reference", "dangling"}))
          .with_hint("there are reference=PATTERN and dangling=true|false");
    }
  }
  return true;
}

std::string platform_names(const LocalImage& image) {
  std::vector<std::string> names;
  for (const Platform& platform : image.platforms) names.push_back(platform.str());
  return join(names, ",");
}

Listing::Row row_of(const LocalImage& image, const ImagesFlags& flags, int64_t now) {
  const std::string id(flags.no_trunc ? image.id.str() : image.id.hex().substr(0, kShortId));
  const int64_t created = rfc3339_seconds(image.created).value_or(0);
  const std::string age = human_duration(std::chrono::seconds(now - created)) + " ago";
  return {image.repository(),
          image.tag(),
          image.stored.target.digest.str(),
          id,
          platform_names(image),
          image.created,
          image.damaged ? std::string("damaged") : age,
          human_bytes(image.size),
          Listing::Value::number(static_cast<int64_t>(image.size))};
}

Result<int> list_images(const ImagesFlags& flags, Invocation& invocation) {
  const auto store = TRY(open_store(invocation));
  Listing listing({{"Repository", "REPOSITORY"},
                   {"Tag", "TAG"},
                   {"Digest", flags.digests ? "DIGEST" : ""},
                   {"ID", "IMAGE ID"},
                   {"Platform", ""},
                   {"CreatedAt", ""},
                   {"CreatedSince", "CREATED"},
                   {"Size", "SIZE"},
                   {"Bytes", ""}});
  std::vector<LocalImage> images = TRY(list_local_images(*store));
  // The newest first, as docker has it.
  std::ranges::stable_sort(images, std::greater(),
                           [](const LocalImage& image) { return image.created; });
  std::set<Digest> named;
  for (const LocalImage& image : images) {
    if (image.name) named.insert(image.stored.target.digest);
  }
  std::string ids;
  for (const LocalImage& image : images) {
    // One that has names shows under those only.
    if (!image.name && named.contains(image.stored.target.digest)) continue;
    if (!TRY(passes(image, flags))) continue;
    Listing::Row row = row_of(image, flags, ::time(nullptr));
    const std::string line = row[3].text + "\n";
    if (ids.find(line) == std::string::npos) ids += line;
    listing.add(std::move(row));
  }
  const std::string text = TRY(listing.text(flags.format));
  TRY(write_all(STDOUT_FILENO, flags.quiet ? ids : text));
  return 0;
}

}  // namespace

Command make_images_command(CLI::App& app) {
  const auto flags = std::make_shared<ImagesFlags>();
  app.footer(
      "SIZE is what a registry holds of the image: its layers as they are compressed.\n\n"
      "Examples:\n"
      "  slipway images\n"
      "  slipway images 'localhost:5000/team/*'\n"
      "  slipway images --format '{{.Repository}}:{{.Tag}}\\t{{.Size}}'");
  app.add_option("name", flags->pattern, "Only images of this name; * and ? match any text")
      ->type_name("NAME[:TAG]");
  app.add_option("-f,--filter", flags->filters, "reference=PATTERN, dangling=true|false")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.add_option("--format", flags->format,
                 "table, json, or a template of .Repository .Tag .Digest .ID .Platform .CreatedAt "
                 ".CreatedSince .Size .Bytes")
      ->type_name("FORMAT");
  app.add_flag("-q,--quiet", flags->quiet, "Print only image IDs");
  app.add_flag("--no-trunc", flags->no_trunc, "Print whole image IDs");
  app.add_flag("--digests", flags->digests, "Print the digests of the manifests");
  return {[flags](Invocation& invocation) { return list_images(*flags, invocation); }, true};
}

}  // namespace slipway::cli
