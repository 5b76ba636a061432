// Errors as AWS sends them, and back.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "kms/base/error.h"

namespace enfold {

// An error answer: {"__type":"type","message":"message"} with that HTTP status. An empty message is left out.
struct AwsError {
  std::string type;  // "NotFoundException"
  std::string message;
  int status = 400;
};

template <class T>
using AwsResult = std::expected<T, AwsError>;

std::unexpected<AwsError> aws_error(std::string type, std::string message);

// The class for an error of the engine. What is no answer of a KMS (kSystem, kStoreTampered, ...) is
// KMSInternalException without its message, which is for the log alone.
AwsError aws_error_of(const Error& error);

// For a client: what a service answered. `type` may have a namespace in front ("com.amazonaws.kms#X") or a
// suffix behind (":http://..."). Unknown 5xx are kKmsInternal, unknown others kKmsBadAnswer.
Error error_of_answer(std::string_view type, std::string_view message, int status);

}  // namespace enfold
