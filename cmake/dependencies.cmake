# Every library that Slipway links, from Debian's packages; docs/dependencies.md says why each one.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(GTest REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
# Static where Debian has it: the dynamic loader's work is most of the program's start.
set(Protobuf_USE_STATIC_LIBS ON)
find_package(Protobuf REQUIRED)
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(CURL REQUIRED libcurl)
pkg_check_modules(ISAL REQUIRED IMPORTED_TARGET libisal)

# slipway_static(TARGET LIBRARY [LIBRARIES IT NEEDS ...])
function(slipway_static target library)
  find_library(SLIPWAY_${library} lib${library}.a REQUIRED)
  add_library(${target} INTERFACE)
  target_link_libraries(${target} INTERFACE ${SLIPWAY_${library}} ${ARGN})
endfunction()

slipway_static(slipway_yaml yaml-cpp)
slipway_static(slipway_sqlite sqlite3 m)
slipway_static(slipway_seccomp seccomp)
slipway_static(slipway_deflate deflate)
slipway_static(slipway_zstd zstd Threads::Threads)
slipway_static(slipway_bz2 bz2)
slipway_static(slipway_lzma lzma)
slipway_static(slipway_z z)
# ADD reads tar and four compressions; the shared library brings libxml2 and ICU along.
slipway_static(slipway_archive archive slipway_bz2 slipway_lzma slipway_z slipway_zstd acl)

# Only its headers: registry/curl_library loads it when there is something to fetch.
add_library(slipway_curl INTERFACE)
target_include_directories(slipway_curl INTERFACE ${CURL_INCLUDE_DIRS})
target_link_libraries(slipway_curl INTERFACE ${CMAKE_DL_LIBS})
