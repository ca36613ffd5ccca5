#include "frontend/dockerfile/git_ref.h"

#include <gtest/gtest.h>

namespace slipway::dockerfile {
namespace {

std::string remote_of(std::string_view text) {
  const auto ref = parse_git_ref(text);
  return ref && *ref ? (*ref)->remote : "none";
}

TEST(GitRef, RemotesArePrintedAsGoPrintsUrls) {
  EXPECT_EQ(remote_of("https://u:p@ss!@h/a.git#x"), "https://u:p%40ss%21@h/a.git");
  EXPECT_EQ(remote_of("https://u:p%20s@h:443/a.git"), "https://u:p%20s@h:443/a.git");
  EXPECT_EQ(remote_of("ssh://@h/a"), "ssh://@h/a");
  EXPECT_EQ(remote_of("ssh://h\u00e9/a"), "ssh://h%C3%A9/a");
  EXPECT_EQ(remote_of("ssh://[fe80::1%25eth0]:22/a"), "ssh://[fe80::1%25eth0]:22/a");
  EXPECT_EQ(remote_of("git://"), "git:");
  EXPECT_EQ(remote_of("git://h/a?#x"), "git://h/a?");
}

TEST(GitRef, AMalformedQueryIsLeftOutOfAUrlAndNoScpName) {
  EXPECT_EQ(remote_of("https://h/a.git?subdir=%1"), "https://h/a.git");
  EXPECT_EQ(remote_of("git@h:a.git?subdir=%1"), "none");
}

TEST(GitRef, HostsThatAreNoneAreRefused) {
  for (const char* text :
       {"https://h:1:2/a.git", "https://h:x/a.git", "https://h%20/a.git", "https://[::g]/a.git",
        "https://a[::1]/a.git", "https://u@h y/a.git", "https://u\"@h/a.git"}) {
    EXPECT_EQ(remote_of(text), "none") << text;
  }
}

}  // namespace
}  // namespace slipway::dockerfile
