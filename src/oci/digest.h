// Digest: the name of content ("sha256:<64 hex>"), OCI image-spec descriptor.md#digests.
#pragma once

#include <compare>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace slipway {

class Digest {
 public:
  // The empty digest: names nothing; for fields that are not known yet.
  Digest() = default;

  // Accepts sha256, sha384 and sha512 in their canonical form.
  static Result<Digest> parse(std::string_view text);
  static Digest sha256_of(std::string_view content);
  // From 64 lower-case hex digits that are known to be right.
  static Digest from_sha256_hex(std::string_view hex_digits);

  const std::string& str() const { return text_; }
  std::string_view algorithm() const;
  std::string_view hex() const;
  bool empty() const { return text_.empty(); }

  auto operator<=>(const Digest&) const = default;

 private:
  std::string text_;
};

// Incremental SHA-256 (OpenSSL, which uses SHA-NI where the CPU has it).
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void update(std::string_view bytes);
  // Ends this hash; the object may only be destroyed or assigned after.
  Digest finish();
  // The digest of what came so far, without ending.
  Digest peek() const;

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace slipway

template <>
struct std::hash<slipway::Digest> {
  size_t operator()(const slipway::Digest& digest) const noexcept {
    return std::hash<std::string>()(digest.str());
  }
};
