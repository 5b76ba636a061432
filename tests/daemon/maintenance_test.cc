// What is due is done on time, whatever happens.
#include "kms/daemon/maintenance.h"

#include <condition_variable>
#include <mutex>
#include <stdexcept>

#include "kms/base/log.h"
#include "tests/kms/support.h"

namespace enfold {
namespace {

class CountedWork final : public DueWork {
 public:
  Result<std::optional<std::int64_t>> run_due() override {
    const std::lock_guard lock(mutex_);
    ++runs_;
    changed_.notify_all();
    if (runs_ == 2) return make_error(Errc::kKmsInternal, "the second fails");
    if (runs_ == 3) throw std::runtime_error("the third throws");
    return std::nullopt;
  }
  void wait_for(int runs) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return runs_ >= runs; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int runs_ = 0;
};

TEST(Maintenance, RunsAtOnceAndWhenWokenAndAfterFailures) {
  ManualClock clock;
  CountedWork work;
  Maintenance maintenance(work, clock);
  for (int run = 1; run < 6; ++run) {
    work.wait_for(run);
    maintenance.wake();
  }
}

TEST(Maintenance, EndsWithoutWaitingForWhatIsPlanned) {
  ManualClock clock;
  CountedWork work;
  const Maintenance maintenance(work, clock);
  work.wait_for(1);
}

TEST(Maintenance, SleepsUntilTheNextIsDueAndNeverLong) {
  EXPECT_EQ(maintenance_sleep_ms(1'000'000, std::nullopt), 60'000);
  EXPECT_EQ(maintenance_sleep_ms(1'000'000, 1'000'000 + 86'400'000), 60'000);
  EXPECT_EQ(maintenance_sleep_ms(1'000'000, 1'030'000), 30'000);
  EXPECT_EQ(maintenance_sleep_ms(1'000'000, 1'000'001), 1'000);
  EXPECT_EQ(maintenance_sleep_ms(1'000'000, 0), 1'000);
  EXPECT_EQ(maintenance_sleep_ms(0, std::numeric_limits<std::int64_t>::max()), 60'000);
  EXPECT_EQ(maintenance_sleep_ms(0, std::numeric_limits<std::int64_t>::min()), 1'000);
}

}  // namespace
}  // namespace enfold
