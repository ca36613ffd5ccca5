#include "oci/json_writer.h"

#include <gtest/gtest.h>

namespace slipway {
namespace {

std::string with_raw(int indent, std::string_view json) {
  JsonWriter writer(indent);
  writer.begin_object().key("a").number(1).key("raw").raw(json).key("b").number(2).end_object();
  return writer.take();
}

TEST(JsonWriter, TextThatIsJsonAlreadyIsLaidOutAsTheRest) {
  const std::string_view json = R"({ "x": [1, {"y": "{,: \" }"}], "z": {}, "w": [ ] })";
  EXPECT_EQ(with_raw(0, json), R"({"a":1,"raw":{"x":[1,{"y":"{,: \" }"}],"z":{},"w":[]},"b":2})");
  EXPECT_EQ(with_raw(2, json), R"({
  "a": 1,
  "raw": {
    "x": [
      1,
      {
        "y": "{,: \" }"
      }
    ],
    "z": {},
    "w": []
  },
  "b": 2
})");
}

TEST(JsonWriter, WhatGoEscapesIsEscapedInJsonTextToo) {
  EXPECT_EQ(with_raw(0, "\"<&>\xe2\x80\xa8\\\\\""),
            R"({"a":1,"raw":"\u003c\u0026\u003e\u2028\\","b":2})");
}

}  // namespace
}  // namespace slipway
