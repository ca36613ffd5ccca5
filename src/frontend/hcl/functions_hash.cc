// Hashes, passwords, keys, UUIDs.
#include <crypt.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include <array>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "base/base64.h"
#include "base/text.h"
#include "frontend/hcl/function_groups.h"

namespace slipway::hcl {
namespace {

Result<std::string> digest(std::string_view bytes, const EVP_MD* algorithm) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), sum.data(), &size, algorithm, nullptr) != 1) {
    return function_error("the hash cannot be computed");
  }
  return std::string(reinterpret_cast<const char*>(sum.data()), size);
}

void add_hash(Functions& functions, const std::string& name, const EVP_MD* (*algorithm)()) {
  add_function(functions, name, {text_parameter("str")},
               [algorithm](Arguments arguments) -> Result<Value> {
                 return Value::string(hex(TRY(digest(arguments[0].text(), algorithm()))));
               });
}

Result<std::string> random_bytes(size_t count) {
  std::string bytes(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)) != 1) {
    return function_error("no random numbers are to be had");
  }
  return bytes;
}

Result<Value> bcrypt(Arguments arguments) {
  constexpr int64_t kDefaultCost = 10;
  constexpr int64_t kLeastCost = 4;
  constexpr int64_t kMostCost = 20;  // each step doubles the time; this one takes a minute
  constexpr size_t kLongestPassword = 72;
  if (arguments.size() > 2) return function_error("bcrypt() takes no more than two arguments");
  int64_t cost = arguments.size() > 1 ? TRY(whole_number(arguments[1])) : kDefaultCost;
  if (cost < kLeastCost) cost = kDefaultCost;
  if (cost > kMostCost) return function_error("a cost of more than {} takes too long", kMostCost);
  const std::string& password = arguments[0].text();
  if (password.size() > kLongestPassword) {
    return function_error("a password has at most {} bytes", kLongestPassword);
  }
  const std::string salt = TRY(random_bytes(16));
  std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> setting{};
  if (crypt_gensalt_rn("$2a$", static_cast<unsigned long>(cost), salt.data(),
                       static_cast<int>(salt.size()), setting.data(),
                       static_cast<int>(setting.size())) == nullptr) {
    return function_error("the password cannot be hashed");
  }
  const auto data = std::make_unique<crypt_data>();
  const char* hash = crypt_r(password.c_str(), setting.data(), data.get());
  if (hash == nullptr || hash[0] == '*') return function_error("the password cannot be hashed");
  return Value::string(hash);
}

template <typename T, void (*Free)(T*)>
struct Freer {
  void operator()(T* pointer) const { Free(pointer); }
};
using Bio = std::unique_ptr<BIO, Freer<BIO, BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY, EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX, EVP_PKEY_CTX_free>>;

// An encrypted key asks nobody for its password.
int no_password(char*, int, int, void*) {
  return -1;
}

Result<Value> rsa_decrypt(Arguments arguments) {
  const std::optional<std::string> cipher = decode_base64(arguments[0].text());
  if (!cipher) return function_error("cipher text must be base64-encoded");
  const std::string& pem = arguments[1].text();
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_password, nullptr));
  if (key == nullptr || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) {
    return function_error(
        "failed to parse key: no RSA key found (encrypted keys are not supported)");
  }
  const KeyContext context(EVP_PKEY_CTX_new(key.get(), nullptr));
  const auto* input = reinterpret_cast<const unsigned char*>(cipher->data());
  size_t size = 0;
  if (context == nullptr || EVP_PKEY_decrypt_init(context.get()) != 1 ||
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) != 1 ||
      EVP_PKEY_decrypt(context.get(), nullptr, &size, input, cipher->size()) != 1) {
    return function_error("decryption error");
  }
  std::string plain(size, '\0');
  if (EVP_PKEY_decrypt(context.get(), reinterpret_cast<unsigned char*>(plain.data()), &size, input,
                       cipher->size()) != 1) {
    return function_error("decryption error");
  }
  plain.resize(size);
  return Value::string(plain);
}

std::string uuid_text(std::string bytes, int version) {
  bytes[6] = static_cast<char>((static_cast<unsigned char>(bytes[6]) & 0x0F) | (version << 4));
  bytes[8] = static_cast<char>((static_cast<unsigned char>(bytes[8]) & 0x3F) | 0x80);
  const std::string digits = hex(bytes.substr(0, 16));
  return fmt::format("{}-{}-{}-{}-{}", digits.substr(0, 8), digits.substr(8, 4),
                     digits.substr(12, 4), digits.substr(16, 4), digits.substr(20));
}

// The 16 bytes of a UUID in one of its spellings.
std::optional<std::string> uuid_bytes(std::string_view text) {
  if (text.size() == 45 && to_lower(text.substr(0, 9)) == "urn:uuid:") text.remove_prefix(9);
  if (text.size() == 38 && text.front() == '{') text = text.substr(1, 36);
  std::string digits;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash_place = text.size() == 36 && (i == 8 || i == 13 || i == 18 || i == 23);
    if (dash_place != (text[i] == '-')) return std::nullopt;
    if (!dash_place) digits += text[i];
  }
  if (digits.size() != 32 ||
      digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) {
    return std::nullopt;
  }
  std::string bytes;
  for (size_t i = 0; i < digits.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

Result<Value> uuid_of_name(Arguments arguments) {
  // RFC 4122, appendix C: they differ in their fourth byte.
  constexpr std::pair<std::string_view, char> kNamespaces[] = {
      {"dns", '0'}, {"url", '1'}, {"oid", '2'}, {"x500", '4'}};
  std::string name_space = arguments[0].text();
  for (const auto& [name, digit] : kNamespaces) {
    if (arguments[0].text() == name) {
      name_space = fmt::format("6ba7b81{}-9dad-11d1-80b4-00c04fd430c8", digit);
    }
  }
  const std::optional<std::string> bytes = uuid_bytes(name_space);
  if (!bytes) return function_error("uuidv5() doesn't support namespace {}", name_space);
  return Value::string(uuid_text(TRY(digest(*bytes + arguments[1].text(), EVP_sha1())), 5));
}

}  // namespace

void add_hash_functions(Functions& functions) {
  add_hash(functions, "md5", &EVP_md5);
  add_hash(functions, "sha1", &EVP_sha1);
  add_hash(functions, "sha256", &EVP_sha256);
  add_hash(functions, "sha512", &EVP_sha512);
  add_variadic(functions, "bcrypt", {text_parameter("str")}, number_parameter("cost"), bcrypt);
  add_function(functions, "rsadecrypt",
               {text_parameter("ciphertext"), text_parameter("privatekey")}, rsa_decrypt);
  add_function(functions, "uuidv4", {}, [](Arguments) -> Result<Value> {
    return Value::string(uuid_text(TRY(random_bytes(16)), 4));
  });
  add_function(functions, "uuidv5", {text_parameter("namespace"), text_parameter("name")},
               uuid_of_name);
}

}  // namespace slipway::hcl
