#include "cli/provenance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace slipway::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

// Of a build that has this context, with mode=max.
std::string predicate_of(const std::string& url) {
  dockerfile::ConvertOptions options;
  options.main_context = dockerfile::UrlContext{url, true};
  dockerfile::Conversion conversion;
  conversion.definition = *dockerfile::main_context_definition(options);
  conversion.platform = Platform::host();
  ProvenanceOptions provenance;
  provenance.max = true;
  return provenance_predicate({}, conversion, provenance, {}, {});
}

json dependency_of(const std::string& url) {
  return json::parse(predicate_of(url))["buildDefinition"]["resolvedDependencies"].at(0);
}

TEST(Provenance, DoesNotTellPasswordsOfUrls) {
  for (const char* url : {"https://me:s3cret@host/x.git", "https://me:s3cret@host/context.tar",
                          "https://s3cret@host/x.git#main"}) {
    EXPECT_THAT(predicate_of(url), Not(HasSubstr("s3cret"))) << url;
    EXPECT_THAT(predicate_of(url), HasSubstr("host/")) << url;
  }
}

TEST(Provenance, TheFirstDigitsOfACommitAreNoDigest) {
  EXPECT_FALSE(dependency_of("https://host/x.git?checksum=abc1234").contains("digest"));
  const std::string commit(40, 'a');
  EXPECT_EQ(dependency_of("https://host/x.git?checksum=" + commit)["digest"]["sha1"], commit);
  const std::string sha256(64, 'b');
  EXPECT_EQ(dependency_of("https://host/x.git?checksum=" + sha256)["digest"]["sha256"], sha256);
}

}  // namespace
}  // namespace slipway::cli
