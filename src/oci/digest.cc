#include "oci/digest.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/text.h"

namespace slipway {
namespace {

struct Algorithm {
  std::string_view name;
  size_t hex_digits;
};
constexpr std::array<Algorithm, 3> kAlgorithms = {
    {{"sha256", 64}, {"sha384", 96}, {"sha512", 128}}};

bool is_lower_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

}  // namespace

Result<Digest> Digest::parse(std::string_view text) {
  const auto invalid = [&](std::string_view why) {
    return make_error(ErrorCode::InvalidInput, "parse digest \"{}\": {}", text.substr(0, 160), why);
  };
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return invalid("no ':' after the algorithm");
  const std::string_view name = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  const auto* known = std::ranges::find(kAlgorithms, name, &Algorithm::name);
  if (known == kAlgorithms.end()) return invalid("unknown algorithm");
  if (digits.size() != known->hex_digits) return invalid("wrong length");
  if (!std::ranges::all_of(digits, is_lower_hex)) return invalid("not lower-case hex digits");
  Digest digest;
  digest.text_ = text;
  return digest;
}

Digest Digest::sha256_of(std::string_view content) {
  Sha256 hash;
  hash.update(content);
  return hash.finish();
}

Digest Digest::from_sha256_hex(std::string_view hex_digits) {
  CHECK(hex_digits.size() == 64);
  Digest digest;
  digest.text_.reserve(7 + 64);
  digest.text_ += "sha256:";
  digest.text_ += hex_digits;
  return digest;
}

std::string_view Digest::algorithm() const {
  return std::string_view(text_).substr(0, text_.find(':'));
}

std::string_view Digest::hex() const {
  return empty() ? std::string_view() : std::string_view(text_).substr(text_.find(':') + 1);
}

struct Sha256::Context {
  EVP_MD_CTX* state = EVP_MD_CTX_new();

  Context() { CHECK(state != nullptr); }
  ~Context() { EVP_MD_CTX_free(state); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  Digest finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
    unsigned size = 0;
    CHECK(EVP_DigestFinal_ex(state, bytes.data(), &size) == 1);
    return Digest::from_sha256_hex(
        slipway::hex(std::string_view(reinterpret_cast<const char*>(bytes.data()), size)));
  }
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  CHECK(EVP_DigestInit_ex(context_->state, EVP_sha256(), nullptr) == 1);
}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(std::string_view bytes) {
  CHECK(EVP_DigestUpdate(context_->state, bytes.data(), bytes.size()) == 1);
}

Digest Sha256::finish() {
  return context_->finish();
}

Digest Sha256::peek() const {
  Context copy;
  CHECK(EVP_MD_CTX_copy_ex(copy.state, context_->state) == 1);
  return copy.finish();
}

}  // namespace slipway
