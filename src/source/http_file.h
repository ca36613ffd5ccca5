// HttpFileSource: files behind http(s) URLs (ADD https://...). Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include <sys/types.h>

#include "base/guarded.h"
#include "oci/digest.h"
#include "progress/sink.h"
#include "registry/http.h"
#include "registry/options.h"
#include "source/image_unpacker.h"
#include "store/store.h"

namespace slipway::source {

struct HttpFileSpec {
  std::string url;
  std::string filename;  // empty: what the server or the URL calls it
  Digest checksum;       // empty: whatever is there
  mode_t mode = 0600;
  uid_t uid = 0;
  gid_t gid = 0;

  // From the identifier and the "http.*" attributes of a source op. Unsupported names an attribute
  // that would be ignored.
  static Result<HttpFileSpec> parse(const std::string& url,
                                    const std::map<std::string, std::string>& attributes);
};

// What a URL stands for now.
struct HttpFile {
  Digest digest;
  std::string filename;
  int64_t mtime = 0;  // Last-Modified, or the epoch
};

class HttpFileSource {
 public:
  struct Options {
    registry::ProxyOptions proxy;
    std::string ca_file;  // PEM bundle instead of the system's
    std::chrono::milliseconds retry_delay{200};
  };
  // The store must outlive it.
  HttpFileSource(store::Store& store, Options options)
      : store_(store), options_(options), http_(options.proxy, "slipway") {}

  // Asks the server, once for each spec in the life of this object; fetches only what has changed
  // since the store saw it. With a checksum nothing is asked.
  Result<HttpFile> resolve(const HttpFileSpec& spec, progress::VertexReporter& reporter,
                           std::stop_token stop);
  // Everything that decides the snapshot's content, for cache keys.
  static Digest cache_key(const HttpFileSpec& spec, const HttpFile& file);
  // A snapshot with the file alone.
  Result<UnpackedImage> snapshot(const HttpFileSpec& spec, progress::VertexReporter& reporter,
                                 std::stop_token stop);

 private:
  // One lookup; `mutex` is held while it is under way.
  struct Lookup {
    std::mutex mutex;
    std::optional<HttpFile> file;
  };
  // What the store remembers of a URL between builds.
  struct Seen {
    std::string etag;
    HttpFile file;
  };

  Result<HttpFile> fetch(const HttpFileSpec& spec, progress::VertexReporter& reporter,
                         std::stop_token stop);
  std::filesystem::path record_of(const std::string& url) const;
  std::optional<Seen> load(const std::string& url) const;
  Status save(const std::string& url, const Seen& seen) const;

  store::Store& store_;
  Options options_;
  registry::HttpClient http_;
  // Lookups are co-owned by the map and by the callers that wait for them.
  Guarded<std::map<std::string, std::shared_ptr<Lookup>>> lookups_;
};

}  // namespace slipway::source
