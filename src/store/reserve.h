// A small file that holds room on the disk for pruning: opening the database and deleting rows take
// some pages, and on a full disk there are none.
#pragma once

#include <filesystem>

namespace slipway::store {

// Makes the reserve of the store at `root` where it is missing and the disk has room to spare.
void keep_reserve(const std::filesystem::path& root);

// Where the disk is full, frees the reserve for whoever is about to make room.
void use_reserve(const std::filesystem::path& root);

}  // namespace slipway::store
