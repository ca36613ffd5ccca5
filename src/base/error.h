// Error: what went wrong, as a value. See result.h for how it travels.
#pragma once

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/core.h>

namespace slipway {

// What a caller can decide on. Everything else about an error is for a person to read.
enum class ErrorCode {
  Internal,      // our bug, or a failure nobody expects
  System,        // a system call failed; errno_value() says how
  InvalidInput,  // the user's file, flag or value is wrong
  NotFound,      // a file, image, stage, blob, record... is not there
  AlreadyExists,
  PermissionDenied,
  Unavailable,        // network or registry: a retry may help
  ResourceExhausted,  // disk, memory, quota
  Unsupported,        // understood, but this program does not do it
  Cancelled,
  StepFailed,  // a process of the build exited with a non-zero status
};

std::string_view to_string(ErrorCode code);

// Lines of a user's file that an error is about, 1-based and inclusive.
struct SourceSpan {
  std::string file;
  int first_line = 0;
  int last_line = 0;

  bool operator==(const SourceSpan&) const = default;
};

// A by-value error: code, message (verb, object, cause) and the spans of the user's files it is
// about. context() prepends where we were, so the message reads from the outside in.
class Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

  // Error of a failed system call: "what: strerror". Code is NotFound, PermissionDenied,
  // ResourceExhausted or System, by errno.
  static Error from_errno(int errno_value, std::string_view what);

  ErrorCode code() const { return code_; }
  int errno_value() const { return errno_; }
  const std::string& message() const { return message_; }
  const std::vector<SourceSpan>& spans() const { return spans_; }
  // A line that tells the user what to do, or empty.
  const std::string& hint() const { return hint_; }

  Error context(std::string_view outer) &&;
  Error at(SourceSpan span) &&;
  Error with_hint(std::string hint) &&;
  Error with_code(ErrorCode code) &&;

 private:
  ErrorCode code_;
  int errno_ = 0;
  std::string message_;
  std::string hint_;
  std::vector<SourceSpan> spans_;
};

template <typename... Args>
Error make_error(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  return Error(code, fmt::format(format, std::forward<Args>(args)...));
}

// An error of InvalidInput: invalid_input("unknown flag {}", flag).
template <typename... Args>
Error invalid_input(fmt::format_string<Args...> format, Args&&... args) {
  return make_error(ErrorCode::InvalidInput, format, std::forward<Args>(args)...);
}

// Error of the system call that just failed (reads errno): errno_error("open {}", path).
template <typename... Args>
Error errno_error(fmt::format_string<Args...> format, Args&&... args) {
  const int saved = errno;
  return Error::from_errno(saved, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace slipway
