// A store, an engine on it with a clock of the test's own, and one key.
#pragma once

#include <functional>
#include <utility>

#include "kms/store/store.h"
#include "kms/store/store_admin.h"
#include "tests/kms/support.h"

namespace enfold {

constexpr std::int64_t kDayMs = 24LL * 60 * 60 * 1000;

// Somebody else acts while an engine looks at the clock, which it does between its look at the store and what
// it does then.
class InterruptedClock final : public Clock {
 public:
  std::int64_t monotonic_ns() override { return 0; }
  std::int64_t unix_ms() override {
    if (interruption) std::exchange(interruption, {})();
    return now_ms;
  }
  std::int64_t now_ms = 0;
  std::function<void()> interruption;
};

class EngineFixture : public ::testing::Test {
 protected:
  EngineFixture() {
    make_store(dir_);
    engine_ = open();
    arn_ = make_key(*engine_);
  }

  // Another engine on the same store, as another process would have it.
  std::unique_ptr<Engine> open() { return open(clock_); }
  std::unique_ptr<Engine> open(Clock& clock) {
    FixedPassphrase unused;
    auto store = open_store(dir_, unused, entropy_);
    EXPECT_TRUE(store) << describe(store.error());
    return std::make_unique<Engine>(*std::move(store), entropy_, clock);
  }

  void pass_days(std::int64_t days) { clock_.now_ms += days * kDayMs; }
  [[nodiscard]] std::string id() const { return arn_.substr(arn_.rfind('/') + 1); }

  TempDir temp_;
  std::string dir_ = temp_ / "kms";
  SystemEntropy entropy_;
  ManualClock clock_;
  CallScope here_ = local_scope();
  std::unique_ptr<Engine> engine_;
  std::string arn_;
};

// "ok", or AWS's message.
template <class T>
std::string said(const Result<T>& result) {
  return result ? "ok" : result.error().message;
}

}  // namespace enfold
