// The KMS as what the server asks and what maintenance runs, and where its failures go.
#pragma once

#include <atomic>

#include "kms/daemon/line_limit.h"
#include "kms/daemon/maintenance.h"
#include "kms/daemon/request_handler.h"
#include "kms/daemon/stop_requests.h"

namespace enfold {

// Logs what callers do not get to see, and ends the daemon where the store does not verify: nothing that it
// answers can be trusted from then on.
class FailureLog final : public FailureObserver {
 public:
  FailureLog(Clock& clock, StopRequests& stop);
  void on_failure(const Error& error) override;
  [[nodiscard]] bool store_is_tampered() const { return tampered_; }

 private:
  StopRequests& stop_;
  LineLimit lines_;
  std::atomic<bool> tampered_ = false;
};

class ServiceHandler final : public RequestHandler {
 public:
  explicit ServiceHandler(KmsService& service) : service_(service) {}
  std::size_t body_limit(const HttpRequestView& head, const ConnectionPeer& peer) override {
    return service_.body_limit(head, peer);
  }
  HttpAnswer handle(const HttpRequestView& request, const ConnectionPeer& peer) override {
    return service_.handle(request, peer);
  }

 private:
  KmsService& service_;
};

class EngineDueWork final : public DueWork {
 public:
  EngineDueWork(Engine& engine, FailureObserver& observer) : engine_(engine), observer_(observer) {}
  Result<std::optional<std::int64_t>> run_due() override;

 private:
  Engine& engine_;
  FailureObserver& observer_;
};

}  // namespace enfold
