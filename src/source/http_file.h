// HttpFileSource: files behind http(s) URLs (ADD https://...). Thread-safe.
#pragma once

#include <functional>
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
  // The secret that is the Authorization header. Empty: HTTP_AUTH_HEADER_HOST, or as a bearer token
  // HTTP_AUTH_TOKEN_HOST, where there is one.
  std::string header_secret;
  std::map<std::string, std::string> headers;  // "Accept", "User-Agent"

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
    // The value of a secret; nullopt when there is none of that name.
    std::function<std::optional<std::string>(const std::string& name)> secret;
  };
  // The store must outlive it.
  HttpFileSource(store::Store& store, Options options)
      : store_(store), options_(std::move(options)), http_(options_.proxy, "slipway") {}

  // A blob of the store that this URL stands for: nothing is asked of anybody.
  void add_upload(const std::string& url, Digest digest) {
    (*uploads_.lock())[url] = std::move(digest);
  }

  // Asks the server, once for each spec in the life of this object; fetches only what has changed
  // since the store saw it. With a checksum nothing is asked.
  Result<HttpFile> resolve(const HttpFileSpec& spec, progress::VertexReporter& reporter,
                           std::stop_token stop);
  // Its time in seconds: what the server says, else that of the newest file in the archive it is.
  Result<std::optional<int64_t>> time(const HttpFileSpec& spec, progress::VertexReporter& reporter,
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
  // `resolve`, and the content is in the store.
  Result<HttpFile> download(const HttpFileSpec& spec, progress::VertexReporter& reporter,
                            std::stop_token stop);
  Result<std::optional<std::string>> authorization(const HttpFileSpec& spec) const;
  std::optional<Digest> upload(const std::string& url);
  std::filesystem::path record_of(const HttpFileSpec& spec) const;
  std::optional<Seen> load(const HttpFileSpec& spec) const;
  Status save(const HttpFileSpec& spec, const Seen& seen) const;

  store::Store& store_;
  Options options_;
  registry::HttpClient http_;
  // Lookups are co-owned by the map and by the callers that wait for them.
  Guarded<std::map<std::string, std::shared_ptr<Lookup>>> lookups_;
  Guarded<std::map<std::string, Digest>> uploads_;
};

}  // namespace slipway::source
