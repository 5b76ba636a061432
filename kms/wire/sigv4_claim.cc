// What a request says of its signature. AWS's order of the checks and its messages, as recorded from another
// of its services of the same framework (kms/README.md).
#include <algorithm>
#include <array>

#include "kms/wire/quote.h"
#include "kms/wire/sigv4.h"
#include "kms/wire/sigv4_canonical.h"
#include "kms/wire/sigv4_time.h"

namespace enfold {
namespace {

constexpr std::string_view kService = "kms";
constexpr std::size_t kMaxAuthorizationBytes = 8192;
constexpr std::size_t kMaxSignedHeaders = 64;
constexpr std::size_t kMaxAccessKeyBytes = 128;

std::unexpected<AwsError> incomplete(std::string message) {
  return aws_error("IncompleteSignatureException", std::move(message));
}
std::unexpected<AwsError> invalid(std::string message) {
  return aws_error("InvalidSignatureException", std::move(message));
}

// The parameters of an Authorization header as they stand there.
struct Authorization {
  std::string_view algorithm;
  std::string_view credential;
  std::string_view signed_headers;
  std::string_view signature;
};

std::string_view take_word(std::string_view& rest) {
  static constexpr std::string_view kSeparators = ", \t";
  rest.remove_prefix(std::min(rest.find_first_not_of(kSeparators), rest.size()));
  const std::string_view word = rest.substr(0, rest.find_first_of(kSeparators));
  rest.remove_prefix(word.size());
  return word;
}

AwsResult<Authorization> split(std::string_view text) {
  Authorization out;
  out.algorithm = take_word(text);
  const std::array fields{std::pair{std::string_view("Credential"), &out.credential},
                          std::pair{std::string_view("SignedHeaders"), &out.signed_headers},
                          std::pair{std::string_view("Signature"), &out.signature}};
  while (true) {
    const std::string_view word = take_word(text);
    if (word.empty()) return out;
    const auto equals = word.find('=');
    if (equals == std::string_view::npos)
      return incomplete(quote(word) +
                        " not a valid key=value pair (missing equal-sign) in Authorization header.");
    const auto* field =
        std::ranges::find(fields, word.substr(0, equals), [](const auto& of) { return of.first; });
    if (field == fields.end()) continue;
    if (!field->second->empty())
      return incomplete("Authorization header has more than one '" + std::string(field->first) +
                        "' parameter.");
    *field->second = word.substr(equals + 1);
  }
}

AwsResult<void> require_parameters(const Authorization& authorization, const HttpRequestView& request) {
  std::string missing;
  const auto require = [&](std::string_view value, std::string_view name) {
    if (value.empty()) missing.append("Authorization header requires '").append(name).append("' parameter. ");
  };
  require(authorization.credential, "Credential");
  require(authorization.signature, "Signature");
  require(authorization.signed_headers, "SignedHeaders");
  if (request.header("x-amz-date").empty() && request.header("date").empty())
    missing += "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
  if (!missing.empty()) return incomplete(std::move(missing));
  return {};
}

// A signature covers all headers of a name together, so that one of these twice would be ambiguous only for
// who reads the first: refused all the same.
AwsResult<void> require_single_headers(const HttpRequestView& request) {
  for (std::string_view name : {"authorization", "host", "x-amz-date", "date", "x-amz-target",
                                "x-amz-content-sha256", "x-amz-security-token"})
    if (request.count(name) > 1)
      return incomplete("The request has more than one '" + std::string(name) + "' header.");
  return {};
}

bool is_header_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

AwsResult<std::vector<std::string>> split_signed_headers(std::string_view text) {
  std::vector<std::string> out;
  while (true) {
    const auto end = text.find(';');
    const std::string_view name = text.substr(0, end);
    const bool in_order = out.empty() || out.back() < name;
    if (!is_header_name(name) || !in_order || out.size() == kMaxSignedHeaders)
      return incomplete("SignedHeaders must be at most " + std::to_string(kMaxSignedHeaders) +
                        " names of headers in lower case, in order, separated by semicolons.");
    out.emplace_back(name);
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

// With the target unsigned, one operation's request would be good for another's.
AwsResult<void> require_signed(const HttpRequestView& request,
                               const std::vector<std::string>& signed_headers) {
  const auto is_signed = [&](std::string_view name) {
    return std::ranges::binary_search(signed_headers, name, std::less<>());
  };
  if (!is_signed("host"))
    return invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
  if (!is_signed(request.header("x-amz-date").empty() ? "date" : "x-amz-date"))
    return invalid("'X-Amz-Date' or 'Date' must be a 'SignedHeader' in the AWS Authorization.");
  if (request.count("x-amz-target") != 0 && !is_signed("x-amz-target"))
    return invalid("'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.");
  return {};
}

AwsResult<void> check_scope(const SignatureClaim& claim, std::string_view terminator) {
  std::string wrong;
  if (!is_region_name(claim.region)) wrong += "Credential should be scoped to a valid region. ";
  if (claim.service != kService) wrong += "Credential should be scoped to correct service: 'kms'. ";
  if (terminator != "aws4_request")
    wrong += "Credential should be scoped with a valid terminator: 'aws4_request', not " + quote(terminator) +
             ". ";
  if (claim.date != std::string_view(claim.timestamp).substr(0, 8))
    wrong += "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: " +
             quote(claim.date) + " != '" + claim.timestamp.substr(0, 8) + "', from '" + claim.timestamp +
             "'. ";
  if (!wrong.empty()) return invalid(std::move(wrong));
  return {};
}

AwsResult<void> take_credential(std::string_view credential, SignatureClaim& claim) {
  std::array<std::string_view, 5> parts;
  std::string_view rest = credential;
  for (std::string_view& part : parts) {
    part = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(part.size() + 1, rest.size()));
  }
  if (std::ranges::count(credential, '/') != 4)
    return incomplete(
        "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got " +
        quote(credential));
  if (parts[0].empty() || parts[0].size() > kMaxAccessKeyBytes)
    return aws_error("UnrecognizedClientException", "The security token included in the request is invalid.");
  claim.access_key_id = parts[0];
  claim.date = parts[1];
  claim.region = parts[2];
  claim.service = parts[3];
  return check_scope(claim, parts[4]);
}

AwsResult<std::string> timestamp_of(const HttpRequestView& request) {
  const std::string_view amz = request.header("x-amz-date");
  const auto time = amz.empty() ? parse_http_date(request.header("date")) : parse_amz_date(amz);
  if (!time)
    return incomplete("Date must be in ISO-8601 'basic format'. Got " +
                      quote(amz.empty() ? request.header("date") : amz) +
                      ". See http://en.wikipedia.org/wiki/ISO_8601");
  return amz_date(*time);
}

}  // namespace

bool is_region_name(std::string_view text) {
  constexpr std::size_t kMaxBytes = 32;
  return !text.empty() && text.size() <= kMaxBytes && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

AwsResult<SignatureClaim> read_signature(const HttpRequestView& request) {
  const std::string_view header = request.header("authorization");
  if (!header.starts_with("AWS4-"))
    return aws_error("MissingAuthenticationTokenException", "Request is missing Authentication Token");
  if (header.size() > kMaxAuthorizationBytes) return incomplete("The Authorization header is too long.");
  ENFOLD_AWS_TRY(require_single_headers(request));
  ENFOLD_AWS_TRY_ASSIGN(const Authorization authorization, split(header));
  ENFOLD_AWS_TRY(require_parameters(authorization, request));
  SignatureClaim claim;
  ENFOLD_AWS_TRY_ASSIGN(claim.timestamp, timestamp_of(request));
  ENFOLD_AWS_TRY_ASSIGN(claim.signed_headers, split_signed_headers(authorization.signed_headers));
  ENFOLD_AWS_TRY(require_signed(request, claim.signed_headers));
  if (authorization.algorithm != "AWS4-HMAC-SHA256")
    return incomplete("Unsupported AWS 'algorithm': " + quote(authorization.algorithm) +
                      " (only AWS4-HMAC-SHA256 for now). ");
  ENFOLD_AWS_TRY(take_credential(authorization.credential, claim));
  claim.signature = authorization.signature;
  return claim;
}

}  // namespace enfold
