#include "kms/daemon/service_handler.h"

#include "kms/base/log.h"

namespace enfold {
namespace {

constexpr std::int64_t kFailureLineEveryMs = 1'000;

}  // namespace

FailureLog::FailureLog(Clock& clock, StopRequests& stop) : stop_(stop), lines_(clock, kFailureLineEveryMs) {}

void FailureLog::on_failure(const Error& error) {
  if (error.code == Errc::kStoreTampered || error.code == Errc::kWrongRootKey) {
    if (tampered_.exchange(true)) return;
    log_error(describe(error) + "; stopping, because nothing that this store says can be trusted");
    stop_.fault();
    return;
  }
  if (const auto left_out = lines_.allow())
    log_error(describe(error) +
              (*left_out == 0 ? "" : "; " + std::to_string(*left_out) + " more such failures"));
}

Result<std::optional<std::int64_t>> EngineDueWork::run_due() {
  auto next = engine_.run_due();
  if (!next && next.error().code == Errc::kStoreTampered) observer_.on_failure(next.error());
  return next;
}

}  // namespace enfold
