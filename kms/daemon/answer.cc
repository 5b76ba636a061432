#include "kms/daemon/answer.h"

#include <array>
#include <cstdio>
#include <ctime>

#include "kms/engine/ciphertext_blob.h"
#include "kms/engine/random_uuid.h"

namespace enfold {
namespace {

std::string_view reason_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    default:
      return status < 500 ? "Refused" : "Failed";
  }
}

// RFC 9110 section 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT".
std::string http_date(std::int64_t unix_seconds) {
  constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = unix_seconds;
  std::tm at{};
  if (::gmtime_r(&seconds, &at) == nullptr) at = {};
  std::array<char, 64> text{};
  (void)std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                      kDays.at(static_cast<std::size_t>(at.tm_wday)), at.tm_mday,
                      kMonths.at(static_cast<std::size_t>(at.tm_mon)), at.tm_year + 1900, at.tm_hour,
                      at.tm_min, at.tm_sec);
  return text.data();
}

const std::string& cached_http_date(std::int64_t unix_seconds) {
  thread_local std::int64_t of = -1;
  thread_local std::string text;
  if (of != unix_seconds) {
    text = http_date(unix_seconds);
    of = unix_seconds;
  }
  return text;
}

// Types are AWS's common errors; SDKs try RequestTimeoutException and ThrottlingException again. No message
// has a character that JSON escapes.
struct Refusal {
  int status;
  std::string_view type;
  std::string_view message;
};

Refusal refusal_of(HttpRefusal why) {
  constexpr std::string_view kMalformed = "MalformedHttpRequestException";
  switch (why) {
    case HttpRefusal::kMalformed:
      return {400, kMalformed, "The request is not valid HTTP/1.1."};
    case HttpRefusal::kHeadTooLarge:
      return {431, kMalformed, "The head of the request is longer than 16384 bytes."};
    case HttpRefusal::kBodyTooLarge:
      return {413, "RequestEntityTooLargeException", "The body of the request is too long."};
    case HttpRefusal::kCutShort:
      return {400, kMalformed, "The connection ended before the request did."};
    case HttpRefusal::kTooSlow:
      return {408, "RequestTimeoutException", "The request took too long to arrive."};
    case HttpRefusal::kTooManyConnections:
      return {400, "ThrottlingException", "There are too many connections; close some, or try again later."};
    case HttpRefusal::kFailure:
      break;
  }
  return {500, "KMSInternalException", "The request could not be completed."};
}

}  // namespace

std::string answer_head(const HttpAnswer& answer, Afterwards afterwards, std::int64_t now_unix_ms) {
  std::string head;
  head.reserve(320);
  head += "HTTP/1.1 ";
  head += std::to_string(answer.status);
  head += ' ';
  head += reason_of(answer.status);
  head += "\r\nx-amzn-RequestId: ";
  head += answer.request_id;
  head += "\r\nContent-Type: ";
  head += answer.content_type;
  head += "\r\nContent-Length: ";
  head += std::to_string(answer.body.size());
  head += "\r\nDate: ";
  head += cached_http_date(now_unix_ms / 1000);
  if (afterwards == Afterwards::kClose) head += "\r\nConnection: close";
  if (afterwards == Afterwards::kGoOnFor1_0) head += "\r\nConnection: keep-alive";
  head += "\r\n\r\n";
  return head;
}

HttpAnswer refusal_answer(HttpRefusal why, Entropy& entropy) {
  const Refusal refusal = refusal_of(why);
  HttpAnswer answer;
  answer.status = refusal.status;
  answer.request_id = uuid_text(random_uuid(entropy));
  answer.content_type = "application/x-amz-json-1.1";
  answer.body.append(R"({"__type":")").append(refusal.type);
  answer.body.append(R"(","message":")").append(refusal.message).append(R"("})");
  return answer;
}

}  // namespace enfold
