// The oracle itself: it must show red where an attack is not noticed, or the other tests prove nothing.
#include "tests/attack/attack_support.h"

namespace enfold {
namespace {

class AttackOracle : public testing::Test {
 protected:
  AttackOracle() { world_.keep_one_of_each(); }
  AttackWorld world_{1};
};

TEST_F(AttackOracle, AVolumeThatNobodyTouchedIsUnharmed) { EXPECT_TRUE(unharmed(world_)); }

TEST_F(AttackOracle, DoesNotCallNoticedWhatNobodyTouched) {
  for (const auto& [path, known] : world_.known) EXPECT_FALSE(noticed(world_, {.plain = path})) << path;
  EXPECT_FALSE(noticed(world_, {.plain = "other", .xattr = "user.first"}));
  EXPECT_FALSE(noticed(world_, {.plain = "d/" + std::string(200, 'n'), .is_name_damaged = true}));
}

TEST_F(AttackOracle, CallsADamagedFileNoticed) {
  const LowerCopy victim(world_, "victim");
  victim.flip(5000, 0);
  EXPECT_FALSE(unharmed(world_));
  EXPECT_TRUE(noticed(world_, {.plain = "victim"}));
}

TEST_F(AttackOracle, SeesOtherPlaintextWithoutAnError) {
  world_.known["victim"].content[100] ^= 1;
  EXPECT_FALSE(unharmed(world_));
  EXPECT_FALSE(noticed(world_, {.plain = "victim"}));
}

TEST_F(AttackOracle, SeesOtherPlaintextBesideASectorThatIsRefused) {
  const LowerCopy victim(world_, "victim");
  victim.flip(5000, 0);
  world_.known["victim"].content[kSectorPlainBytes] ^= 1;
  const testing::AssertionResult seen = noticed(world_, {.plain = "victim"});
  EXPECT_FALSE(seen);
  EXPECT_NE(std::string(seen.message()).find("OTHER PLAINTEXT"), std::string::npos) << seen.message();
}

TEST_F(AttackOracle, SeesThatCheckNamesAnotherPath) {
  const LowerCopy victim(world_, "victim");
  victim.flip(5000, 0);
  EXPECT_FALSE(noticed(world_, {.plain = "victim", .checked_plain = "/other"}));
  EXPECT_FALSE(noticed(world_, {.plain = "victim", .checked_lower = "elsewhere"}));
}

TEST_F(AttackOracle, SeesThatAPlantedFileWasOpenedAndNotThatItWasLookedAt) {
  const std::filesystem::path planted = world_.directory.path() / "planted";
  plant_node(planted, S_IFIFO);
  OpenWatch watch(planted);
  EXPECT_TRUE(is_ok(world_.files.open_at(AT_FDCWD, planted, O_PATH | O_NOFOLLOW, 0)));
  EXPECT_TRUE(is_ok(world_.files.stat_at(AT_FDCWD, planted)));
  EXPECT_FALSE(watch.was_opened());
  EXPECT_TRUE(is_ok(world_.files.open_at(AT_FDCWD, planted, O_RDONLY | O_NONBLOCK, 0)));
  EXPECT_TRUE(watch.was_opened());
}

TEST_F(AttackOracle, SeesASecondFileThatSuffers) {
  const LowerCopy victim(world_, "victim");
  const LowerCopy other(world_, "other");
  victim.flip(5000, 0);
  other.flip(5000, 0);
  EXPECT_FALSE(noticed(world_, {.plain = "victim"}));
}

TEST_F(AttackOracle, SeesABystanderThatIsGoneOrChanged) {
  const LowerCopy victim(world_, "victim");
  victim.flip(5000, 0);
  world_.known["nobody made this"] = {};
  EXPECT_FALSE(noticed(world_, {.plain = "victim"}));
  world_.known.erase("nobody made this");
  victim.flip(5000, 0);
  world_.known["other"].xattrs["user.first"] = "another value";
  EXPECT_FALSE(noticed(world_, {.plain = "victim"}));
  world_.known["other"].xattrs["user.first"] = "one value";
  victim.flip(5000, 0);
  EXPECT_TRUE(noticed(world_, {.plain = "victim"}));
}

}  // namespace
}  // namespace enfold
