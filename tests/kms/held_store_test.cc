// Another process in the middle of a write transaction, which may be stopped there.
#include <algorithm>
#include <array>
#include <latch>
#include <semaphore>
#include <thread>
#include <vector>

#include "tests/kms/engine_fixture.h"

namespace enfold {
namespace {

class HeldStore : public EngineFixture {
 protected:
  HeldStore() {
    holder_ = std::jthread([this] {
      FixedPassphrase unused;
      auto store = open_store(dir_, unused, entropy_).value();
      EXPECT_TRUE(store->update([&]() -> Result<std::vector<RowChange>> {
        held_.count_down();
        let_go_.wait();
        return std::vector<RowChange>{};
      }));
    });
    held_.wait();
  }
  HeldStore(const HeldStore&) = delete;
  HeldStore& operator=(const HeldStore&) = delete;
  ~HeldStore() override {
    if (!let_go_.try_wait()) let_go_.count_down();
  }

  std::latch held_{1};
  std::latch let_go_{1};
  std::jthread holder_;
};

// A change that waited had the engine's lock, and nobody decrypted.
TEST_F(HeldStore, KeepsNobodyFromReadingWhileAChangeWaits) {
  const auto made = engine_->generate_data_key(here_, {arn_, "AES_256", {}, {}});
  ASSERT_TRUE(made);
  Result<KeyMetadata> created;
  std::jthread writer([&] { created = engine_->create_key(here_, {}); });
  for (int reads = 0; reads < 30; ++reads) {
    ASSERT_TRUE(engine_->decrypt(here_, {made->ciphertext, {}, {}}));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  let_go_.count_down();
  writer.join();
  EXPECT_TRUE(created) << describe(created.error());
}

// A service has few threads: when each had a change that waited nobody decrypted.
TEST_F(HeldStore, LetsTwoChangesWaitAndRefusesOthersAtOnce) {
  constexpr int kChanges = 6;
  std::counting_semaphore<kChanges> refused{0};
  std::array<std::string, kChanges> outcomes;
  std::vector<std::jthread> writers;
  for (std::string& its : outcomes)
    writers.emplace_back([&] {
      its = outcome(engine_->create_key(here_, {}));
      if (its == "busy") refused.release();
    });
  for (int i = 0; i < kChanges - 2; ++i) refused.acquire();
  let_go_.count_down();
  writers.clear();
  EXPECT_EQ(std::ranges::count(outcomes, "busy"), kChanges - 2);
  EXPECT_EQ(std::ranges::count(outcomes, "ok"), 2);
}

// Two daemons that both change a store are in each other's way for milliseconds: that is not held.
TEST_F(EngineFixture, RefusesNoChangeWhereTwoProcessesAreBusy) {
  constexpr int kWriters = 4;
  constexpr int kChanges = 20;
  const std::unique_ptr<Engine> other = open();
  std::array<int, std::size_t{2} * kWriters> refused{};
  std::vector<std::jthread> writers;
  for (std::size_t i = 0; i < refused.size(); ++i)
    writers.emplace_back([&, i] {
      Engine& engine = i % 2 == 0 ? *engine_ : *other;
      for (int change = 0; change < kChanges; ++change) refused[i] += engine.create_key(here_, {}) ? 0 : 1;
    });
  writers.clear();
  EXPECT_EQ(std::ranges::count(refused, 0), std::ssize(refused));
}

TEST_F(HeldStore, RefusesAChangeInTheEnd) {
  EXPECT_EQ(outcome(engine_->create_key(here_, {})), "busy");
  EXPECT_EQ(outcome(engine_->describe_key(here_, arn_)), "ok");
  let_go_.count_down();
  EXPECT_TRUE(engine_->create_key(here_, {}));
}

TEST_F(HeldStore, PutsOffWhatIsDue) {
  let_go_.count_down();
  holder_.join();
  const std::string doomed = make_key(*engine_);
  ASSERT_TRUE(engine_->schedule_key_deletion(here_, doomed, 7));
  pass_days(7);
  FixedPassphrase unused;
  auto other = open_store(dir_, unused, entropy_).value();
  ASSERT_TRUE(other->update([&]() -> Result<std::vector<RowChange>> {
    EXPECT_EQ(outcome(engine_->encrypt(here_, {arn_, as_bytes("x"), {}})), "ok");
    EXPECT_EQ(outcome(engine_->encrypt(here_, {doomed, as_bytes("x"), {}})), "kms-invalid-state");
    return std::vector<RowChange>{};
  }));
  EXPECT_EQ(outcome(engine_->describe_key(here_, doomed)), "kms-not-found") << "at the next look";
}

}  // namespace
}  // namespace enfold
