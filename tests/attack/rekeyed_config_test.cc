// The config's wrap from before a re-keying, put back: while that runs it opens, for the pin names the former
// key; afterwards it is refused, and the former KMS hears nothing of it.
#include "tests/attack/attack_support.h"
#include "tests/volume/rekey_place.h"

namespace enfold {
namespace {

namespace stdfs = std::filesystem;

class AttackRekeyedConfig : public testing::Test {
 protected:
  AttackRekeyedConfig() : old_(slurp(config())) {}

  [[nodiscard]] stdfs::path config() const { return place_.lower() / kConfigName; }
  [[nodiscard]] stdfs::path first_store() const { return place_.first_kms().substr(sizeof("embedded:") - 1); }
  // Whoever asks the former KMS gets kStoreMissing.
  void without_former_kms(const std::function<void()>& act) {
    const stdfs::path away = first_store().string() + ", away";
    stdfs::rename(first_store(), away);
    act();
    EXPECT_FALSE(stdfs::exists(first_store()));
    stdfs::rename(away, first_store());
  }
  // The slots of now, with one of before laid over.
  void paste(std::size_t index, bool wipes_other) {
    std::string changed = slurp(config());
    changed.replace(kConfigSlotOffset[index], kPageBytes, old_, kConfigSlotOffset[index], kPageBytes);
    if (wipes_other) changed.replace(kConfigSlotOffset[1 - index], kPageBytes, kPageBytes, '\0');
    spill(config(), changed);
  }

  RekeyPlace place_;
  std::string old_;
};

TEST_F(AttackRekeyedConfig, IsRefusedUnaskedOnceTheReKeyingIsFinished) {
  const auto report = place_.rekey(place_.files, place_.to_other_kms());
  ASSERT_TRUE(report && report->is_complete);
  const std::string good = slurp(config());
  for (const bool wipes_other : {false, true}) {
    paste(0, wipes_other);
    const auto expect_refused = [&] {
      const auto opened = place_.open(place_.files);
      EXPECT_EQ(code_of(opened), Errc::kPinMismatch);
      EXPECT_TRUE(opened || opened.error().message.find(place_.first_key()) != std::string::npos);
    };
    expect_refused();
    without_former_kms(expect_refused);
    spill(config(), good);
  }
  without_former_kms([&] { place_.expect_all_there(); });
}

TEST_F(AttackRekeyedConfig, OpensWhileTheReKeyingIsNotFinished) {
  place_.log.goes_on = false;
  EXPECT_EQ(code_of(place_.rekey(place_.files, place_.to_other_kms())), Errc::kBusy);
  place_.log.goes_on = true;
  const std::string good = slurp(config());
  for (const bool wipes_other : {false, true}) {
    paste(0, wipes_other);
    place_.expect_all_there();
    spill(config(), good);
  }
  paste(0, true);
  place_.expect_next_run_completes(place_.to_other_kms());
  without_former_kms([&] { place_.expect_all_there(); });
}

}  // namespace
}  // namespace enfold
