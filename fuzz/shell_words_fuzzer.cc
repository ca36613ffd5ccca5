// Shell words with every option of the lexer; the first byte chooses them.
#include <cstdint>
#include <string_view>

#include "frontend/dockerfile/shell_lexer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace slipway::dockerfile;
  if (size == 0) return 0;
  const uint8_t bits = data[0];
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  const Environment environment = {{"X", "a/b*a"}, {"Y", ""}, {"Z", "\xff\xc3\xa4"}};
  const ShellLexer lexer({.escape = (bits & 1) != 0 ? '`' : '\\',
                          .raw_quotes = (bits & 2) != 0,
                          .raw_escapes = (bits & 4) != 0,
                          .keep_quotes = (bits & 8) != 0,
                          .skip_unset = (bits & 16) != 0});
  (void)lexer.expand(text, environment).has_value();
  (void)lexer.words(text, environment).has_value();
  return 0;
}
