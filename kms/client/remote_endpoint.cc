#include "kms/client/remote_endpoint.h"

#include <chrono>
#include <cstdlib>
#include <thread>

#include "kms/client/error_answer.h"
#include "kms/client/signed_request.h"
#include "kms/crypto/hkdf.h"
#include "kms/wire/sigv4.h"

namespace enfold {
namespace {

constexpr int kOk = 200;

std::string region_of_environment() {
  for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return {};
}

bool is_same(const ClientAccessKey& a, const ClientAccessKey& b) {
  return a.id == b.id && a.session_token == b.session_token && a.secret.size() == b.secret.size() &&
         equal_in_constant_time(a.secret.expose(), b.secret.expose());
}

// The service, or what stands before it, may do better in a moment.
bool may_pass(Errc code) {
  return code == Errc::kKmsThrottled || code == Errc::kKmsInternal || code == Errc::kKmsUnavailable;
}

}  // namespace

Result<std::shared_ptr<RemoteEndpoint>> RemoteEndpoint::open(KmsUrl url, const RemotePolicy& policy) {
  ENFOLD_TRY_ASSIGN(auto connector, make_connector(url));
  return std::make_shared<RemoteEndpoint>(std::move(url), std::move(connector), policy);
}

RemoteEndpoint::RemoteEndpoint(KmsUrl url, std::unique_ptr<KmsConnector> connector,
                               const RemotePolicy& policy)
    : url_(std::move(url)),
      policy_(policy),
      region_(region_of_environment()),
      credentials_(files_),
      pool_(std::move(connector), clock_, policy.pool),
      fail_fast_(clock_, policy.away_ns) {
  if (region_.empty() && url_.scheme != KmsScheme::kUnix) region_ = region_of_host(url_.place);
}

Result<WipedString> RemoteEndpoint::call(const RemoteCall& call) {
  const Deadline deadline(clock_, call.timeout_ns);
  ENFOLD_TRY_ASSIGN(FailFast::Turn turn, fail_fast_.enter(deadline, !call.is_batch));
  auto answer = attempts(call, turn.is_probe() ? 1 : policy_.attempts, deadline);
  const bool is_away = !answer && answer.error().code == Errc::kKmsUnavailable;
  turn.found(is_away ? &answer.error() : nullptr);
  return answer;
}

Result<WipedString> RemoteEndpoint::attempts(const RemoteCall& call, int most, const Deadline& deadline) {
  for (int number = 1;; ++number) {
    Attempted attempted = attempt(call, deadline);
    if (attempted) return *std::move(attempted);
    if (!attempted.error().may_repeat || number >= most || !pause(number, deadline))
      return std::unexpected(std::move(attempted).error().error);
  }
}

// Full jitter: anything from no pause to the whole. False where there is no time for another attempt.
bool RemoteEndpoint::pause(int attempt, const Deadline& deadline) {
  const auto random = random_array<sizeof(std::uint64_t)>(entropy_);
  const auto most_ns = static_cast<std::uint64_t>(policy_.pause_ns) << static_cast<unsigned>(attempt - 1);
  const auto pause_ns = static_cast<std::int64_t>(ByteReader(random).u64() % (most_ns + 1));
  if (pause_ns >= deadline.left_ns()) return false;
  std::this_thread::sleep_for(std::chrono::nanoseconds(pause_ns));
  return true;
}

// Where the service does not know who calls, the credentials may have been exchanged meanwhile.
RemoteEndpoint::Attempted RemoteEndpoint::attempt(const RemoteCall& call, const Deadline& deadline) {
  if (url_.scheme == KmsScheme::kUnix) return attempt_as(call, nullptr, deadline);
  auto key = credentials_.find();
  if (!key) return std::unexpected(Failure{std::move(key).error()});
  Attempted attempted = attempt_as(call, key->get(), deadline);
  if (attempted || attempted.error().error.code != Errc::kKmsUnauthenticated) return attempted;
  credentials_.forget();
  auto other = credentials_.find();
  if (!other || is_same(**other, **key)) return attempted;
  return attempt_as(call, other->get(), deadline);
}

RemoteEndpoint::Attempted RemoteEndpoint::attempt_as(const RemoteCall& call, const ClientAccessKey* key,
                                                     const Deadline& deadline) {
  auto region = region_of(call);
  if (!region) return std::unexpected(Failure{std::move(region).error()});
  const WipedString request = request_text({url_, call.target, *region, call.body}, key, clock_.unix_ms());
  auto reply = exchange(call, request, deadline);
  if (!reply) return std::unexpected(failure_of(reply.error(), call.is_repeatable));
  if (reply->status == kOk) return std::move(reply->body);
  Error refusal = error_of_reply(*reply);
  const bool may_repeat =
      refusal.code == Errc::kKmsThrottled || (call.is_repeatable && may_pass(refusal.code));
  return std::unexpected(Failure{std::move(refusal), may_repeat});
}

// A kept connection may have been closed by the other end just now; a fresh one tells that from a service
// that does not answer.
Transported<HttpReply> RemoteEndpoint::exchange(const RemoteCall& call, std::string_view request,
                                                const Deadline& deadline) {
  using Wanted = ConnectionPool::Wanted;
  {
    auto lease = pool_.take(call.is_repeatable ? Wanted::kAny : Wanted::kFresh, deadline);
    if (!lease) return std::unexpected(std::move(lease).error());
    auto reply = (*lease)->exchange(request, call.max_answer_bytes, deadline.left_ns());
    if (reply || !lease->is_kept() || reply.error().fault != TransportFault::kUnanswered) return reply;
  }
  auto lease = pool_.take(Wanted::kFresh, deadline);
  if (!lease) return std::unexpected(std::move(lease).error());
  return (*lease)->exchange(request, call.max_answer_bytes, deadline.left_ns());
}

RemoteEndpoint::Failure RemoteEndpoint::failure_of(const TransportError& error, bool is_repeatable) const {
  const std::string what = "the KMS " + url_.text + ": " + error.why;
  switch (error.fault) {
    case TransportFault::kNotHttp:
      return {{Errc::kKmsBadAnswer, 0, what}};
    case TransportFault::kUntrusted:
      return {{Errc::kKmsUnavailable, 0, what}};
    case TransportFault::kNotReached:
      return {{Errc::kKmsUnavailable, 0, what + "; check that it runs there"}, true};
    case TransportFault::kNoTime:
    case TransportFault::kUnanswered:
    case TransportFault::kCut:
      break;
  }
  return {
      {Errc::kKmsUnavailable, 0,
       what + (is_repeatable ? "; check that it runs there"
                             : "; whether it did what was asked is not known: look before you repeat it")},
      is_repeatable};
}

Result<std::string> RemoteEndpoint::region_of(const RemoteCall& call) const {
  const std::string& region = call.region.empty() ? region_ : call.region;
  // It goes into headers, where anything else would be another header.
  if (!region.empty() && !is_region_name(region))
    return make_error(
        Errc::kInvalidArgument,
        "a region has letters, digits and hyphens; correct --region, AWS_REGION or the key's ARN");
  if (region.empty() && url_.scheme != KmsScheme::kUnix)
    return make_error(Errc::kInvalidArgument, "the KMS " + url_.text +
                                                  ": neither a key's ARN nor the host names a region; set "
                                                  "AWS_REGION, or give `enfold key` a --region");
  return region;
}

}  // namespace enfold
