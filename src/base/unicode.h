// UTF-8 and the few character classes that Dockerfile and ignore-file rules are defined with.
#pragma once

#include <string>
#include <string_view>

namespace slipway {

inline constexpr char32_t kReplacementCharacter = 0xFFFD;

struct DecodedCharacter {
  char32_t code_point = 0;
  size_t width = 1;  // bytes
};

// The character at the start of `text`, which must not be empty. A byte that is not valid UTF-8
// decodes to kReplacementCharacter of width 1.
DecodedCharacter decode_character(std::string_view text);
std::u32string decode_utf8(std::string_view text);
bool is_utf8(std::string_view text);

void append_utf8(std::string& text, char32_t code_point);
std::string encode_utf8(std::u32string_view text);

bool is_unicode_space(char32_t code_point);
bool is_unicode_letter(char32_t code_point);
bool is_unicode_digit(char32_t code_point);
bool is_unicode_printable(char32_t code_point);  // and the ASCII space

// White space as Unicode defines it.
std::string_view trim_unicode(std::string_view text);
std::string_view trim_unicode_left(std::string_view text);

// The text as a double-quoted Go string literal: how BuildKit's messages and dumps quote.
std::string go_quote(std::string_view text);

}  // namespace slipway
