// For tests of what happens when a file can have no more names.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

namespace slipway {

// Gives the file as many names as it can have, in the new directory `links`. False: on this file
// system that would be too many to try.
inline bool link_to_the_limit(const std::filesystem::path& file,
                              const std::filesystem::path& links) {
  constexpr int kMost = 70'000;  // ext4 ends at 65,000
  std::filesystem::create_directories(links);
  for (int i = 0; i < kMost; ++i) {
    if (::link(file.c_str(), (links / std::to_string(i)).c_str()) != 0) return errno == EMLINK;
  }
  return false;
}

}  // namespace slipway
