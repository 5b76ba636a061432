// The AWS wire protocol over the engine, from a whole HTTP request to its answer, without sockets: target,
// JSON, identity, operation. Order of the checks: parse, authenticate, then the engine's
// (kms/engine/engine.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "kms/base/clock.h"
#include "kms/engine/engine.h"
#include "kms/wire/aws_error.h"
#include "kms/wire/http_message.h"
#include "kms/wire/wiped_string.h"

namespace enfold {

struct HttpAnswer {
  int status = 200;
  std::string request_id;  // for x-amzn-RequestId: a random UUID
  std::string content_type;
  WipedString body;  // may hold key material
};

// Who is at the other end of a connection, as far as the kernel says it.
struct ConnectionPeer {
  std::optional<std::uint32_t> unix_id{};  // SO_PEERCRED; nothing over TCP
};

// Hears of errors whose callers only get KMSInternalException: kStoreTampered, kSystem (a full disk) and the
// like. Called from any thread.
class FailureObserver {
 public:
  FailureObserver() = default;
  FailureObserver(const FailureObserver&) = delete;
  FailureObserver& operator=(const FailureObserver&) = delete;
  virtual ~FailureObserver() = default;
  virtual void on_failure(const Error& error) = 0;
};

// Thread-safe.
class KmsService {
 public:
  struct Limits {
    std::size_t body = std::size_t{256} * 1024;      // of a request
    std::size_t batch_body = std::size_t{4} << 20U;  // of one with a target of batches, from somebody known
  };

  // `engine`, `clock` and `entropy` outlive the service. `home_region` is the region of calls over the Unix
  // socket that name none (x-enfold-region).
  KmsService(Engine& engine, Clock& clock, Entropy& entropy, std::string home_region);

  // How many bytes of body a request with these headers may have, before its body is read.
  [[nodiscard]] std::size_t body_limit(const HttpRequestView& head, const ConnectionPeer& peer);

  // Before the first request. `observer` outlives the service.
  void observe_failures(FailureObserver& observer) { observer_ = &observer; }

  // Never fails: every refusal is an answer, and no request makes a 5xx unless this machine fails.
  HttpAnswer handle(const HttpRequestView& request, const ConnectionPeer& peer);

  // An answer that says `error`, with a request id of its own: for what fails before there is a request.
  HttpAnswer refuse(const AwsError& error);

 private:
  AwsResult<WipedString> run(const HttpRequestView& request, const ConnectionPeer& peer);

  Engine& engine_;
  Clock& clock_;
  Entropy& entropy_;
  std::string home_region_;
  FailureObserver* observer_ = nullptr;
};

}  // namespace enfold
