#include "frontend/bake/listing.h"

#include <gtest/gtest.h>

namespace slipway::bake {
namespace {

Definitions example() {
  Definitions definitions;
  definitions.targets.resize(2);
  definitions.targets[0].name = "webapplication";
  definitions.targets[0].description = "The site";
  definitions.targets[1].name = "_base";
  definitions.groups.push_back({"all", "", {"webapplication", "db"}});
  definitions.variables.push_back({"TAG", "The tag", "string", "latest"});
  definitions.variables.push_back({"N", "", "", std::nullopt});
  return definitions;
}

std::string listed(std::string_view request) {
  return list(example(), *parse_list_request(request));
}

TEST(Listing, TablesAreAlignedByTabs) {
  EXPECT_EQ(listed("targets"),
            "TARGET\t\tDESCRIPTION\n"
            "all\t\tdb, webapplication\n"
            "webapplication\tThe site\n");
  EXPECT_EQ(listed("variables"),
            "VARIABLE\tTYPE\tVALUE\tDESCRIPTION\n"
            "TAG\t\tstring\tlatest\tThe tag\n"
            "N\t\t\t<null>\t\n");
}

TEST(Listing, JsonLeavesOutWhatIsEmpty) {
  EXPECT_EQ(listed("type=variables,format=json"), R"([
  {
    "name": "TAG",
    "description": "The tag",
    "type": "string",
    "value": "latest"
  },
  {
    "name": "N"
  }
]
)");
}

TEST(Listing, OtherRequestsAreErrors) {
  EXPECT_EQ(parse_list_request("target").error().message(),
            "invalid list type \"target\" (did you mean targets?)");
  EXPECT_FALSE(parse_list_request("type=targets,format=xml"));
}

}  // namespace
}  // namespace slipway::bake
