#include "kms/client/error_answer.h"

#include <algorithm>
#include <boost/json.hpp>

#include "kms/client/wiped_json.h"
#include "kms/wire/aws_error.h"

namespace enfold {
namespace {

constexpr int kBadGateway = 502;
constexpr int kGatewayTimeout = 504;
constexpr int kClientFault = 400;

std::string one_line(std::string text) {
  constexpr std::size_t kMaxBytes = 1000;
  text.resize(std::min(text.size(), kMaxBytes));
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
  return text;
}

std::string message_in(const boost::json::object& error) {
  std::string message = text_in(error, "message");
  return one_line(message.empty() ? text_in(error, "Message") : std::move(message));
}

}  // namespace

Error explained(Error error) {
  if (error.code == Errc::kKmsInvalidCiphertext && error.message.empty())
    error.message = "The KMS refuses the wrapped key: it was changed, or it belongs to something else";
  if (error.code == Errc::kKmsInternal && error.message.empty())
    error.message = "The KMS failed and does not say why; its log does, look there and try again later";
  if (error.message.empty()) error.message = "The KMS refuses, without a reason";
  return error;
}

bool answers_nobody(const Error& error) {
  return error.code == Errc::kKmsUnavailable || error.code == Errc::kKmsThrottled;
}

Error error_of_reply(const HttpReply& reply) {
  const std::string status = std::to_string(reply.status);
  const auto body = parse_wiped(reply.body);
  if (body && reply.status >= kClientFault) {
    const std::string type = one_line(text_in(*body, "__type"));
    if (!type.empty()) return explained(error_of_answer(type, message_in(*body), reply.status));
  }
  if (reply.status >= kBadGateway && reply.status <= kGatewayTimeout)
    return {Errc::kKmsUnavailable, 0, "what stands before the KMS answers HTTP status " + status};
  if (reply.status >= 500) return {Errc::kKmsInternal, 0, "the KMS answers HTTP status " + status};
  return {Errc::kKmsBadAnswer, 0,
          "it answers HTTP status " + status + " without an error of a KMS; check that the URL names one"};
}

Error error_of_entry(const boost::json::object& error) {
  return explained(error_of_answer(one_line(text_in(error, "__type")), message_in(error), kClientFault));
}

}  // namespace enfold
