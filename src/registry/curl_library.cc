#include "registry/curl_library.h"

#include <dlfcn.h>

namespace slipway::registry {
namespace {

// Its ABI has been the same since 2006.
constexpr const char* kName = "libcurl.so.4";

Error loader_error() {
  const char* cause = ::dlerror();
  return make_error(ErrorCode::Unavailable, "load {}: {}", kName,
                    cause == nullptr ? "unknown" : cause)
      .with_hint("install Debian's package libcurl4 or its like");
}

template <typename Function>
Status find(void* library, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(::dlsym(library, name));
  if (function == nullptr) return loader_error();
  return {};
}

Result<CurlLibrary> load() {
  void* library = ::dlopen(kName, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return loader_error();
  CurlLibrary curl;
  TRY(find(library, "curl_global_init", curl.global_init));
  TRY(find(library, "curl_easy_init", curl.easy_init));
  TRY(find(library, "curl_easy_cleanup", curl.easy_cleanup));
  TRY(find(library, "curl_easy_reset", curl.easy_reset));
  TRY(find(library, "curl_easy_setopt", curl.easy_setopt));
  TRY(find(library, "curl_easy_getinfo", curl.easy_getinfo));
  TRY(find(library, "curl_easy_strerror", curl.easy_strerror));
  TRY(find(library, "curl_multi_init", curl.multi_init));
  TRY(find(library, "curl_multi_cleanup", curl.multi_cleanup));
  TRY(find(library, "curl_multi_add_handle", curl.multi_add_handle));
  TRY(find(library, "curl_multi_remove_handle", curl.multi_remove_handle));
  TRY(find(library, "curl_multi_perform", curl.multi_perform));
  TRY(find(library, "curl_multi_info_read", curl.multi_info_read));
  TRY(find(library, "curl_multi_poll", curl.multi_poll));
  TRY(find(library, "curl_multi_wakeup", curl.multi_wakeup));
  TRY(find(library, "curl_share_init", curl.share_init));
  TRY(find(library, "curl_share_cleanup", curl.share_cleanup));
  TRY(find(library, "curl_share_setopt", curl.share_setopt));
  TRY(find(library, "curl_slist_append", curl.slist_append));
  TRY(find(library, "curl_slist_free_all", curl.slist_free_all));
  if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    return make_error(ErrorCode::Unavailable, "{} cannot be initialised", kName);
  }
  return curl;
}

}  // namespace

Result<const CurlLibrary*> CurlLibrary::get() {
  static const Result<CurlLibrary> library = load();
  if (!library) return library.error();
  return &*library;
}

}  // namespace slipway::registry
