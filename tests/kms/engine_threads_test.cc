// Everything at once on one engine, and on two over one store.
#include <atomic>
#include <thread>

#include "tests/kms/engine_fixture.h"

namespace enfold {
namespace {

class ThreadsClock final : public Clock {
 public:
  std::int64_t monotonic_ns() override { return unix_ms() * 1'000'000; }
  std::int64_t unix_ms() override { return now_ms.load(); }
  std::atomic<std::int64_t> now_ms = 1'700'000'000'000;
};

TEST(EngineThreads, ChangeRotateDeleteAndDecryptTogether) {
  TempDir temp;
  const std::string dir = temp / "kms";
  make_store(dir);
  SystemEntropy entropy;
  ThreadsClock clock;
  FixedPassphrase unused;
  Engine first(open_store(dir, unused, entropy).value(), entropy, clock);
  Engine second(open_store(dir, unused, entropy).value(), entropy, clock);
  const CallScope here = local_scope();
  const std::string arn = make_key(first);
  ASSERT_TRUE(first.create_alias(here, "alias/a", arn));
  ASSERT_TRUE(first.enable_key_rotation(here, arn, 90));
  ASSERT_TRUE(first.add_principal({here.account, "bob", {1000}}));
  const std::string access_key = first.create_access_key(here.account, "bob")->id;

  std::atomic<bool> stop = false;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 2; ++i)
    threads.emplace_back([&] {
      while (!stop) {
        auto made = first.generate_data_key(here, {"alias/a", "AES_256", {}, {}});
        ASSERT_TRUE(made) << describe(made.error());
        EXPECT_TRUE(second.decrypt(here, {made->ciphertext, {}, {}}));
        EXPECT_TRUE(first.find_access_key(access_key).value());
        EXPECT_TRUE(second.find_unix_user(1000).value());
      }
    });
  threads.emplace_back([&] {
    while (!stop) {
      EXPECT_TRUE(first.run_due());
      EXPECT_TRUE(first.list_aliases(here, {}, {}));
    }
  });
  for (int round = 0; round < 10; ++round) {
    const std::string key = make_key(second);
    const std::string alias = "alias/round-" + std::to_string(round);
    ASSERT_TRUE(second.create_alias(here, alias, key));
    ASSERT_TRUE(second.tag_resource(here, key, {{"round", std::to_string(round)}}));
    ASSERT_TRUE(second.schedule_key_deletion(here, key, 7));
    clock.now_ms += 90 * kDayMs;
    ASSERT_TRUE(second.run_due());
    EXPECT_EQ(outcome(second.describe_key(here, alias)), "kms-not-found");
  }
  stop = true;
  threads.clear();
  EXPECT_EQ(first.describe_key(here, arn)->all_material_ids.size(), 11U) << "each rotation once";
  EXPECT_EQ(second.list_keys(here, {})->keys.size(), 1U);
}

}  // namespace
}  // namespace enfold
