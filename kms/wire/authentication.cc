#include "kms/wire/authentication.h"

#include <unistd.h>

#include "kms/wire/sigv4.h"

namespace enfold {
namespace {

std::unexpected<AwsError> unrecognised() {
  return aws_error("UnrecognizedClientException", "The security token included in the request is invalid.");
}

bool is_administrator(std::uint32_t unix_id) { return unix_id == 0 || unix_id == ::geteuid(); }

// Whose word an unsigned request over the Unix socket is; nothing for a request whose signature counts.
std::optional<std::uint32_t> unsigned_by(const HttpRequestView& request, const ConnectionPeer& peer) {
  return request.count("authorization") == 0 ? peer.unix_id : std::nullopt;
}

AwsResult<RequestSender> by_signature(const HttpRequestView& request, Engine& engine,
                                      std::int64_t now_unix_ms) {
  ENFOLD_AWS_TRY_ASSIGN(SignatureClaim claim, read_signature(request));
  ENFOLD_AWS_TRY_ASSIGN(std::optional<KnownAccessKey> key,
                        as_aws(engine.find_access_key(claim.access_key_id)));
  if (!key) return unrecognised();
  ENFOLD_AWS_TRY(verify_signature(request, claim, key->secret.expose(), now_unix_ms));
  // A session's token comes with an access key of its own, and there are none.
  if (!request.header("x-amz-security-token").empty()) return unrecognised();
  return RequestSender{
      .caller = KmsCaller({std::move(claim.region), std::move(key->account)}, std::move(key->principal))};
}

AwsResult<RequestSender> by_process(const HttpRequestView& request, std::uint32_t unix_id, Engine& engine,
                                    const std::string& home_region) {
  std::string region(request.header("x-enfold-region"));
  if (region.empty()) region = home_region;
  if (!is_region_name(region))
    return aws_error("ValidationException",
                     "x-enfold-region is not the name of a region: 1 to 32 of a-z, 0-9 and -");
  ENFOLD_AWS_TRY_ASSIGN(std::optional<PrincipalInfo> principal, as_aws(engine.find_unix_user(unix_id)));
  RequestSender sender{.caller = std::nullopt, .is_administrator = is_administrator(unix_id)};
  if (principal)
    sender.caller = KmsCaller({std::move(region), std::move(principal->account)}, std::move(principal->arn));
  else if (!sender.is_administrator)
    return aws_error("AccessDeniedException",
                     "The Unix user " + std::to_string(unix_id) +
                         " is no principal of this key service: `enfold principal add NAME --unix-user " +
                         std::to_string(unix_id) + "`, as root or the key service's own user, makes it one");
  return sender;
}

}  // namespace

AwsResult<RequestSender> authenticate(const HttpRequestView& request, const ConnectionPeer& peer,
                                      Engine& engine, const std::string& home_region,
                                      std::int64_t now_unix_ms) {
  if (const auto unix_id = unsigned_by(request, peer))
    return by_process(request, *unix_id, engine, home_region);
  return by_signature(request, engine, now_unix_ms);
}

bool names_somebody(const HttpRequestView& head, const ConnectionPeer& peer, Engine& engine) {
  if (const auto unix_id = unsigned_by(head, peer)) {
    const auto principal = engine.find_unix_user(*unix_id);
    return principal && principal->has_value();
  }
  const auto claim = read_signature(head);
  if (!claim) return false;
  const auto key = engine.find_access_key(claim->access_key_id);
  return key && key->has_value();
}

}  // namespace enfold
