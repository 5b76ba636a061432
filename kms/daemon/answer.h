// What the server itself puts into answers.
#pragma once

#include <string>
#include <string_view>

#include "kms/base/entropy.h"
#include "kms/wire/kms_service.h"

namespace enfold {

// How a connection goes on after an answer, and what has to be said about it.
enum class Afterwards : std::uint8_t { kGoOn, kGoOnFor1_0, kClose };

// The head of an answer with its empty line, for a body of answer.body's size.
std::string answer_head(const HttpAnswer& answer, Afterwards afterwards, std::int64_t now_unix_ms);

// Errors that are not the KMS's but HTTP's or the server's, in AWS's form.
enum class HttpRefusal : std::uint8_t {
  kMalformed,
  kHeadTooLarge,
  kBodyTooLarge,
  kCutShort,  // the peer ended in the middle of it
  kTooSlow,
  kTooManyConnections,
  kFailure,
};
HttpAnswer refusal_answer(HttpRefusal why, Entropy& entropy);

}  // namespace enfold
