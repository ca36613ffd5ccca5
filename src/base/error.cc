#include "base/error.h"

#include <cstring>

namespace slipway {
namespace {

ErrorCode code_of_errno(int value) {
  switch (value) {
    case ENOENT:
    case ENOTDIR:
      return ErrorCode::NotFound;
    case EEXIST:
      return ErrorCode::AlreadyExists;
    case EACCES:
    case EPERM:
      return ErrorCode::PermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return ErrorCode::ResourceExhausted;
    case ECANCELED:
      return ErrorCode::Cancelled;
    default:
      return ErrorCode::System;
  }
}

}  // namespace

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::Internal:
      return "internal";
    case ErrorCode::System:
      return "system";
    case ErrorCode::InvalidInput:
      return "invalid input";
    case ErrorCode::NotFound:
      return "not found";
    case ErrorCode::AlreadyExists:
      return "already exists";
    case ErrorCode::PermissionDenied:
      return "permission denied";
    case ErrorCode::Unavailable:
      return "unavailable";
    case ErrorCode::ResourceExhausted:
      return "resource exhausted";
    case ErrorCode::Unsupported:
      return "unsupported";
    case ErrorCode::Cancelled:
      return "cancelled";
    case ErrorCode::StepFailed:
      return "step failed";
  }
  return "unknown";
}

Error Error::from_errno(int errno_value, std::string_view what) {
  Error error(code_of_errno(errno_value), fmt::format("{}: {}", what, std::strerror(errno_value)));
  error.errno_ = errno_value;
  return error;
}

Error Error::context(std::string_view outer) && {
  message_ = fmt::format("{}: {}", outer, message_);
  return std::move(*this);
}

Error Error::at(SourceSpan span) && {
  spans_.push_back(std::move(span));
  return std::move(*this);
}

Error Error::with_hint(std::string hint) && {
  hint_ = std::move(hint);
  return std::move(*this);
}

Error Error::with_code(ErrorCode code) && {
  code_ = code;
  return std::move(*this);
}

}  // namespace slipway
