// Slipway's own rules: what makes builds slow, images large or unsafe. docs/checks.md explains
// them.
#pragma once

#include "frontend/dockerfile/lint/rules.h"

namespace slipway::dockerfile::rules {

inline constexpr Rule kDependenciesAfterSource{
    "DependenciesAfterSource", "Dependencies should be installed before the source is copied", "",
    false, "each time a source file changes"};
inline constexpr Rule kPackageManagerWithoutCacheMount{
    "PackageManagerWithoutCacheMount",
    "Package managers should keep their downloads in a cache mount", "", false,
    "each time the step runs again, most of it for what a cache mount would keep"};
inline constexpr Rule kCacheMountIneffective{
    "CacheMountIneffective",
    "A cache mount should be where its tool caches, and the tool should cache", "", false,
    "each time the step runs again"};
inline constexpr Rule kAptUpdateAlone{"AptUpdateAlone",
                                      "apt-get update should be in the RUN that installs", ""};
inline constexpr Rule kNeedlessLayer{
    "NeedlessLayer", "A layer should not repeat or only remove what earlier layers hold", ""};
inline constexpr Rule kLargeLayerChangesOften{
    "LargeLayerChangesOften", "Large directories should not share a layer with the source", ""};
inline constexpr Rule kLargeDirectoryNotIgnored{
    "LargeDirectoryNotIgnored", "Directories that builds do not need should be in .dockerignore",
    ""};
inline constexpr Rule kSecretInLayer{"SecretInLayer",
                                     "Secrets should be mounted, not copied into layers", ""};
inline constexpr Rule kUnpinnedBase{
    "UnpinnedBase", "Base images should have a tag that does not move with every release", ""};
inline constexpr Rule kAddInsteadOfCopy{
    "AddInsteadOfCopy", "COPY should be used where nothing is downloaded or unpacked", ""};
inline constexpr Rule kRootAtRunTime{"RootAtRunTime", "Services should not run as root", ""};

}  // namespace slipway::dockerfile::rules
