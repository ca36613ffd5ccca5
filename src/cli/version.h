// The version, as --version prints it.
#pragma once

namespace slipway::cli {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace slipway::cli
