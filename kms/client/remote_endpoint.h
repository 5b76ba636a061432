// Calls of a key service in another process or on another machine: connections, signatures, time limits and
// repeated attempts. What comes back is the body of a good answer, or the error that the service named.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "kms/base/clock.h"
#include "kms/base/entropy.h"
#include "kms/base/error.h"
#include "kms/base/files.h"
#include "kms/client/connection_pool.h"
#include "kms/client/credentials.h"
#include "kms/client/fail_fast.h"
#include "kms/client/kms_url.h"
#include "kms/client/wiped_json.h"
#include "kms/wire/wiped_string.h"

namespace enfold {

struct RemotePolicy {
  std::int64_t call_ns = 5'000 * kNsPerMs;  // with all its attempts and the pauses between them
  // More, for each entry of a batch. The slowest service does one in a fifth of that; so a thousand have
  // fifteen seconds, and what is asked together for one file hardly more than a call.
  std::int64_t batch_entry_ns = 10 * kNsPerMs;
  int attempts = 3;
  std::int64_t pause_ns = 100 * kNsPerMs;  // at most, after the first attempt; doubles with each
  std::int64_t away_ns = 500 * kNsPerMs;   // how long calls fail at once after one that found it away
  ConnectionPool::Limits pool{};
};

struct RemoteCall {
  std::string_view target;  // X-Amz-Target
  std::string region;       // empty: the endpoint's own
  std::string_view body;
  std::int64_t timeout_ns;
  // Doing it twice is as good as once. What is not is sent once more only where it was not carried out the
  // first time.
  bool is_repeatable;
  std::size_t max_answer_bytes = kMaxJsonBytes;
  // Takes longer than others, so they do not wait for what it finds.
  bool is_batch = false;
};

// Thread-safe.
class RemoteEndpoint {
 public:
  // kInvalidArgument where AWS_CA_BUNDLE does not read.
  static Result<std::shared_ptr<RemoteEndpoint>> open(KmsUrl url, const RemotePolicy& policy = {});

  RemoteEndpoint(KmsUrl url, std::unique_ptr<KmsConnector> connector, const RemotePolicy& policy);

  // kKmsUnavailable: no answer in time; kKmsBadAnswer: one that no KMS gives; kKmsUnauthenticated: no
  // credentials; kInvalidArgument: no region is known; and what the service answers.
  Result<WipedString> call(const RemoteCall& call);

  [[nodiscard]] const KmsUrl& url() const { return url_; }
  [[nodiscard]] const RemotePolicy& policy() const { return policy_; }

 private:
  struct Failure {
    Error error;
    bool may_repeat = false;
  };
  using Attempted = std::expected<WipedString, Failure>;

  Result<WipedString> attempts(const RemoteCall& call, int most, const Deadline& deadline);
  Attempted attempt(const RemoteCall& call, const Deadline& deadline);
  Attempted attempt_as(const RemoteCall& call, const ClientAccessKey* key, const Deadline& deadline);
  Transported<HttpReply> exchange(const RemoteCall& call, std::string_view request, const Deadline& deadline);
  Failure failure_of(const TransportError& error, bool is_repeatable) const;
  bool pause(int attempt, const Deadline& deadline);
  [[nodiscard]] Result<std::string> region_of(const RemoteCall& call) const;

  KmsUrl url_;
  RemotePolicy policy_;
  std::string region_;  // of the environment or the host; may be empty
  SystemClock clock_;
  SystemEntropy entropy_;
  PosixFiles files_;
  Credentials credentials_;
  ConnectionPool pool_;
  FailFast fail_fast_;
};

}  // namespace enfold
