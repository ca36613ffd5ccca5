#include "store/piece_keys.h"

#include <openssl/evp.h>

#include <array>

#include "base/check.h"
#include "base/text.h"

namespace slipway::store {
namespace {

constexpr size_t kTagBytes = 16;

using Mac = std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)>;
using MacRun = std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

struct PieceKeys::Context {
  Mac mac{EVP_MAC_fetch(nullptr, "POLY1305", nullptr), &EVP_MAC_free};
  std::string secret;
};

PieceKeys::PieceKeys(std::string_view secret) {
  CHECK(secret.size() == kSecretBytes);
  auto context = std::make_shared<Context>();
  CHECK(context->mac != nullptr);
  context->secret = secret;
  context_ = std::move(context);
}

std::string PieceKeys::of(std::string_view maker, std::string_view raw) const {
  const MacRun run(EVP_MAC_CTX_new(context_->mac.get()), &EVP_MAC_CTX_free);
  CHECK(run != nullptr);
  CHECK(EVP_MAC_init(run.get(), bytes_of(context_->secret), kSecretBytes, nullptr) == 1);
  CHECK(EVP_MAC_update(run.get(), bytes_of(maker), maker.size()) == 1);
  CHECK(EVP_MAC_update(run.get(), bytes_of("\n"), 1) == 1);
  CHECK(EVP_MAC_update(run.get(), bytes_of(raw), raw.size()) == 1);
  std::array<unsigned char, kTagBytes> tag;
  size_t size = 0;
  CHECK(EVP_MAC_final(run.get(), tag.data(), &size, tag.size()) == 1 && size == tag.size());
  return hex(std::string_view(reinterpret_cast<const char*>(tag.data()), tag.size()));
}

}  // namespace slipway::store
