// A disk that is full: what cannot be committed is refused, and nothing that was there is lost.
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <tuple>

#include "tests/kms/engine_fixture.h"

namespace enfold {
namespace {

// No file may grow beyond `bytes` while this lives: SQLite sees failing writes.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : ignored_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::ignore = std::signal(SIGXFSZ, ignored_);
  }

 private:
  using Handler = void (*)(int);
  Handler ignored_;
  rlimit before_{};
};

class FullDiskTest : public EngineFixture {
 protected:
  FullDiskTest() : blob_(engine_->encrypt(here_, {arn_, as_bytes("x"), {}})->ciphertext) {
    EXPECT_TRUE(engine_->create_alias(here_, "alias/a", arn_));
  }
  [[nodiscard]] rlim_t log_bytes() const {
    struct stat log {};
    EXPECT_EQ(::stat((dir_ + "/kms.db-wal").c_str(), &log), 0);
    return static_cast<rlim_t>(log.st_size);
  }
  // Nothing of it was done, here or for whoever opens the store next.
  void expect_as_it_was(Engine& engine) {
    const KeyMetadata key = engine.describe_key(here_, "alias/a").value();
    EXPECT_EQ(key.arn, arn_);
    EXPECT_EQ(key.state, KeyState::kEnabled);
    EXPECT_EQ(key.all_material_ids.size(), 1U);
    EXPECT_TRUE(engine.decrypt(here_, {blob_, {}, {}}));
    EXPECT_EQ(engine.list_keys(here_, {})->keys.size(), 1U);
  }

  Bytes blob_;
};

TEST_F(FullDiskTest, RefusesChangesAndLosesNone) {
  for (rlim_t room : {0U, 1U, 4000U, 5000U, 9000U}) {
    SCOPED_TRACE(room);
    {
      const FullDisk full(log_bytes() + room);
      const std::string large(8192, 'd');
      auto refused = engine_->update_key_description(here_, arn_, large);
      ASSERT_EQ(outcome(refused), "system");
      EXPECT_NE(refused.error().errno_value, 0) << describe(refused.error());
      if (room <= 4000) {
        EXPECT_EQ(outcome(engine_->create_key(here_, {})), "system");
        EXPECT_EQ(outcome(engine_->disable_key(here_, arn_)), "system");
        EXPECT_EQ(outcome(engine_->rotate_key_on_demand(here_, arn_)), "system");
        EXPECT_EQ(outcome(engine_->delete_alias(here_, "alias/a")), "system");
        EXPECT_EQ(outcome(engine_->schedule_key_deletion(here_, arn_, 7)), "system");
        EXPECT_EQ(outcome(engine_->add_principal({here_.account, "bob", {}})), "system");
      }
      expect_as_it_was(*engine_);
    }
    expect_as_it_was(*engine_);
    expect_as_it_was(*open());
  }
  EXPECT_TRUE(engine_->disable_key(here_, arn_)) << "with room again it goes on";
  EXPECT_EQ(open()->describe_key(here_, arn_)->state, KeyState::kDisabled);
}

TEST_F(FullDiskTest, PutsOffWhatIsDueAndGoesOnDecrypting) {
  const std::string doomed = make_key(*engine_);
  ASSERT_TRUE(engine_->enable_key_rotation(here_, arn_, 90));
  ASSERT_TRUE(engine_->schedule_key_deletion(here_, doomed, 30));
  pass_days(90);
  {
    const FullDisk full(log_bytes());
    EXPECT_EQ(outcome(engine_->run_due()), "system");
    EXPECT_TRUE(engine_->decrypt(here_, {blob_, {}, {}}));
    EXPECT_EQ(outcome(engine_->encrypt(here_, {doomed, as_bytes("x"), {}})), "kms-invalid-state");
  }
  EXPECT_EQ(outcome(engine_->cancel_key_deletion(here_, doomed)), "kms-not-found") << "its window has passed";
  ASSERT_TRUE(engine_->run_due());
  EXPECT_EQ(outcome(engine_->describe_key(here_, doomed)), "kms-not-found");
  EXPECT_EQ(engine_->describe_key(here_, arn_)->all_material_ids.size(), 2U);
}

}  // namespace
}  // namespace enfold
