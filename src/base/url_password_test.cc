#include "base/url_password.h"

#include <gtest/gtest.h>

namespace slipway {
namespace {

TEST(WithoutPasswords, TakesThemOutOfEveryUrlOfAText) {
  EXPECT_EQ(without_passwords("clone of 'https://me:pa@ss@host:1/x.git' and http://token@h failed"),
            "clone of 'https://xxxxx@host:1/x.git' and http://xxxxx@h failed");
  EXPECT_EQ(without_passwords("ssh://git@host/x ssh://me:secret@host"),
            "ssh://git@host/x ssh://xxxxx@host");
  EXPECT_EQ(without_passwords("{\"a\":\"https://u:p@h\",\"b\":\"c@d\"}"),
            "{\"a\":\"https://xxxxx@h\",\"b\":\"c@d\"}");
}

TEST(WithoutPasswords, LeavesTheRestAsItIs) {
  for (const char* text : {"", "://", "https://host/a@b?c@d", "git@host:x", "a://", "@://@"}) {
    EXPECT_EQ(without_passwords(text), text == std::string("@://@") ? "@://xxxxx@" : text);
  }
}

}  // namespace
}  // namespace slipway
