// The volume secret's own wrap.
#include "fs/volume/config_rekey.h"

#include "fs/volume/config_file.h"
#include "tests/volume/rekey_support.h"

namespace enfold {
namespace {

using Fault = FakeKms::Fault;

class ConfigRekeying : public testing::Test {
 protected:
  Result<void> run(const std::string& key) {
    // Each as another call of the program, which knows nothing of the one before.
    ENFOLD_TRY(new_rekey().begin(world_.to(key)));
    return new_rekey().finish(world_.to(key));
  }
  ConfigRekey new_rekey() { return {world_.files, root_.get(), lower_, world_.keys, world_.kms}; }
  std::vector<Envelope> envelopes() { return new_rekey().envelopes().value(); }
  // One slot, of this key's current material, which opens to the secret.
  void expect_under(const std::string& key) {
    const ConfigFile file = world_.config();
    ASSERT_TRUE(is_ok(decode_config(file, world_.keys)));
    ASSERT_EQ(envelopes().size(), 1U);
    const Recipient recipient = envelopes().front().recipients.front();
    EXPECT_EQ(recipient.key_arn, key);
    EXPECT_EQ(recipient.material_id, world_.kms.material(key));
    std::array<std::uint8_t, 32> secret{};
    ASSERT_TRUE(is_ok(
        world_.kms.decrypt(key, recipient.ciphertext, volume_secret_context(world_.keys.volume()), secret)));
    EXPECT_EQ(secret, format_test::sample_secret());
  }
  // The next generation beside the one that is there, of any bytes, as a run leaves it that was cut.
  void leave_second_slot(const std::string& key, const std::array<std::uint8_t, 32>& secret) {
    const ConfigFile file = world_.config();
    const Envelope now = envelopes().front();
    const std::uint8_t spare = config_slot(file, 0).value() ? 1 : 0;
    const Bytes wrapped =
        world_.kms.encrypt(key, secret, volume_secret_context(world_.keys.volume())).value();
    const Envelope next{now.generation + 1, {{Provider::kAwsKms, key, wrapped, world_.kms.material(key)}}};
    ASSERT_TRUE(is_ok(write_config_slot(world_.files, root_.get(), spare, next, file, world_.keys)));
    ASSERT_EQ(envelopes().size(), 2U);
  }
  void leave_second_slot(const std::string& key) { leave_second_slot(key, format_test::sample_secret()); }

  Fd root_of_volume() {
    world_.make_config();
    return world_.files.open_at(AT_FDCWD, lower_, O_RDONLY | O_DIRECTORY, 0).value();
  }

  RekeyWorld world_;
  const std::string lower_ = world_.lower_root();
  const Fd root_ = root_of_volume();
  std::vector<std::string> old_ = wrapped_below(lower_);
};

TEST_F(ConfigRekeying, ToAnotherKeyLeavesNothingOfTheOldOne) {
  ASSERT_TRUE(is_ok(run(kFakeOtherArn)));
  expect_under(kFakeOtherArn);
  EXPECT_TRUE(still_below(lower_, old_).empty());
  world_.kms.set_state(kFakeKeyArn, "Disabled");
  expect_under(kFakeOtherArn);
}

// A target whose KMS was lost half-way took the volume with it, though most files were under the former key.
TEST_F(ConfigRekeying, KeepsTheFormerWrapUntilTheEnd) {
  ASSERT_TRUE(is_ok(new_rekey().begin(world_.to(kFakeOtherArn))));
  ASSERT_EQ(envelopes().size(), 2U);
  EXPECT_EQ(still_below(lower_, old_), old_);
  world_.kms.set_state(kFakeOtherArn, "");
  EXPECT_FALSE(new_rekey().finish(world_.to(kFakeOtherArn))) << "what does not open is not kept alone";
  ASSERT_EQ(envelopes().size(), 2U);
  ASSERT_TRUE(is_ok(run(kFakeKeyArn))) << "back";
  expect_under(kFakeKeyArn);
  EXPECT_EQ(wrapped_below(lower_), old_);
}

TEST_F(ConfigRekeying, OfTheTargetsMaterialsKeepsTheLast) {
  ConfigRekey rekey = new_rekey();
  ASSERT_TRUE(is_ok(rekey.begin(world_.to(kFakeOtherArn))));
  world_.kms.rotate(kFakeOtherArn);
  ASSERT_TRUE(is_ok(rekey.begin(world_.to(kFakeOtherArn))));
  ASSERT_TRUE(is_ok(rekey.begin(world_.to(kFakeOtherArn))));
  ASSERT_EQ(envelopes().size(), 2U);
  EXPECT_EQ(still_below(lower_, old_), old_) << "and the way back";
  ASSERT_TRUE(is_ok(rekey.finish(world_.to(kFakeOtherArn))));
  expect_under(kFakeOtherArn);
  EXPECT_TRUE(still_below(lower_, old_).empty());
}

// Neither slot has the newest material then, and both would have stayed for ever.
TEST_F(ConfigRekeying, LeavesTheTargetsKeyAloneWhereItIsRotatedAtTheLastMoment) {
  ASSERT_TRUE(is_ok(new_rekey().begin(world_.to(kFakeOtherArn))));
  world_.kms.rotate(kFakeOtherArn);
  ASSERT_TRUE(is_ok(new_rekey().finish(world_.to(kFakeOtherArn))));
  ASSERT_EQ(envelopes().size(), 1U);
  EXPECT_EQ(envelopes().front().recipients.front().key_arn, kFakeOtherArn);
  EXPECT_TRUE(still_below(lower_, old_).empty());
  ASSERT_TRUE(is_ok(run(kFakeOtherArn)));
  expect_under(kFakeOtherArn);
}

TEST_F(ConfigRekeying, ToNewerMaterialAndAgain) {
  for (int times = 0; times < 3; ++times) {
    world_.kms.rotate(kFakeKeyArn);
    old_ = wrapped_below(lower_);
    ASSERT_TRUE(is_ok(run(kFakeKeyArn)));
    expect_under(kFakeKeyArn);
    EXPECT_TRUE(still_below(lower_, old_).empty());
  }
  EXPECT_EQ(envelopes().front().generation, 4U);
}

TEST_F(ConfigRekeying, WritesNothingWhereTheTargetIsMet) {
  const ConfigFile before = world_.config();
  const int calls = world_.kms.encrypt_calls() + world_.kms.decrypt_calls();
  ASSERT_TRUE(is_ok(run(kFakeKeyArn)));
  EXPECT_EQ(world_.config(), before);
  EXPECT_EQ(world_.kms.encrypt_calls() + world_.kms.decrypt_calls(), calls) << "nor is the KMS asked";
}

// The spare slot, a sync, only then the wipe, and a sync of it.
TEST_F(ConfigRekeying, WritesAndSyncsTheNewWrapBeforeTheOldOneGoes) {
  std::vector<std::string> steps;
  world_.files.watch_writes([&](ByteSpan bytes, std::uint64_t offset) {
    steps.push_back((all_zero(bytes) ? "wipe " : "write ") + std::to_string(offset / kPageBytes));
  });
  world_.files.watch_order([&](const char* call, int, const std::string&) {
    if (std::string(call) == "fsync") steps.emplace_back("sync");
  });
  ASSERT_TRUE(is_ok(run(kFakeOtherArn)));
  world_.files.watch_order({});
  world_.files.watch_writes({});
  const std::vector<std::string> until_wipe(steps.begin(), std::ranges::find(steps, "wipe 1"));
  ASSERT_GE(until_wipe.size(), 2U);
  EXPECT_EQ(until_wipe.front(), "write 2");
  EXPECT_EQ(until_wipe.back(), "sync") << "the new one is durable";
  EXPECT_EQ(steps.back(), "sync");
  EXPECT_EQ(std::ranges::count(steps, "wipe 1"), 1);
}

TEST_F(ConfigRekeying, EachCallThatFailsLeavesAConfigThatOpensAndIsFinishedLater) {
  const ConfigFile good = world_.config();
  for (const auto mode : {FaultyFiles::Mode::kOnce, FaultyFiles::Mode::kShortWrite,
                          FaultyFiles::Mode::kAllFromThenOn, FaultyFiles::Mode::kSyncsFromThenOn}) {
    int last = 0;
    for (int n = 0; n <= last; ++n) {
      spill(lower_ + "/" + std::string(kConfigName), as_string(good));
      world_.files.fail_at(n, EIO, mode);
      const auto done = run(kFakeOtherArn);
      if (n == 0) last = world_.files.calls();
      EXPECT_EQ(done.has_value(), world_.files.failures() == 0) << n << ": " << world_.files.failed_call();
      world_.files.heal();
      EXPECT_TRUE(is_ok(decode_config(world_.config(), world_.keys))) << n;
      ASSERT_TRUE(is_ok(run(kFakeOtherArn))) << n;
      expect_under(kFakeOtherArn);
      ASSERT_FALSE(HasFailure()) << "call " << n << " of " << last;
    }
    EXPECT_GT(last, 10);
  }
}

TEST_F(ConfigRekeying, OfTwoSlotsKeepsTheOneOnTheTarget) {
  leave_second_slot(kFakeOtherArn);
  ASSERT_TRUE(is_ok(run(kFakeOtherArn)));
  expect_under(kFakeOtherArn);
  EXPECT_EQ(envelopes().front().generation, 2U) << "the one that was there, and not a third";
  EXPECT_TRUE(still_below(lower_, old_).empty());
}

TEST_F(ConfigRekeying, OfTwoSlotsKeepsTheOlderOneToGoBack) {
  leave_second_slot(kFakeOtherArn);
  world_.kms.set_state(kFakeOtherArn, "");
  ASSERT_TRUE(is_ok(run(kFakeKeyArn)));
  expect_under(kFakeKeyArn);
  EXPECT_EQ(envelopes().front().generation, 1U);
  EXPECT_EQ(wrapped_below(lower_), old_);
}

TEST_F(ConfigRekeying, OfTwoSlotsAndAThirdTargetLeavesTheThird) {
  world_.kms.rotate(kFakeKeyArn);
  leave_second_slot(kFakeOtherArn);
  ASSERT_TRUE(is_ok(run(kFakeKeyArn)));
  expect_under(kFakeKeyArn);
  EXPECT_EQ(envelopes().front().generation, 3U);
  EXPECT_TRUE(still_below(lower_, old_).empty());
}

TEST_F(ConfigRekeying, KeepsTheOlderSlotWhereTheNewerDoesNotOpen) {
  leave_second_slot(kFakeOtherArn, format_test::counting<32>(1));
  ASSERT_TRUE(is_ok(run(kFakeOtherArn)));
  expect_under(kFakeOtherArn);
}

TEST_F(ConfigRekeying, WipesNothingWhereNeitherSlotOpens) {
  leave_second_slot(kFakeOtherArn);
  const ConfigFile before = world_.config();
  world_.kms.set_state(kFakeOtherArn, "Disabled");
  world_.kms.set_state(kFakeKeyArn, "Disabled");
  EXPECT_EQ(code_of(run(kFakeOtherArn)), Errc::kKmsDisabled);
  EXPECT_EQ(world_.config(), before);
}

// The slot that is kept may never have reached the device.
TEST_F(ConfigRekeying, SyncsWhatItKeepsBeforeTheOtherGoes) {
  leave_second_slot(kFakeOtherArn);
  bool is_kept_synced = false;
  bool is_kept_written = false;
  world_.files.watch_writes([&](ByteSpan bytes, std::uint64_t) {
    if (!all_zero(bytes)) is_kept_written = true;
    EXPECT_TRUE(is_kept_synced || !all_zero(bytes));
  });
  world_.files.watch_order([&](const char*, int, const std::string&) { is_kept_synced = is_kept_written; });
  ASSERT_TRUE(is_ok(run(kFakeOtherArn)));
  world_.files.watch_order({});
  world_.files.watch_writes({});
  EXPECT_TRUE(is_kept_synced);
}

TEST_F(ConfigRekeying, WritesNothingForAKmsThatFailsOrLies) {
  const ConfigFile before = world_.config();
  for (const Fault fault : {Fault::kWrongKey, Fault::kConstantKey, Fault::kZeroKey, Fault::kOtherArn,
                            Fault::kUnavailable, Fault::kDisabled, Fault::kDenied, Fault::kThrottled})
    for (const int call : {1, 2, 3}) {
      world_.kms.set_fault_after(fault, call);
      const auto done = run(kFakeOtherArn);
      const auto tried = [&] {
        world_.kms.set_fault_after(fault, call);
        return new_rekey().try_out(world_.to(kFakeOtherArn));
      };
      EXPECT_FALSE(done) << static_cast<int>(fault) << " at " << call;
      world_.kms.set_fault(Fault::kNone);
      EXPECT_FALSE(tried());
      world_.kms.set_fault(Fault::kNone);
      EXPECT_EQ(world_.config(), before);
    }
}

TEST_F(ConfigRekeying, TriesOutWithoutAWrite) {
  const ConfigFile before = world_.config();
  ASSERT_TRUE(is_ok(new_rekey().try_out(world_.to(kFakeOtherArn))));
  EXPECT_EQ(world_.config(), before);
}

TEST_F(ConfigRekeying, RefusesAConfigThatIsDamaged) {
  const std::string good = slurp(world_.lower("") / kConfigName);
  for (const std::size_t at :
       {std::size_t{100}, kConfigSlotOffset[0] + 40, kConfigSlotOffset[1] + 40, kConfigStateOffset + 3}) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    spill(world_.lower("") / kConfigName, bad);
    EXPECT_EQ(code_of(run(kFakeOtherArn)), Errc::kDamaged) << at;
    EXPECT_EQ(slurp(world_.lower("") / kConfigName), bad);
  }
}

}  // namespace
}  // namespace enfold
