#include "kms/wire/sigv4.h"

#include <algorithm>

#include "kms/wire/sigv4_canonical.h"
#include "kms/wire/sigv4_time.h"

namespace enfold {
namespace {

constexpr std::string_view kService = "kms";

std::unexpected<AwsError> invalid(std::string message) {
  return aws_error("InvalidSignatureException", std::move(message));
}

std::unexpected<AwsError> mismatch() {
  return invalid(
      "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
      "Access Key and signing method. Consult the service documentation for details.");
}

AwsResult<void> check_age(const SignatureClaim& claim, std::int64_t now_unix_ms) {
  const auto signed_at = parse_amz_date(claim.timestamp);
  if (!signed_at) return mismatch();
  const std::string now = amz_date(now_unix_ms);
  if (*signed_at < now_unix_ms - kMaxClockSkewMs)
    return invalid("Signature expired: " + claim.timestamp + " is now earlier than " +
                   amz_date(now_unix_ms - kMaxClockSkewMs) + " (" + now + " - 5 min.)");
  if (*signed_at > now_unix_ms + kMaxClockSkewMs)
    return invalid("Signature not yet current: " + claim.timestamp + " is still later than " +
                   amz_date(now_unix_ms + kMaxClockSkewMs) + " (" + now + " + 5 min.)");
  return {};
}

bool is_signed_header(std::string_view name) {
  return name == "host" || name == "content-type" || name.starts_with("x-amz-");
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out.append(out.empty() ? "" : ";").append(name);
  return out;
}

}  // namespace

AwsResult<void> verify_signature(const HttpRequestView& request, const SignatureClaim& claim, ByteSpan secret,
                                 std::int64_t now_unix_ms) {
  ENFOLD_AWS_TRY(check_age(claim, now_unix_ms));
  const std::string payload_hash = to_hex(sha256({as_bytes(request.body)}));
  if (request.count("x-amz-content-sha256") != 0 && request.header("x-amz-content-sha256") != payload_hash)
    return invalid("The value of x-amz-content-sha256 is not the SHA-256 hash of the request's body.");
  for (const std::string& name : claim.signed_headers)
    if (request.count(name) == 0) return mismatch();
  const CredentialScope scope{claim.date, claim.region, claim.service};
  const std::string text =
      string_to_sign(claim.timestamp, scope, canonical_request(request, claim.signed_headers, payload_hash));
  if (!equal_in_constant_time(as_bytes(signature_of(secret, scope, text)), as_bytes(claim.signature)))
    return mismatch();
  return {};
}

std::vector<OwnedHeader> sign_request(const HttpRequestView& request, const SigningKey& key,
                                      std::string_view region, std::int64_t now_unix_ms) {
  const std::string timestamp = amz_date(now_unix_ms);
  const CredentialScope scope{std::string_view(timestamp).substr(0, 8), region, kService};
  std::vector<OwnedHeader> out{{"X-Amz-Date", timestamp}};
  if (!key.session_token.empty()) out.push_back({"X-Amz-Security-Token", std::string(key.session_token)});

  HttpRequestView whole = request;
  for (const OwnedHeader& header : out) whole.headers.push_back({header.name, header.value});
  std::vector<std::string> names;
  for (const HeaderView& header : whole.headers)
    if (std::string name = lower_case(header.name); is_signed_header(name)) names.push_back(std::move(name));
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());

  const std::string payload_hash = to_hex(sha256({as_bytes(request.body)}));
  const std::string text = string_to_sign(timestamp, scope, canonical_request(whole, names, payload_hash));
  std::string value = "AWS4-HMAC-SHA256 Credential=";
  value.append(key.access_key_id).append("/").append(scope.date).append("/").append(region);
  value.append("/").append(kService).append("/aws4_request, SignedHeaders=").append(joined(names));
  value.append(", Signature=").append(signature_of(key.secret, scope, text));
  out.push_back({"Authorization", std::move(value)});
  return out;
}

}  // namespace enfold
