#include "registry/http.h"

#include <csignal>
#include <ctime>

#include <array>
#include <mutex>

#include <fmt/format.h>

#include "base/check.h"
#include "base/text.h"
#include "registry/curl_library.h"

namespace slipway::registry {
namespace {

constexpr size_t kMaxIdleHandles = 16;
constexpr size_t kMaxHeaderBytes = 256 << 10;
constexpr long kConnectTimeoutSeconds = 15;
constexpr char kHttpDate[] = "%a, %d %b %Y %H:%M:%S GMT";

// TLS libraries write without MSG_NOSIGNAL: a peer that went away must not kill the process.
class SigpipeBlocked {
 public:
  SigpipeBlocked() {
    sigemptyset(&sigpipe_);
    sigaddset(&sigpipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
  }
  ~SigpipeBlocked() {
    const timespec now{};
    while (sigtimedwait(&sigpipe_, nullptr, &now) == SIGPIPE) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  SigpipeBlocked(const SigpipeBlocked&) = delete;
  SigpipeBlocked& operator=(const SigpipeBlocked&) = delete;

 private:
  sigset_t sigpipe_;
  sigset_t before_;
};

// What the callbacks of one transfer share.
struct Transfer {
  const HttpRequest& request;
  HttpResponse response;
  std::optional<Error> callback_error;
  std::string pending;  // bytes of the source that curl had no room for
  size_t pending_at = 0;
  size_t header_bytes = 0;
  bool answered = false;
};

void parse_status_line(std::string_view line, HttpResponse& response) {
  response.headers.clear();  // those of the redirect before
  const size_t space = line.find(' ');
  response.status = 0;
  if (space == std::string_view::npos) return;
  for (const char c : line.substr(space + 1, 3)) {
    if (c < '0' || c > '9') return;
    response.status = response.status * 10 + (c - '0');
  }
}

size_t on_header(char* data, size_t size, size_t count, void* context) {
  Transfer& transfer = *static_cast<Transfer*>(context);
  const std::string_view line(data, size * count);
  transfer.header_bytes += line.size();
  if (transfer.header_bytes > kMaxHeaderBytes) {
    transfer.callback_error = Error(ErrorCode::InvalidInput, "the answer's headers are too long");
    return 0;
  }
  const size_t colon = line.find(':');
  if (line.starts_with("HTTP/")) {
    parse_status_line(line, transfer.response);
  } else if (colon != std::string_view::npos) {
    transfer.response.headers.emplace_back(to_lower(trim(line.substr(0, colon))),
                                           std::string(trim(line.substr(colon + 1))));
  }
  return line.size();
}

size_t on_body(char* data, size_t size, size_t count, void* context) {
  Transfer& transfer = *static_cast<Transfer*>(context);
  const std::string_view bytes(data, size * count);
  if (transfer.request.sink != nullptr && transfer.response.ok()) {
    if (!transfer.answered && transfer.request.on_answer) {
      transfer.request.on_answer(transfer.response);
    }
    transfer.answered = true;
    Status taken = (*transfer.request.sink)(bytes);
    if (taken) return bytes.size();
    transfer.callback_error = std::move(taken).error();
    return 0;
  }
  if (transfer.response.body.size() + bytes.size() > transfer.request.max_body_bytes) {
    transfer.callback_error = make_error(ErrorCode::InvalidInput, "the answer is longer than {}",
                                         human_bytes(transfer.request.max_body_bytes));
    return 0;
  }
  transfer.response.body += bytes;
  return bytes.size();
}

size_t on_read(char* buffer, size_t size, size_t count, void* context) {
  Transfer& transfer = *static_cast<Transfer*>(context);
  if (transfer.pending_at == transfer.pending.size()) {
    Result<std::string> next = (*transfer.request.body_source)();
    if (!next) {
      transfer.callback_error = std::move(next).error();
      return CURL_READFUNC_ABORT;
    }
    transfer.pending = *std::move(next);
    transfer.pending_at = 0;
  }
  const size_t given = std::min(size * count, transfer.pending.size() - transfer.pending_at);
  transfer.pending.copy(buffer, given, transfer.pending_at);
  transfer.pending_at += given;
  return given;
}

class HeaderList {
 public:
  explicit HeaderList(const CurlLibrary& curl) : curl_(curl) {}
  ~HeaderList() { curl_.slist_free_all(list_); }
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;

  void add(const std::string& line) {
    curl_slist* longer = curl_.slist_append(list_, line.c_str());
    CHECK(longer != nullptr);
    list_ = longer;
  }
  curl_slist* get() const { return list_; }

 private:
  const CurlLibrary& curl_;
  curl_slist* list_ = nullptr;
};

// Sets the options of a transfer.
class Options {
 public:
  Options(const CurlLibrary& curl, CURL* easy) : curl_(curl), easy_(easy) {}

  template <typename Value>
  void set(CURLoption option, Value value) {
    CHECK(curl_.easy_setopt(easy_, option, value) == CURLE_OK);
  }

 private:
  const CurlLibrary& curl_;
  CURL* easy_;
};

void set_tls(Options& options, const TlsSettings& tls) {
  options.set(CURLOPT_SSL_VERIFYPEER, tls.verify ? 1L : 0L);
  options.set(CURLOPT_SSL_VERIFYHOST, tls.verify ? 2L : 0L);
  if (!tls.ca_pem.empty()) {
    curl_blob blob{const_cast<char*>(tls.ca_pem.data()), tls.ca_pem.size(), CURL_BLOB_COPY};
    options.set(CURLOPT_CAINFO_BLOB, &blob);
  } else if (!tls.ca_file.empty()) {
    options.set(CURLOPT_CAINFO, tls.ca_file.c_str());
  }
  if (!tls.client_certificate_file.empty()) {
    options.set(CURLOPT_SSLCERT, tls.client_certificate_file.c_str());
    options.set(CURLOPT_SSLKEY, tls.client_key_file.c_str());
  }
}

void set_proxy(Options& options, const ProxyOptions& proxy, std::string_view url) {
  const bool direct = is_loopback_host(url_host(url));
  const std::string& chosen = url.starts_with("https:") ? proxy.https : proxy.http;
  // The empty string keeps curl from reading the environment.
  options.set(CURLOPT_PROXY, direct ? "" : chosen.c_str());
  if (!direct && !chosen.empty()) options.set(CURLOPT_NOPROXY, proxy.none.c_str());
}

void set_method(Options& options, const HttpRequest& request) {
  const bool has_body = request.body_source != nullptr || !request.body.empty();
  if (request.method == "HEAD") {
    options.set(CURLOPT_NOBODY, 1L);
  } else if (request.body_source != nullptr) {
    options.set(CURLOPT_UPLOAD, 1L);
    options.set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.body_size));
    options.set(CURLOPT_READFUNCTION, &on_read);
    options.set(CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
  } else if (has_body || request.method != "GET") {
    options.set(CURLOPT_POST, 1L);
    options.set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    options.set(CURLOPT_POSTFIELDS, request.body.data());
  }
  if (request.method != "HEAD" && request.method != "GET") {
    options.set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  }
  if (request.follow_redirects && !has_body) {
    options.set(CURLOPT_FOLLOWLOCATION, 1L);
    options.set(CURLOPT_MAXREDIRS, 10L);
    options.set(CURLOPT_POSTREDIR, static_cast<long>(CURL_REDIR_POST_ALL));
    // What was asked for over TLS is not taken from a place without.
    options.set(CURLOPT_REDIR_PROTOCOLS_STR,
                request.url.starts_with("https:") ? "https" : "http,https");
  }
}

void set_headers(HeaderList& list, const HttpRequest& request) {
  bool has_type = false;
  for (const auto& [name, value] : request.headers) {
    list.add(name + ": " + value);
    has_type = has_type || to_lower(name) == "content-type";
  }
  // Waiting for "100 Continue" costs a second where a server does not send it.
  list.add("Expect:");
  if (!has_type) list.add("Content-Type:");
}

Error transport_error(const CurlLibrary& curl, CURLcode code, const char* detail,
                      const std::string& url) {
  const std::string cause = *detail != '\0' ? detail : curl.easy_strerror(code);
  const std::string host = url_host(url);
  switch (static_cast<int>(code)) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
      return make_error(ErrorCode::PermissionDenied, "connect to {}: {}", host, cause)
          .with_hint(
              fmt::format("put its CA certificate into /etc/docker/certs.d/{}/ca.crt", host));
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return make_error(ErrorCode::InvalidInput, "connect to {}: {}", host, cause);
    default:
      return make_error(ErrorCode::Unavailable, "connect to {}: {}", host, cause);
  }
}

}  // namespace

std::string HttpResponse::header(std::string_view lower_case_name) const {
  for (auto entry = headers.rbegin(); entry != headers.rend(); ++entry) {
    if (entry->first == lower_case_name) return entry->second;
  }
  return {};
}

// Names and TLS sessions that all handles share. (Connections are not: curl cannot share them
// between threads. Each handle keeps its own.)
struct HttpClient::Shared {
  const CurlLibrary& curl;
  CURLSH* share = curl.share_init();
  std::array<std::mutex, CURL_LOCK_DATA_LAST> mutexes;

  explicit Shared(const CurlLibrary& library) : curl(library) {
    CHECK(share != nullptr);
    curl.share_setopt(share, CURLSHOPT_USERDATA, this);
    curl.share_setopt(
        share, CURLSHOPT_LOCKFUNC, +[](CURL*, curl_lock_data data, curl_lock_access, void* self) {
          static_cast<Shared*>(self)->mutexes[data].lock();
        });
    curl.share_setopt(
        share, CURLSHOPT_UNLOCKFUNC, +[](CURL*, curl_lock_data data, void* self) {
          static_cast<Shared*>(self)->mutexes[data].unlock();
        });
    curl.share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
    curl.share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
  }
  ~Shared() { curl.share_cleanup(share); }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
};

// One transfer at a time, with the connections it made before.
class HttpClient::Handle {
 public:
  Handle(const CurlLibrary& curl, std::string origin)
      : curl_(curl),
        origin_(std::move(origin)),
        easy_(curl.easy_init()),
        multi_(curl.multi_init()) {
    CHECK(easy_ != nullptr && multi_ != nullptr);
  }
  ~Handle() {
    curl_.easy_cleanup(easy_);
    curl_.multi_cleanup(multi_);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  const std::string& origin() const { return origin_; }
  CURL* easy() const { return easy_; }

  // Drives the prepared transfer to its end; nullopt when `stop` was requested first.
  std::optional<CURLcode> run(std::stop_token stop) {
    const SigpipeBlocked guard;
    const std::stop_callback wake(stop, [this] { curl_.multi_wakeup(multi_); });
    CHECK(curl_.multi_add_handle(multi_, easy_) == CURLM_OK);
    std::optional<CURLcode> result;
    while (!result && !stop.stop_requested()) {
      int running = 0;
      CHECK(curl_.multi_perform(multi_, &running) == CURLM_OK);
      int left = 0;
      while (const CURLMsg* message = curl_.multi_info_read(multi_, &left)) {
        if (message->msg == CURLMSG_DONE) result = message->data.result;
      }
      if (!result) curl_.multi_poll(multi_, nullptr, 0, 1000, nullptr);
    }
    curl_.multi_remove_handle(multi_, easy_);
    return result;
  }

 private:
  const CurlLibrary& curl_;
  std::string origin_;
  CURL* easy_;
  CURLM* multi_;
};

HttpClient::HttpClient(ProxyOptions proxy, std::string user_agent)
    : proxy_(std::move(proxy)),
      user_agent_(std::move(user_agent)),
      loading_([] { (void)CurlLibrary::get(); }) {}

HttpClient::~HttpClient() {
  idle_.lock()->clear();
}

Result<HttpClient::Shared*> HttpClient::shared() {
  const CurlLibrary* curl = TRY(CurlLibrary::get());
  std::call_once(shared_made_, [&] { shared_ = std::make_unique<Shared>(*curl); });
  return shared_.get();
}

std::unique_ptr<HttpClient::Handle> HttpClient::take_handle(const CurlLibrary& curl,
                                                            const std::string& origin) {
  auto idle = idle_.lock();
  // The newest first: its connection is the least likely to have been closed by the server.
  for (auto handle = idle->rbegin(); handle != idle->rend(); ++handle) {
    if ((*handle)->origin() != origin) continue;
    std::unique_ptr<Handle> taken = std::move(*handle);
    idle->erase(std::next(handle).base());
    return taken;
  }
  return std::make_unique<Handle>(curl, origin);
}

void HttpClient::give_back(std::unique_ptr<Handle> handle) {
  std::unique_ptr<Handle> evicted;  // closed without the lock
  auto idle = idle_.lock();
  if (idle->size() == kMaxIdleHandles) {
    evicted = std::move(idle->front());
    idle->erase(idle->begin());
  }
  idle->push_back(std::move(handle));
}

Result<HttpResponse> HttpClient::perform(const HttpRequest& request, std::stop_token stop) {
  Shared* shared = TRY(this->shared());
  const CurlLibrary& curl = shared->curl;
  std::unique_ptr<Handle> handle = take_handle(curl, url_origin(request.url));
  curl.easy_reset(handle->easy());
  Transfer transfer{request};
  Options options(curl, handle->easy());
  HeaderList headers(curl);
  std::array<char, CURL_ERROR_SIZE> detail{};
  set_headers(headers, request);
  options.set(CURLOPT_URL, request.url.c_str());
  options.set(CURLOPT_PROTOCOLS_STR, "http,https");
  options.set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  options.set(CURLOPT_SHARE, shared->share);
  options.set(CURLOPT_NOSIGNAL, 1L);
  options.set(CURLOPT_TCP_KEEPALIVE, 1L);
  options.set(CURLOPT_CONNECTTIMEOUT, kConnectTimeoutSeconds);
  options.set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  options.set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.stall_timeout.count()));
  options.set(CURLOPT_BUFFERSIZE, 128L << 10);
  options.set(CURLOPT_USERAGENT, user_agent_.c_str());
  options.set(CURLOPT_ERRORBUFFER, detail.data());
  options.set(CURLOPT_HTTPHEADER, headers.get());
  options.set(CURLOPT_HEADERFUNCTION, &on_header);
  options.set(CURLOPT_HEADERDATA, &transfer);
  options.set(CURLOPT_WRITEFUNCTION, &on_body);
  options.set(CURLOPT_WRITEDATA, &transfer);
  options.set(CURLOPT_READDATA, &transfer);
  set_method(options, request);
  set_tls(options, request.tls);
  set_proxy(options, proxy_, request.url);

  const std::optional<CURLcode> code = handle->run(stop);
  if (!code) {
    return make_error(ErrorCode::Cancelled, "connect to {}: cancelled", url_host(request.url));
  }
  if (transfer.callback_error) return *std::move(transfer.callback_error);
  if (*code != CURLE_OK) return transport_error(curl, *code, detail.data(), request.url);
  const char* url = nullptr;
  curl.easy_getinfo(handle->easy(), CURLINFO_EFFECTIVE_URL, &url);
  if (url != nullptr) transfer.response.effective_url = url;
  give_back(std::move(handle));
  return std::move(transfer.response);
}

std::optional<int64_t> http_date(const std::string& text) {
  std::tm parts{};
  const char* end = ::strptime(text.c_str(), kHttpDate, &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return ::timegm(&parts);
}

std::string format_http_date(int64_t seconds) {
  const time_t time = seconds;
  std::tm parts{};
  char text[64];
  if (::gmtime_r(&time, &parts) == nullptr) return {};
  return {text, std::strftime(text, sizeof text, kHttpDate, &parts)};
}

std::string url_origin(std::string_view url) {
  const size_t scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return std::string(url);
  return std::string(url.substr(0, url.find_first_of("/?#", scheme_end + 3)));
}

std::string url_host(std::string_view url) {
  const std::string origin = url_origin(url);
  const size_t scheme_end = origin.find("://");
  std::string host = scheme_end == std::string::npos ? origin : origin.substr(scheme_end + 3);
  const size_t user_end = host.rfind('@');
  return user_end == std::string::npos ? host : host.substr(user_end + 1);
}

bool is_loopback_host(std::string_view host) {
  if (host.starts_with("[::1]")) return host.size() == 5 || host[5] == ':';
  const std::string name = to_lower(host.substr(0, host.find(':')));
  if (name == "localhost" || name.ends_with(".localhost")) return true;
  const std::vector<std::string> parts = split(name, '.');
  if (parts.size() != 4 || parts[0] != "127") return false;
  for (const std::string& part : parts) {
    if (part.empty() || part.size() > 3) return false;
    if (part.find_first_not_of("0123456789") != std::string::npos) return false;
  }
  return true;
}

std::string percent_encode(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~").find(c) != std::string_view::npos;
    if (plain) {
      result += c;
    } else {
      fmt::format_to(std::back_inserter(result), "%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return result;
}

}  // namespace slipway::registry
