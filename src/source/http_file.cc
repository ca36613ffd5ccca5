#include "source/http_file.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>

#include <charconv>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/file_io.h"
#include "base/text.h"
#include "base/url_password.h"
#include "oci/json_fields.h"
#include "oci/json_writer.h"
#include "registry/requester.h"
#include "source/archive.h"
#include "source/transfer_report.h"

namespace slipway::source {
namespace {

using nlohmann::json;

constexpr size_t kMaxRecordBytes = 64 << 10;
constexpr std::string_view kHeaderPrefix = "http.header.";

// A name that is one component of a path.
std::string safe_filename(std::string name) {
  const size_t slash = name.find_last_of("/\\");
  if (slash != std::string::npos) name = name.substr(slash + 1);
  const bool usable = !name.empty() && name != "." && name != ".." && name.size() <= 255 &&
                      name.find('\0') == std::string::npos;
  return usable ? name : "download";
}

// filename="x" of Content-Disposition (RFC 6266), without the extended form.
std::string disposition_filename(const std::string& header) {
  const size_t at = to_lower(header).find("filename=");
  if (at == std::string::npos) return {};
  std::string_view value = std::string_view(header).substr(at + 9);
  if (value.starts_with('"')) {
    value.remove_prefix(1);
    return std::string(value.substr(0, value.find('"')));
  }
  return std::string(trim(value.substr(0, value.find(';'))));
}

std::string url_filename(const std::string& url) {
  const size_t start = url.find("://");
  const std::string path = url.substr(start == std::string::npos ? 0 : start + 3);
  const std::string_view without_query = std::string_view(path).substr(0, path.find_first_of("?#"));
  const size_t slash = without_query.rfind('/');
  return slash == std::string::npos ? std::string() : std::string(without_query.substr(slash + 1));
}

std::string choose_filename(const HttpFileSpec& spec, const std::string& from_server) {
  if (!spec.filename.empty()) return safe_filename(spec.filename);
  if (!from_server.empty()) return safe_filename(from_server);
  return safe_filename(url_filename(spec.url));
}

Result<int64_t> number(const std::string& name, const std::string& text, int base, int64_t limit) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size() || value < 0 || value > limit) {
    return make_error(ErrorCode::InvalidInput, "{}: \"{}\" is no such number", name, text);
  }
  return value;
}

// What decides which content is asked for.
std::string request_name(const HttpFileSpec& spec) {
  std::string name = spec.url;
  if (!spec.header_secret.empty()) name += "\nsecret: " + spec.header_secret;
  for (const auto& [header, value] : spec.headers) name += fmt::format("\n{}: {}", header, value);
  return name;
}

std::string host_name(const std::string& url) {
  const size_t start = url.find("://") + 3;
  std::string host = url.substr(start, url.find_first_of("/?#", start) - start);
  host.erase(0, host.rfind('@') + 1);
  if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

Result<mode_t> parse_mode(const std::string& text) {
  // As Go's ParseInt with base 0: octal after a leading 0 or 0o, else decimal.
  std::string digits = text;
  int base = 10;
  if (digits.size() > 1 && digits[0] == '0') {
    digits = digits.substr(digits[1] == 'o' ? 2 : 1);
    base = 8;
  }
  return static_cast<mode_t>(TRY(number("http.perm", digits, base, 07777)));
}

Error answer_error(const registry::HttpResponse& response, const std::string& url) {
  ErrorCode code = ErrorCode::InvalidInput;
  if (response.status == 404 || response.status == 410) code = ErrorCode::NotFound;
  if (response.status == 401 || response.status == 403) code = ErrorCode::PermissionDenied;
  if (response.status == 429 || response.status >= 500) code = ErrorCode::Unavailable;
  return make_error(code, "fetch {}: HTTP status {}", without_passwords(url), response.status);
}

Status copy_all(int from, int to) {
  for (;;) {
    const ssize_t count = ::sendfile(to, from, nullptr, 1 << 30);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error("write file");
    if (count == 0) return {};
  }
}

}  // namespace

Result<HttpFileSpec> HttpFileSpec::parse(const std::string& url,
                                         const std::map<std::string, std::string>& attributes) {
  HttpFileSpec spec;
  spec.url = url;
  for (const auto& [name, value] : attributes) {
    if (name == "http.filename") {
      spec.filename = value;
    } else if (name == "http.checksum") {
      spec.checksum = TRY(Digest::parse(value));
      if (spec.checksum.algorithm() != "sha256") {
        return make_error(ErrorCode::Unsupported, "checksum {}: only sha256 is supported", value);
      }
    } else if (name == "http.perm") {
      spec.mode = TRY(parse_mode(value));
    } else if (name == "http.uid") {
      spec.uid = static_cast<uid_t>(TRY(number(name, value, 10, UINT32_MAX - 1)));
    } else if (name == "http.gid") {
      spec.gid = static_cast<gid_t>(TRY(number(name, value, 10, UINT32_MAX - 1)));
    } else if (name == "http.authheadersecret") {
      spec.header_secret = value;
    } else if (name.starts_with(kHeaderPrefix)) {
      // Any other header is nothing that the author of a graph decides; BuildKit drops them, too.
      const std::string header = to_lower(name.substr(kHeaderPrefix.size()));
      if (header == "accept") spec.headers["Accept"] = value;
      if (header == "user-agent") spec.headers["User-Agent"] = value;
    } else if (name.starts_with("http.")) {
      return make_error(ErrorCode::Unsupported, "fetch {}: attribute {} is not supported",
                        without_passwords(url), name);
    }
  }
  return spec;
}

std::filesystem::path HttpFileSource::record_of(const HttpFileSpec& spec) const {
  return store_.layout().root() / "http" / std::string(Digest::sha256_of(request_name(spec)).hex());
}

std::optional<HttpFileSource::Seen> HttpFileSource::load(const HttpFileSpec& spec) const {
  // Damage of any kind only means to fetch again.
  const Result<std::string> text = read_file(record_of(spec), kMaxRecordBytes);
  if (!text) return std::nullopt;
  const Result<json> document = json_fields::parse_object(*text, kMaxRecordBytes);
  if (!document) return std::nullopt;
  Seen seen;
  seen.etag = json_fields::string(*document, "etag").value_or("");
  seen.file.filename = json_fields::string(*document, "filename").value_or("");
  seen.file.mtime = json_fields::integer(*document, "mtime").value_or(0);
  const Result<Digest> digest =
      Digest::parse(json_fields::string(*document, "digest").value_or(""));
  if (!digest || seen.etag.find_first_of("\r\n") != std::string::npos) return std::nullopt;
  seen.file.digest = *digest;
  return seen;
}

Status HttpFileSource::save(const HttpFileSpec& spec, const Seen& seen) const {
  JsonWriter writer;
  writer.begin_object();
  writer.key("etag").string(seen.etag);
  writer.key("filename").string(seen.file.filename);
  writer.key("mtime").number(seen.file.mtime);
  writer.key("digest").string(seen.file.digest.str());
  writer.end_object();
  TRY(make_directories(record_of(spec).parent_path(), 0700));
  return write_file_atomic(record_of(spec), writer.take(), 0600);
}

std::optional<Digest> HttpFileSource::upload(const std::string& url) {
  auto uploads = uploads_.lock();
  const auto found = uploads->find(url);
  return found == uploads->end() ? std::nullopt : std::optional(found->second);
}

Result<std::optional<std::string>> HttpFileSource::authorization(const HttpFileSpec& spec) const {
  const auto secret = [&](const std::string& name) {
    return options_.secret ? options_.secret(name) : std::nullopt;
  };
  std::optional<std::string> header;
  if (!spec.header_secret.empty()) {
    header = secret(spec.header_secret);
    if (!header) {
      return make_error(ErrorCode::NotFound, "fetch {}: there is no secret {}",
                        without_passwords(spec.url), spec.header_secret);
    }
  } else {
    const std::string host = host_name(spec.url);
    header = secret("HTTP_AUTH_HEADER_" + host);
    const auto token = header ? std::nullopt : secret("HTTP_AUTH_TOKEN_" + host);
    if (token) header = "Bearer " + *token;
  }
  if (header && header->find_first_of("\r\n") != std::string::npos) {
    return make_error(ErrorCode::InvalidInput, "fetch {}: the secret for its host has a line end",
                      without_passwords(spec.url));
  }
  return header;
}

Result<HttpFile> HttpFileSource::resolve(const HttpFileSpec& spec,
                                         progress::VertexReporter& reporter, std::stop_token stop) {
  if (const auto digest = upload(spec.url)) return HttpFile{*digest, choose_filename(spec, ""), 0};
  std::shared_ptr<Lookup> lookup;
  {
    auto lookups = lookups_.lock();
    std::shared_ptr<Lookup>& slot =
        (*lookups)[fmt::format("{} {} {}", spec.checksum.str(), spec.filename, request_name(spec))];
    if (!slot) slot = std::make_shared<Lookup>();
    lookup = slot;
  }
  const std::lock_guard lock(lookup->mutex);
  if (lookup->file) return *lookup->file;
  if (!spec.checksum.empty()) {
    return HttpFile{spec.checksum, choose_filename(spec, ""), 0};
  }
  lookup->file = TRY(fetch(spec, reporter, stop));
  return *lookup->file;
}

Result<HttpFile> HttpFileSource::fetch(const HttpFileSpec& spec, progress::VertexReporter& reporter,
                                       std::stop_token stop) {
  std::optional<Seen> seen = load(spec);
  if (seen && !TRY(store_.content().size(seen->file.digest))) seen.reset();
  if (seen && seen->file.digest == spec.checksum) return seen->file;

  registry::HttpRequest request;
  request.url = spec.url;
  request.tls.ca_file = options_.ca_file;
  request.headers.assign(spec.headers.begin(), spec.headers.end());
  if (const auto header = TRY(authorization(spec))) {
    request.headers.emplace_back("Authorization", *header);
  }
  if (seen && !seen->etag.empty()) request.headers.emplace_back("If-None-Match", seen->etag);

  TransferReport report(reporter, "downloading " + without_passwords(spec.url), 0);
  registry::Backoff backoff(options_.retry_delay);
  for (;;) {
    const std::unique_ptr<store::ContentWriter> writer = TRY(store_.content().writer());
    report.restart();
    request.on_answer = [&](const registry::HttpResponse& answer) {
      const std::string length = answer.header("content-length");
      report.set_total(
          static_cast<uint64_t>(number("content-length", length, 10, INT64_MAX).value_or(0)));
    };
    const registry::ByteSink sink = [&](std::string_view bytes) -> Status {
      TRY(writer->write(bytes));
      report.add(bytes.size());
      return {};
    };
    request.sink = &sink;
    const Result<registry::HttpResponse> answer = http_.perform(request, stop);
    if (answer && answer->status == 304 && seen) {
      seen->file.filename = choose_filename(spec, seen->file.filename);
      return seen->file;
    }
    if (!answer || !answer->ok()) {
      if (TRY(backoff.retry_after(answer, stop))) continue;
      if (!answer)
        return Error(answer.error()).context(fmt::format("fetch {}", without_passwords(spec.url)));
      return answer_error(*answer, spec.url);
    }
    HttpFile file;
    file.digest = TRY(writer->commit(spec.checksum)
                          .context(fmt::format("fetch {}", without_passwords(spec.url))));
    file.filename =
        choose_filename(spec, disposition_filename(answer->header("content-disposition")));
    file.mtime = registry::http_date(answer->header("last-modified")).value_or(0);
    TRY(save(spec, {answer->header("etag"), file}));
    report.done();
    return file;
  }
}

Result<HttpFile> HttpFileSource::download(const HttpFileSpec& spec,
                                          progress::VertexReporter& reporter,
                                          std::stop_token stop) {
  const HttpFile file = TRY(resolve(spec, reporter, stop));
  if (TRY(store_.content().size(file.digest))) return file;
  if (upload(spec.url)) return make_error(ErrorCode::NotFound, "{} is gone", file.digest.str());
  // Nothing was asked for a file with a checksum.
  return fetch(spec, reporter, stop);
}

Result<std::optional<int64_t>> HttpFileSource::time(const HttpFileSpec& spec,
                                                    progress::VertexReporter& reporter,
                                                    std::stop_token stop) {
  const HttpFile file = TRY(download(spec, reporter, stop));
  if (file.mtime != 0) return std::optional(file.mtime);
  const UniqueFd content = TRY(store_.content().open(file.digest));
  return newest_file_time(content.get());
}

Digest HttpFileSource::cache_key(const HttpFileSpec& spec, const HttpFile& file) {
  // As Go's encoding/json writes BuildKit's struct, so that its caches and ours agree.
  JsonWriter json;
  json.begin_object().key("Filename").string(file.filename);
  json.key("Perm").number(spec.mode == HttpFileSpec().mode ? 0 : int64_t{spec.mode});
  json.key("UID").number(spec.uid).key("GID").number(spec.gid);
  json.key("Checksum").string(file.digest.str());
  if (file.mtime != 0) json.key("LastModTime").string(registry::format_http_date(file.mtime));
  json.optional("AuthHeaderSecret", spec.header_secret);
  if (!spec.headers.empty()) {
    json.key("Header").begin_array();
    for (const auto& [name, value] : spec.headers) {
      json.begin_object().key("Name").string(name).key("Value").string(value).end_object();
    }
    json.end_array();
  }
  json.end_object();
  return Digest::sha256_of(json.take());
}

Result<UnpackedImage> HttpFileSource::snapshot(const HttpFileSpec& spec,
                                               progress::VertexReporter& reporter,
                                               std::stop_token stop) {
  const HttpFile file = TRY(download(spec, reporter, stop));
  const std::unique_ptr<store::ActiveSnapshot> active =
      TRY(store_.snapshotter().prepare(store::SnapshotId{}));
  const UniqueFd from = TRY(store_.content().open(file.digest));
  UniqueFd to = TRY(open_file((active->layers().upper / file.filename).string(),
                              O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
  TRY(copy_all(from.get(), to.get()).context(file.filename));
  if (::fchown(to.get(), spec.uid, spec.gid) != 0) return errno_error("chown {}", file.filename);
  if (::fchmod(to.get(), spec.mode) != 0) return errno_error("chmod {}", file.filename);
  const timespec times[2] = {{file.mtime, 0}, {file.mtime, 0}};
  if (::futimens(to.get(), times) != 0) return errno_error("set time of {}", file.filename);
  TRY(to.close());
  UnpackedImage result;
  result.snapshot = TRY(active->commit());
  result.pin = TRY(store_.snapshotter().pin(result.snapshot));
  return result;
}

}  // namespace slipway::source
