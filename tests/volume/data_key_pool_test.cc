// Data keys fetched ahead: never one that is too old, dropped or by material that was rotated away.
#include "fs/volume/data_key_pool.h"

#include <chrono>
#include <set>

#include "tests/volume/content_support.h"

namespace enfold {
namespace {

// Numbers its keys. May be stopped before it answers, and may fail.
class NumberedSource final : public DataKeySource {
 public:
  Result<ReadyDataKey> generate() override {
    std::unique_lock lock(mutex_);
    const std::uint8_t number = ++asked_;
    ReadyDataKey key;
    key.file.bytes[0] = number;
    key.key.material_id = material_;
    key.good_until_ns = good_until_ns_ += takes_ns_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return asked_ <= allowed_ || is_ending_; });
    if (fails_) return make_error(Errc::kKmsUnavailable, "no answer");
    return key;
  }

  Result<void> check_opens(std::span<ReadyDataKey> keys) override {
    const std::lock_guard lock(mutex_);
    opened_.push_back(keys.size());
    changed_.notify_all();
    if (opens_another_) return make_error(Errc::kKmsBadAnswer, "another key");
    return {};
  }

  void allow(int answers) {
    change([&] { allowed_ = answers; });
  }
  void fail(bool fails) {
    change([&] { fails_ = fails; });
  }
  void open_another(bool opens_another) {
    change([&] { opens_another_ = opens_another; });
  }
  void take_ns(std::int64_t each) {
    change([&] { takes_ns_ = each; });
  }
  void set_material(const std::string& material) {
    change([&] { material_ = material; });
  }
  void end() {
    change([&] { is_ending_ = true; });
  }

  void wait_until_asked(int times) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, std::chrono::minutes(1), [&] { return asked_ >= times; })) << times;
  }
  int asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  // How many keys it was asked to open, by the calls, of which there are so many at least.
  std::vector<std::size_t> opened(std::size_t calls) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::minutes(1), [&] { return opened_.size() >= calls; }));
    return opened_;
  }

 private:
  void change(const auto& how) {
    const std::lock_guard lock(mutex_);
    how();
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint8_t asked_ = 0;
  int allowed_ = 200;
  bool fails_ = false;
  bool opens_another_ = false;
  bool is_ending_ = false;
  std::vector<std::size_t> opened_;
  std::string material_ = "first";
  std::int64_t good_until_ns_ = 1000;
  std::int64_t takes_ns_ = 0;
};

class Pool : public testing::Test {
 protected:
  void TearDown() override { source_.end(); }

  // The next key that is ready, waiting for it as no caller would.
  ReadyDataKey taken() {
    for (;;) {
      if (auto key = pool_.take(0)) return *std::move(key);
      std::this_thread::yield();
    }
  }

  NumberedSource source_;
  DataKeyPool pool_{source_};
};

TEST_F(Pool, AsksForNothingBeforeAKeyIsTaken) {
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(source_.asked(), 0);
  EXPECT_FALSE(pool_.take(0));
  source_.wait_until_asked(4);
}

TEST_F(Pool, GivesEachKeyOnceTheOldestFirst) {
  int last = 0;
  for (int i = 0; i < 20; ++i) {
    const int number = taken().file.bytes[0];
    EXPECT_GT(number, last);
    last = number;
  }
}

TEST_F(Pool, GivesNoKeyWhoseTimeIsOver) {
  taken();
  EXPECT_FALSE(pool_.take(1000));
}

TEST_F(Pool, GivesNoKeyThatWasAskedForBeforeItWasDropped) {
  source_.allow(2);
  EXPECT_FALSE(pool_.take(0));
  source_.wait_until_asked(3);
  pool_.drop();
  source_.allow(200);
  EXPECT_EQ(taken().file.bytes[0], 4) << "1 and 2 were there, 3 was on its way";
}

TEST_F(Pool, DropsWhatIsByOlderMaterialWhenItSeesNewer) {
  source_.allow(2);
  EXPECT_FALSE(pool_.take(0));
  source_.wait_until_asked(3);  // with the first material
  source_.set_material("second");
  source_.allow(200);
  source_.wait_until_asked(5);  // which it is because the first three are gone
  EXPECT_EQ(taken().key.material_id, "second");
}

TEST_F(Pool, LeavesAKmsThatFailsAloneUntilTheNextFileIsMade) {
  source_.fail(true);
  EXPECT_FALSE(pool_.take(0));
  source_.wait_until_asked(1);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(source_.asked(), 1);
  EXPECT_FALSE(pool_.take(0));
  source_.wait_until_asked(2);
}

TEST_F(Pool, GivesNoKeyThatTheKmsDoesNotOpenAndLeavesItAloneUntilTheNextFileIsMade) {
  source_.open_another(true);
  std::vector<std::size_t> asked_for;
  for (int files = 0; files < 3; ++files) {
    asked_for.push_back(4);  // and no more with each
    EXPECT_FALSE(pool_.take(0));
    EXPECT_EQ(source_.opened(asked_for.size()), asked_for);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_EQ(source_.opened(asked_for.size()), asked_for);
  }
  source_.open_another(false);
  EXPECT_EQ(taken().file.bytes[0], 3 * 4 + 1);
}

TEST_F(Pool, LetsTheKmsOpenManyKeysAtOnce) {
  EXPECT_FALSE(pool_.take(0));
  EXPECT_EQ(source_.opened(1), std::vector<std::size_t>{4});
  for (int i = 0; i < 60; ++i) taken();
  EXPECT_LE(std::ranges::max(source_.opened(2)), DataKeyPool::kAtOnce);
}

TEST_F(Pool, LetsASlowKmsOpenFewKeysAtOnce) {
  source_.take_ns(1'000'000'000);
  EXPECT_FALSE(pool_.take(0));
  EXPECT_EQ(source_.opened(2), (std::vector<std::size_t>{2, 2}));
}

TEST_F(Pool, EndsWhileItIsWaitingForTheKms) {
  source_.allow(0);
  EXPECT_FALSE(pool_.take(0));
  source_.wait_until_asked(1);
  source_.allow(200);
}

class KeysFetchedAhead : public testing::Test {
 protected:
  void SetUp() override {
    world_.kms.set_in_this_process(false);
    world_.cache.fetch_ahead();
  }
  ContentWorld world_;
};

TEST_F(KeysFetchedAhead, OpenTheFilesThatGetThem) {
  std::set<std::string> ids;
  for (int i = 0; i < 50; ++i) {
    auto body = world_.create();
    const Bytes content = random_bytes(world_.entropy, 5000);
    ASSERT_TRUE(is_ok(body->write(0, content)));
    ASSERT_TRUE(is_ok(body->seal(0)));
    world_.cache.forget(body->file_id());
    auto opened = world_.open();
    ASSERT_TRUE(is_ok(opened));
    EXPECT_EQ(content_of(**opened).value_or(Bytes()), content);
    ids.insert(body->file_id().hex());
  }
  EXPECT_EQ(ids.size(), 50U);
}

TEST_F(KeysFetchedAhead, AreByTheKeyThatNewFilesGetFromNowOn) {
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(is_ok(FileBody::prepare(world_.context)));
    const std::string key = i % 2 == 0 ? kFakeOtherArn : kFakeKeyArn;
    world_.cache.wrap_under(key);
    auto prepared = FileBody::prepare(world_.context);
    ASSERT_TRUE(is_ok(prepared));
    EXPECT_EQ(prepared->made.envelope.recipients.front().key_arn, key);
    std::this_thread::sleep_for(std::chrono::microseconds(i * 50));
  }
}

// What the KMS wrapped for a file opens to the file's key, whoever fetched it, and from where on it lies.
TEST_F(KeysFetchedAhead, AreNoneThatTheKmsDoesNotOpen) {
  for (int i = 0; i < 200; ++i) {
    const bool is_lying = i % 20 >= 10;
    world_.kms.set_fault(is_lying ? FakeKms::Fault::kWrapsAnother : FakeKms::Fault::kNone);
    const auto prepared = FileBody::prepare(world_.context);
    world_.kms.set_fault(FakeKms::Fault::kNone);
    if (!prepared) {
      EXPECT_TRUE(is_lying);
      EXPECT_EQ(code_of(prepared), Errc::kKmsBadAnswer);
      continue;
    }
    world_.cache.forget(prepared->file);
    EXPECT_TRUE(
        is_ok(world_.cache.unwrap(prefix_of(prepared->page), prepared->file, prepared->made.envelope)));
  }
}

}  // namespace
}  // namespace enfold
