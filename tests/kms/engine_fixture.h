// A store, an engine on it with a clock of the test's own, and one key.
#pragma once

#include "kms/store/store.h"
#include "kms/store/store_admin.h"
#include "tests/kms/support.h"

namespace enfold {

constexpr std::int64_t kDayMs = 24LL * 60 * 60 * 1000;

class EngineFixture : public ::testing::Test {
 protected:
  EngineFixture() {
    make_store(dir_);
    engine_ = open();
    arn_ = make_key(*engine_);
  }

  // Another engine on the same store, as another process would have it.
  std::unique_ptr<Engine> open() {
    FixedPassphrase unused;
    auto store = open_store(dir_, unused, entropy_);
    EXPECT_TRUE(store) << describe(store.error());
    return std::make_unique<Engine>(*std::move(store), entropy_, clock_);
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
