// What is in a file, for another one.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace slipway {

// The next `size` bytes of one open file into another, which is empty; `size` as it was when it was
// looked at. Shared with the source where the file system can (FICLONE).
Status copy_content(int from, int to, uint64_t size);

}  // namespace slipway
