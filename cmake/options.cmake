# Compiler settings shared by every target. The presets (CMakePresets.json) choose among them.
option(SLIPWAY_FUZZ "Build the libFuzzer harnesses (needs clang)" OFF)
set(SLIPWAY_SANITIZE "" CACHE STRING "Sanitizers, as in -fsanitize=: address,undefined or thread")

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS ON)  # TRY is a statement expression
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_compile_options(-Wall -Wextra -Wshadow -Wswitch-enum -Wnon-virtual-dtor -Wsuggest-override
                    -Wunused-result -Wno-missing-field-initializers -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False positives of g++ 12 in libstdc++ at -O2 (GCC PR 105329, 105651, 104475).
  add_compile_options(-Wno-restrict -Wno-stringop-overflow -Wno-dangling-pointer
                      -Wno-maybe-uninitialized -Wno-array-bounds -Wno-stringop-overread
                      -Wno-use-after-free)
else()
  # libstdc++ 12 uses its own deprecated functions; flags made for g++ are no news to clang.
  add_compile_options(-Wno-gnu-statement-expression -Wno-deprecated-declarations
                      -Wno-unknown-warning-option)
endif()
if(SLIPWAY_SANITIZE)
  add_compile_options(-fsanitize=${SLIPWAY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SLIPWAY_SANITIZE})
endif()

find_program(SLIPWAY_CCACHE ccache)
if(SLIPWAY_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${SLIPWAY_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${SLIPWAY_CCACHE})
endif()
find_program(SLIPWAY_MOLD mold)
if(SLIPWAY_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
