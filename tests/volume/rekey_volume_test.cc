// Re-keying a whole volume: what is refused, what is pinned when, where each key is asked for, and what the
// report says.
#include "fs/volume/rekey.h"

#include "tests/volume/rekey_support.h"

namespace enfold {
namespace {

using Fault = FakeKms::Fault;

class RekeyVolume : public testing::Test {
 protected:
  RekeyVolume() {
    world_.make_config();
    for (int file = 0; file < 5; ++file) make("f" + std::to_string(file));
    world_.make_directory("d");
    make("d/g");
    keep_old();
  }
  void make(const std::string& path) {
    world_.make_file(path, "content of " + path);
    contents_[path] = "content of " + path;
  }
  void keep_old() { old_ = wrapped_below(world_.lower("")); }

  RekeyRequest to_other_kms() {
    RekeyRequest request;
    request.to_kms = kSecondKms;
    request.to_key = kFakeOtherArn;
    return request;
  }
  static RekeyRequest to_key(const std::string& key) {
    RekeyRequest request;
    request.to_key = key;
    return request;
  }
  RekeyReport run(const RekeyRequest& request) {
    auto report = world_.rekey(request);
    EXPECT_TRUE(is_ok(report));
    return report.value_or(RekeyReport{});
  }
  // As another process finds it, which has read the pin and opened the volume.
  void start_anew(const Result<KmsRoutes::Service>& main) {
    const auto pinned = world_.pins.back();
    world_.pins = {pinned};
    world_.opened_kms.clear();
    std::destroy_at(&world_.cache);
    std::destroy_at(&world_.routes);
    std::construct_at(&world_.routes, main);
    std::construct_at(&world_.cache, world_.routes, world_.keys, world_.clock, world_.entropy,
                      pinned.key.key_arn, KeyCache::Limits{});
    for (const KeyHome& former : pinned.former)
      if (former.kms_url != pinned.key.kms_url)
        world_.routes.route(former.key_arn,
                            pinned.rekeying
                                ? Result<KmsRoutes::Service>(former.kms_url == kFirstKms ? first() : second())
                                : make_error(Errc::kKmsNotFound, "a former key"));
    world_.reopen();
  }
  KmsRoutes::Service first() { return {std::shared_ptr<void>(), &world_.first}; }
  KmsRoutes::Service second() { return {std::shared_ptr<void>(), &world_.second}; }

  void expect_all_under(const std::string& key, const std::string& material) {
    for (const auto& [path, content] : contents_) {
      const Header header = world_.header(path);
      EXPECT_TRUE((RekeyTarget{key, material, false}.is_met_by(header.envelope))) << path;
      EXPECT_TRUE(header.has_spare_slot) << path;
      world_.cache.forget(header.prefix.file);
      EXPECT_EQ(world_.read(path).value_or("(error)"), content) << path;
    }
    const auto claimed = peek_config(world_.config());
    ASSERT_TRUE(is_ok(claimed));
    ASSERT_EQ(claimed->envelopes.size(), 1U);
    EXPECT_EQ(claimed->envelopes.front().recipients.front().key_arn, key);
    EXPECT_EQ(claimed->envelopes.front().recipients.front().material_id, material);
    EXPECT_TRUE(still_below(world_.lower(""), old_).empty());
  }
  void expect_untouched() {
    EXPECT_EQ(wrapped_below(world_.lower("")), old_);
    EXPECT_EQ(world_.pins.size(), 1U);
  }

  RekeyWorld world_;
  std::map<std::string, std::string> contents_;
  std::vector<std::string> old_;
};

TEST_F(RekeyVolume, PinsTheWantedKeyBeforeAnythingIsUnderIt) {
  std::vector<bool> was_changed;
  world_.before_pin = [&](const RekeyWorld::PinnedKeys&) {
    was_changed.push_back(wrapped_below(world_.lower("")) != old_);
    return Result<void>();
  };
  const RekeyReport report = run(to_key(kFakeOtherArn));
  const KeyHome old_key{kFakeKeyArn, kFirstKms};
  const KeyHome new_key{kFakeOtherArn, kFirstKms};
  EXPECT_EQ(was_changed, (std::vector<bool>{false, true}));
  ASSERT_EQ(world_.pins.size(), 3U);
  EXPECT_EQ(world_.pins[1].key, new_key);
  EXPECT_EQ(world_.pins[1].former, std::vector<KeyHome>{old_key});
  EXPECT_TRUE(world_.pins[1].rekeying);
  EXPECT_EQ(world_.pins[2].key, new_key);
  EXPECT_EQ(world_.pins[2].former, std::vector<KeyHome>{old_key});
  EXPECT_FALSE(world_.pins[2].rekeying);
  EXPECT_TRUE(report.is_complete);
  EXPECT_EQ(report.left, 0U);
  EXPECT_EQ(report.key, new_key);
  EXPECT_EQ(report.unused_keys, std::vector<KeyHome>{old_key});
  EXPECT_EQ(report.counts.rewrapped, 6U);
  EXPECT_EQ(report.files, (KeyUses{{{kFakeOtherArn, "material-1"}, 6}}));
  ASSERT_EQ(report.config.size(), 1U);
  EXPECT_EQ(report.config.front().key_arn, kFakeOtherArn);
  world_.kms.set_state(kFakeKeyArn, "Disabled");
  expect_all_under(kFakeOtherArn, "material-1");
}

TEST_F(RekeyVolume, ChangesNothingWhereThePinCannotBeWritten) {
  world_.before_pin = [](const RekeyWorld::PinnedKeys&) -> Result<void> {
    return system_error(ENOSPC, "pin");
  };
  EXPECT_EQ(errno_of_result(world_.rekey(to_key(kFakeOtherArn))), ENOSPC);
  expect_untouched();
  make("later");
  EXPECT_EQ(world_.header("later").envelope.recipients.front().key_arn, kFakeKeyArn);
}

TEST_F(RekeyVolume, StaysRekeyingWhereTheLastPinCannotBeWritten) {
  world_.before_pin = [](const RekeyWorld::PinnedKeys& next) -> Result<void> {
    return next.rekeying ? Result<void>() : system_error(ENOSPC, "pin");
  };
  EXPECT_EQ(errno_of_result(world_.rekey(to_key(kFakeOtherArn))), ENOSPC);
  EXPECT_TRUE(world_.pins.back().rekeying);
  world_.before_pin = [](const RekeyWorld::PinnedKeys&) { return Result<void>(); };
  EXPECT_TRUE(run({}).is_complete);
  EXPECT_FALSE(world_.pins.back().rekeying);
  expect_all_under(kFakeOtherArn, "material-1");
}

TEST_F(RekeyVolume, RefusesAKeyThatCannotBeUsedBeforeAnythingIsWritten) {
  const std::pair<const char*, Errc> states[] = {{"", Errc::kKmsNotFound},
                                                 {"Disabled", Errc::kKmsDisabled},
                                                 {"PendingDeletion", Errc::kKmsInvalidState},
                                                 {"PendingImport", Errc::kKmsInvalidState}};
  for (const auto mode : {RekeyMode::kRun, RekeyMode::kDryRun})
    for (const auto& [state, code] : states) {
      world_.kms.set_state(kFakeOtherArn, state);
      RekeyRequest request = to_key(kFakeOtherArn);
      request.mode = mode;
      EXPECT_EQ(code_of(world_.rekey(request)), code) << state;
      expect_untouched();
    }
}

TEST_F(RekeyVolume, RefusesAKmsThatFailsOrLiesBeforeAnythingIsWritten) {
  for (const Fault fault : {Fault::kWrongKey, Fault::kConstantKey, Fault::kOtherArn, Fault::kUnavailable,
                            Fault::kDenied, Fault::kThrottled})
    for (const int call : {1, 2, 3}) {  // of the try: decrypt, encrypt, decrypt
      world_.kms.set_fault_after(fault, call);
      EXPECT_FALSE(world_.rekey(to_key(kFakeOtherArn))) << static_cast<int>(fault) << " at " << call;
      world_.kms.set_fault(Fault::kNone);
      expect_untouched();
    }
}

TEST_F(RekeyVolume, RefusesWhatCannotBeMeant) {
  RekeyRequest without_key;
  without_key.to_kms = kSecondKms;
  EXPECT_EQ(code_of(world_.rekey(without_key)), Errc::kInvalidArgument);
  RekeyRequest nowhere = to_other_kms();
  nowhere.to_kms = "embedded:/nowhere";
  EXPECT_EQ(code_of(world_.rekey(nowhere)), Errc::kStoreMissing);
  world_.set_read_only(true);
  EXPECT_EQ(errno_of_result(world_.rekey(to_key(kFakeOtherArn))), EROFS);
  world_.set_read_only(false);
  expect_untouched();
}

TEST_F(RekeyVolume, TellsHowItStandsWithoutAWrite) {
  world_.kms.rotate(kFakeKeyArn);
  world_.kms.set_state(kFakeOtherArn, "Disabled");
  make("newer");
  old_ = wrapped_below(world_.lower(""));
  RekeyRequest status;
  status.mode = RekeyMode::kStatus;
  RekeyReport report = run(status);
  EXPECT_EQ(report.files, (KeyUses{{{kFakeKeyArn, "material-1"}, 6}, {{kFakeKeyArn, "material-2"}, 1}}));
  EXPECT_EQ(report.left, 6U);
  EXPECT_FALSE(report.is_complete);
  EXPECT_EQ(report.key_state, "Enabled");
  status.to_key = kFakeOtherArn;
  report = run(status);
  EXPECT_EQ(report.key_state, "Disabled") << "whoever only looks may look at that";
  EXPECT_EQ(report.left, 7U);
  expect_untouched();
  make("after");
  EXPECT_EQ(world_.header("after").envelope.recipients.front().key_arn, kFakeKeyArn);
  world_.kms.set_state(kFakeOtherArn, "Enabled");
  old_ = wrapped_below(world_.lower(""));
  status.mode = RekeyMode::kDryRun;
  EXPECT_EQ(run(status).left, 8U);
  expect_untouched();
}

TEST_F(RekeyVolume, ToAnotherKmsNeedsNothingOfTheFormerOneAfterwards) {
  const RekeyReport report = run(to_other_kms());
  EXPECT_TRUE(report.is_complete);
  EXPECT_EQ(world_.pins.back().key, (KeyHome{kFakeOtherArn, kSecondKms}));
  EXPECT_EQ(world_.pins.back().former, (std::vector<KeyHome>{{kFakeKeyArn, kFirstKms}}));
  world_.kms.set_fault(Fault::kUnavailable);
  expect_all_under(kFakeOtherArn, world_.other.material(kFakeOtherArn));
  start_anew(second());
  expect_all_under(kFakeOtherArn, world_.other.material(kFakeOtherArn));
  make("new");
  world_.kms.set_fault(Fault::kNone);
}

TEST_F(RekeyVolume, GoesOnByThePinAloneWhereItWasCut) {
  int passed = 0;
  world_.second.before = [&](const std::string& call, const std::string&) {
    if (call == "encrypt" && ++passed == 4) world_.other.set_fault(Fault::kUnavailable);
  };
  EXPECT_EQ(code_of(world_.rekey(to_other_kms())), Errc::kKmsUnavailable);
  world_.other.set_fault(Fault::kNone);
  EXPECT_TRUE(world_.pins.back().rekeying);
  start_anew(second());
  EXPECT_TRUE(run({}).is_complete);
  EXPECT_FALSE(world_.pins.back().rekeying);
  expect_all_under(kFakeOtherArn, world_.other.material(kFakeOtherArn));
}

// The other KMS is lost before any file was wiped: back to the former one, which the pin names.
TEST_F(RekeyVolume, GoesBackWhereTheOtherKmsIsGone) {
  int passed = 0;
  world_.second.before = [&](const std::string& call, const std::string&) {
    if (call == "encrypt" && ++passed == 2) world_.other.set_fault(Fault::kUnavailable);
  };
  EXPECT_FALSE(world_.rekey(to_other_kms()));
  for (const auto& [path, content] : contents_) EXPECT_TRUE(world_.header(path).has_spare_slot);
  start_anew(make_error(Errc::kStoreMissing, "second: no store"));
  RekeyRequest back;
  back.to_kms = kFirstKms;
  back.to_key = kFakeKeyArn;
  const RekeyReport report = run(back);
  EXPECT_TRUE(report.is_complete);
  EXPECT_EQ(world_.pins.back().key, (KeyHome{kFakeKeyArn, kFirstKms}));
  EXPECT_EQ(world_.pins.back().former, (std::vector<KeyHome>{{kFakeOtherArn, kSecondKms}}));
  old_.clear();
  expect_all_under(kFakeKeyArn, "material-1");
}

TEST_F(RekeyVolume, EndsUnderTheNewestMaterialWhereTheKeyIsRotatedMeanwhile) {
  int wrapped = 0;
  world_.first.before = [&](const std::string& call, const std::string&) {
    if (call == "encrypt" && ++wrapped % 4 == 0 && wrapped < 13) world_.kms.rotate(kFakeKeyArn);
  };
  world_.kms.rotate(kFakeKeyArn);
  const RekeyReport report = run({});
  EXPECT_TRUE(report.is_complete);
  EXPECT_EQ(report.material_id, "material-5");
  EXPECT_GT(report.counts.pass, 2U);
  expect_all_under(kFakeKeyArn, "material-5");
}

TEST_F(RekeyVolume, EndsWhereTheKmsWrapsWithAnotherMaterialThanItNames) {
  world_.kms.set_fault(FakeKms::Fault::kMisnames);
  const auto report = world_.rekey({});
  ASSERT_FALSE(report) << "it would wrap the same files for ever";
  EXPECT_EQ(report.error().code, Errc::kKmsBadAnswer);
  world_.kms.set_fault(FakeKms::Fault::kNone);
  EXPECT_TRUE(run({}).is_complete);
  expect_all_under(kFakeKeyArn, "material-1");
}

TEST_F(RekeyVolume, EndsWhereTheKmsNamesNewMaterialForEver) {
  world_.first.before = [&](const std::string& call, const std::string&) {
    if (call == "describe") world_.kms.rotate(kFakeKeyArn);
  };
  const auto report = world_.rekey({});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Errc::kKmsBadAnswer);
  world_.first.before = [](const std::string&, const std::string&) {};
  EXPECT_TRUE(run({}).is_complete);
}

TEST_F(RekeyVolume, MakesNothingUnderTheFormerKeyOnceItBegan) {
  int made = 0;
  world_.log.on_progress = [&](const RekeyCounts&) { make("made" + std::to_string(made++)); };
  EXPECT_TRUE(run(to_key(kFakeOtherArn)).is_complete);
  EXPECT_GT(made, 0);
  expect_all_under(kFakeOtherArn, "material-1");
}

TEST_F(RekeyVolume, CallsNoKeyUnusedThatAnUnverifiedFileMayNeed) {
  HeaderPage bad = header_page_of(world_.lower("f2"));
  const HeaderPage good = bad;
  bad[kSlotOffset[0] + 50] ^= 1;
  world_.put_page("f2", bad);
  RekeyReport report = run(to_key(kFakeOtherArn));
  EXPECT_FALSE(report.is_complete);
  EXPECT_EQ(report.left, 1U);
  EXPECT_EQ(report.counts.unverified, 1U);
  EXPECT_TRUE(report.unused_keys.empty());
  EXPECT_TRUE(world_.pins.back().rekeying);
  world_.put_page("f2", good);
  report = run({});
  EXPECT_TRUE(report.is_complete);
  EXPECT_EQ(report.unused_keys, (std::vector<KeyHome>{{kFakeKeyArn, kFirstKms}}));
  expect_all_under(kFakeOtherArn, "material-1");
}

TEST_F(RekeyVolume, CallsNoKeyUnusedThatAForeignCopyIsUnder) {
  std::filesystem::copy_file(world_.lower("f2"), world_.lower("") / "conflict copy");
  const RekeyReport report = run(to_key(kFakeOtherArn));
  EXPECT_FALSE(report.is_complete);
  EXPECT_EQ(report.left, 1U);
  EXPECT_TRUE(report.unused_keys.empty());
  EXPECT_EQ(report.config.size(), 2U) << "while a file needs the former key, the volume opens by it";
  std::filesystem::remove(world_.lower("") / "conflict copy");
  EXPECT_TRUE(run({}).is_complete);
  expect_all_under(kFakeOtherArn, "material-1");
}

// Which KMS has what a backup brought back: the pin still says.
TEST_F(RekeyVolume, ReKeysWhatComesBackUnderAFormerKey) {
  const std::string kept = slurp(world_.lower("f1"));
  run(to_other_kms());
  spill(world_.lower("f1"), kept);
  start_anew(second());
  const RekeyReport report = run({});
  EXPECT_TRUE(report.is_complete);
  EXPECT_EQ(report.counts.rewrapped, 1U);
  EXPECT_EQ(world_.opened_kms, std::vector<std::string>{kFirstKms});
  expect_all_under(kFakeOtherArn, world_.other.material(kFakeOtherArn));
}

TEST_F(RekeyVolume, NewDataKeysComeFromTheWantedKey) {
  RekeyRequest request = to_other_kms();
  request.new_data_keys = true;
  const Digest before = world_.header("f1").prefix.commitment;
  const RekeyReport report = run(request);
  EXPECT_TRUE(report.is_complete);
  EXPECT_EQ(report.counts.renewed, 6U);
  EXPECT_NE(world_.header("f1").prefix.commitment, before);
  world_.kms.set_fault(Fault::kUnavailable);
  expect_all_under(kFakeOtherArn, world_.other.material(kFakeOtherArn));
}

}  // namespace
}  // namespace enfold
