// Errors as AWS sends them, and back.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "kms/base/error.h"

namespace enfold {

// An error answer: {"__type":"type","message":"message"} with that HTTP status. An empty message is left out.
struct AwsError {
  std::string type;  // "NotFoundException"
  std::string message;
  int status = 400;
  // What an internal error's class hides: for the log, and for a caller in this process. Never sent.
  std::optional<Error> cause{};
};

template <class T>
using AwsResult = std::expected<T, AwsError>;

std::unexpected<AwsError> aws_error(std::string type, std::string message);

// The class for an error of the engine. What is no answer of a KMS (kSystem, kStoreTampered, ...) is
// KMSInternalException without its message, which is for the log alone.
AwsError aws_error_of(const Error& error);

template <class T>
AwsResult<T> as_aws(Result<T> result) {
  if (!result) return std::unexpected(aws_error_of(result.error()));
  if constexpr (std::is_void_v<T>)
    return {};
  else
    return *std::move(result);
}

// For a client: what a service answered. `type` may have a namespace in front ("com.amazonaws.kms#X") or a
// suffix behind (":http://..."). Unknown 5xx are kKmsInternal, unknown others kKmsBadAnswer.
Error error_of_answer(std::string_view type, std::string_view message, int status);

// For a caller in this process: the cause where there is one, else as error_of_answer.
Error error_of_answer(const AwsError& error);

}  // namespace enfold

// As ENFOLD_TRY and ENFOLD_TRY_ASSIGN (kms/base/error.h), for AwsResult.
#define ENFOLD_AWS_TRY(expr)                                                            \
  do {                                                                                  \
    if (auto enfold_try_result = (expr); !enfold_try_result)                            \
      return std::unexpected<::enfold::AwsError>(std::move(enfold_try_result).error()); \
  } while (false)

#define ENFOLD_AWS_TRY_ASSIGN_(tmp, decl, expr)                                 \
  auto tmp = (expr);                                                            \
  if (!tmp) return std::unexpected<::enfold::AwsError>(std::move(tmp).error()); \
  decl = std::move(*tmp)

#define ENFOLD_AWS_TRY_ASSIGN(decl, expr) \
  ENFOLD_AWS_TRY_ASSIGN_(ENFOLD_CONCAT(enfold_try_, __LINE__), decl, expr)
