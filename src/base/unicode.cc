#include "base/unicode.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <span>

#include <fmt/format.h>

namespace slipway {
namespace {

struct Range {
  uint32_t first;
  uint32_t last;
};

#include "base/unicode_tables.inc"

bool contains(std::span<const Range> ranges, char32_t code_point) {
  const auto after =
      std::upper_bound(ranges.begin(), ranges.end(), code_point,
                       [](char32_t wanted, const Range& range) { return wanted < range.first; });
  return after != ranges.begin() && code_point <= std::prev(after)->last;
}

bool is_ascii_letter(char32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

}  // namespace

DecodedCharacter decode_character(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  size_t width = 0;
  char32_t code_point = 0;
  char32_t smallest = 0;  // of this width: anything below is an overlong form
  if ((lead & 0xE0) == 0xC0) {
    width = 2, code_point = lead & 0x1F, smallest = 0x80;
  } else if ((lead & 0xF0) == 0xE0) {
    width = 3, code_point = lead & 0x0F, smallest = 0x800;
  } else if ((lead & 0xF8) == 0xF0) {
    width = 4, code_point = lead & 0x07, smallest = 0x10000;
  }
  if (width == 0 || text.size() < width) return {kReplacementCharacter, 1};
  for (size_t i = 1; i < width; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {kReplacementCharacter, 1};
    code_point = (code_point << 6) | (byte(i) & 0x3F);
  }
  const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (code_point < smallest || code_point > 0x10FFFF || surrogate) {
    return {kReplacementCharacter, 1};
  }
  return {code_point, width};
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto [code_point, width] = decode_character(text);
    if (code_point == kReplacementCharacter && width == 1) return false;
    text.remove_prefix(width);
  }
  return true;
}

std::u32string decode_utf8(std::string_view text) {
  std::u32string decoded;
  decoded.reserve(text.size());
  while (!text.empty()) {
    const DecodedCharacter character = decode_character(text);
    decoded.push_back(character.code_point);
    text.remove_prefix(character.width);
  }
  return decoded;
}

void append_utf8(std::string& text, char32_t code_point) {
  const auto push = [&](char32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) {
    code_point = kReplacementCharacter;
  }
  if (code_point < 0x80) {
    push(code_point);
  } else if (code_point < 0x800) {
    push(0xC0 | (code_point >> 6));
    push(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    push(0xE0 | (code_point >> 12));
    push(0x80 | ((code_point >> 6) & 0x3F));
    push(0x80 | (code_point & 0x3F));
  } else {
    push(0xF0 | (code_point >> 18));
    push(0x80 | ((code_point >> 12) & 0x3F));
    push(0x80 | ((code_point >> 6) & 0x3F));
    push(0x80 | (code_point & 0x3F));
  }
}

std::string encode_utf8(std::u32string_view text) {
  std::string encoded;
  encoded.reserve(text.size());
  for (const char32_t code_point : text) append_utf8(encoded, code_point);
  return encoded;
}

bool is_unicode_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == ' ' || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

bool is_unicode_letter(char32_t c) {
  return c < 0x80 ? is_ascii_letter(c) : contains(kLetters, c);
}

bool is_unicode_digit(char32_t c) {
  return c < 0x80 ? c >= '0' && c <= '9' : contains(kDigits, c);
}

bool is_unicode_printable(char32_t c) {
  return c < 0x80 ? c >= 0x20 && c < 0x7F : contains(kPrintable, c);
}

std::string_view trim_unicode_left(std::string_view text) {
  while (!text.empty()) {
    const DecodedCharacter first = decode_character(text);
    if (!is_unicode_space(first.code_point)) break;
    text.remove_prefix(first.width);
  }
  return text;
}

std::string_view trim_unicode(std::string_view text) {
  text = trim_unicode_left(text);
  // Where the text ends without its trailing white space.
  size_t end = 0;
  for (size_t i = 0; i < text.size();) {
    const DecodedCharacter character = decode_character(text.substr(i));
    i += character.width;
    if (!is_unicode_space(character.code_point)) end = i;
  }
  return text.substr(0, end);
}

std::string go_quote(std::string_view text) {
  std::string quoted = "\"";
  while (!text.empty()) {
    const auto [c, width] = decode_character(text);
    if (c == kReplacementCharacter && width == 1) {
      quoted += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
    } else if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += static_cast<char>(c);
    } else if (is_unicode_printable(c)) {
      quoted += text.substr(0, width);
    } else if (c >= 0x07 && c <= 0x0D) {
      quoted += '\\';
      quoted += "abtnvfr"[c - 0x07];
    } else if (c < ' ' || c == 0x7F) {
      quoted += fmt::format("\\x{:02x}", static_cast<uint32_t>(c));
    } else if (c < 0x10000) {
      quoted += fmt::format("\\u{:04x}", static_cast<uint32_t>(c));
    } else {
      quoted += fmt::format("\\U{:08x}", static_cast<uint32_t>(c));
    }
    text.remove_prefix(width);
  }
  return quoted + '"';
}

}  // namespace slipway
