// A store whose files are taken away or exchanged while it is open: SQLite would go on with what it has, and
// what it commits there is gone with it. rsync --delete of a backup, for one, did that to a running daemon.
#include <filesystem>

#include "tests/kms/engine_fixture.h"

namespace enfold {
namespace {

namespace fs = std::filesystem;

class MovedStore : public EngineFixture {
 protected:
  [[nodiscard]] std::string file(const std::string& suffix) const { return dir_ + "/kms.db" + suffix; }

  // The same bytes in another file.
  void exchange(const std::string& path) {
    fs::copy_file(path, path + ".copy");
    fs::rename(path + ".copy", path);
  }

  void expect_no_change_is_answered() {
    EXPECT_EQ(outcome(engine_->create_key(here_, {})), "store-tampered");
    EXPECT_EQ(outcome(engine_->disable_key(here_, arn_)), "store-tampered");
    EXPECT_EQ(outcome(engine_->add_principal({here_.account, "bob", {}})), "store-tampered");
  }
};

TEST_F(MovedStore, AnswersNoChange) {
  for (const char* suffix : {"", "-wal", "-shm"})
    for (const bool is_exchanged : {false, true}) {
      SCOPED_TRACE(std::string(suffix) + (is_exchanged ? " exchanged" : " removed"));
      engine_.reset();
      fs::remove_all(dir_);
      make_store(dir_);
      engine_ = open();
      arn_ = make_key(*engine_);
      if (is_exchanged)
        exchange(file(suffix));
      else
        fs::remove(file(suffix));
      expect_no_change_is_answered();
      const auto refused = engine_->create_key(here_, {});
      EXPECT_NE(refused.error().message.find(file(suffix)), std::string::npos) << refused.error().message;
    }
}

TEST_F(MovedStore, ServesNothingFromADatabaseThatIsNotThere) {
  exchange(file(""));
  EXPECT_EQ(outcome(engine_->describe_key(here_, arn_)), "store-tampered");
  EXPECT_EQ(outcome(engine_->generate_data_key(here_, {arn_, "AES_256", {}, {}})), "store-tampered");
  EXPECT_EQ(outcome(engine_->run_due()), "store-tampered");
}

// What was due could not be written, and calls were answered as if it had been.
TEST_F(MovedStore, AnswersNothingWhileARotationIsDue) {
  ASSERT_TRUE(engine_->enable_key_rotation(here_, arn_, 90));
  pass_days(91);
  fs::rename(dir_, dir_ + ".aside");
  EXPECT_EQ(outcome(engine_->generate_data_key(here_, {arn_, "AES_256", {}, {}})), "store-tampered");
  EXPECT_EQ(outcome(engine_->describe_key(here_, arn_)), "store-tampered");
  fs::rename(dir_ + ".aside", dir_);
  EXPECT_EQ(engine_->describe_key(here_, arn_)->all_material_ids.size(), 2U);
}

TEST_F(MovedStore, GoesOnWhereItIsPutBack) {
  fs::rename(dir_, dir_ + ".aside");
  expect_no_change_is_answered();
  make_store(dir_);
  expect_no_change_is_answered();
  fs::remove_all(dir_);
  fs::rename(dir_ + ".aside", dir_);
  ASSERT_TRUE(engine_->disable_key(here_, arn_));
  EXPECT_EQ(open()->describe_key(here_, arn_)->state, KeyState::kDisabled);
}

}  // namespace
}  // namespace enfold
