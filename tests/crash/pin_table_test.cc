// Is there a crash on record? Each row of the table of config and pin (FORMAT.md, "Crashes").
#include <gtest/gtest.h>

#include "fs/volume/config_file.h"
#include "fs/volume/pin.h"
#include "kms/base/log.h"
#include "tests/crash/crash_world.h"

namespace enfold {
namespace {

namespace stdfs = std::filesystem;

enum class Answer : std::uint8_t { kClean, kCrashed, kRefused };

constexpr std::uint64_t kMount = 7;  // of the config

struct Row {
  std::string name;
  bool config_open;
  bool has_pin;
  bool pin_open = false;
  std::uint64_t pin_mount = 0;
  std::uint64_t takes_over = 0;
  Answer answer = Answer::kClean;

  friend void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
};

const std::vector<Row>& rows() {
  static const std::vector<Row> kRows{
      {"ClosedWithoutAPin", false, false},
      {"ClosedBesideAClosedPin", false, true, false, kMount},
      {"ClosedBesideAnOpenPinOfIt", false, true, true, kMount},
      {"ClosedBesideAnOpenPinOfTheNextMount", false, true, true, kMount + 1},
      {"ClosedBesideAnOlderPin", false, true, false, kMount - 1},
      {"ClosedAndOlderThanThePin", false, true, false, kMount + 5},
      {"OpenBesideAnOpenPinOfIt", true, true, true, kMount, 0, Answer::kCrashed},
      {"OpenBesideAPinThatTakesItOver", true, true, true, kMount + 1, kMount, Answer::kCrashed},
      {"OpenWithoutAPin", true, false, false, 0, 0, Answer::kRefused},
      {"OpenBesideAClosedPin", true, true, false, kMount, 0, Answer::kRefused},
      {"OpenBesideAnOpenPinOfAnOlderMount", true, true, true, kMount - 1, 0, Answer::kRefused},
      {"OpenBesideAnOpenPinOfANewerMount", true, true, true, kMount + 1, 0, Answer::kRefused},
      {"OpenBesideAPinThatTakesOverAnother", true, true, true, kMount + 1, kMount - 1, Answer::kRefused},
  };
  return kRows;
}

class ConfigAndPin : public testing::TestWithParam<Row> {
 protected:
  ConfigAndPin() {
    open_log(LogTarget::kNowhere);
    Expectations ignored;
    App app(
        world, world.files, [] { return std::size_t{0}; }, ignored);
    app.mount();
    app.make_file("f", 10'000, 'o');
    app.unmount();
    set_config();
    set_pin();
  }
  void set_config() {
    auto dir = world.files.open_at(AT_FDCWD, world.lower(), O_RDONLY | O_DIRECTORY, 0);
    const ConfigFile config = read_config_file(world.files, dir->get(), world.lower()).value();
    const ConfigState state{GetParam().config_open, kMount, {kMount, 0}, 0};
    EXPECT_TRUE(is_ok(write_config_state(world.files, dir->get(), config, state, world.keys())));
  }
  void set_pin() {
    Pin pin = *read_pin(world.files, world.lower()).value();
    pin.open = GetParam().pin_open;
    pin.mount_number = GetParam().pin_mount;
    pin.takes_over = GetParam().takes_over;
    if (GetParam().has_pin)
      EXPECT_TRUE(is_ok(write_pin(world.files, pin)));
    else
      stdfs::remove(*pin_file_of(world.lower()));
  }
  OpenRequest request() {
    OpenRequest out = world.request();
    if (!GetParam().has_pin) out.kms_url = world.kms_url();
    return out;
  }
  // Opens, and then has a mount number above all that were used.
  void expect_opens(const OpenRequest& how, bool recovering) {
    auto volume = world.open(world.files, how);
    ASSERT_TRUE(is_ok(volume));
    EXPECT_EQ((*volume)->context().epochs.recovering(), recovering);
    EXPECT_GT((*volume)->context().epochs.mount_number(), std::max(kMount, GetParam().pin_mount));
    EXPECT_EQ((*volume)->recover().value_or(false), true);
    EXPECT_TRUE(is_ok((*volume)->close()));
    volume->reset();
    auto again = world.open(world.files);
    ASSERT_TRUE(is_ok(again));
    EXPECT_FALSE((*again)->context().epochs.recovering());
    EXPECT_TRUE(is_ok((*again)->close()));
  }

  CrashWorld world;
};

// It had the number that the mount would have written, so that the next one called the volume an older copy.
TEST(FirstPin, OfAReadOnlyMountHasTheNumberOfTheVolume) {
  open_log(LogTarget::kNowhere);
  CrashWorld world;
  Expectations ignored;
  App app(
      world, world.files, [] { return std::size_t{0}; }, ignored);
  app.mount();
  app.unmount();
  const Pin before = *read_pin(world.files, world.lower()).value();
  stdfs::remove(*pin_file_of(world.lower()));
  OpenRequest request = world.request();
  request.kms_url = world.kms_url();
  request.read_only = true;
  auto volume = world.open(world.files, request);
  ASSERT_TRUE(is_ok(volume));
  EXPECT_TRUE(is_ok((*volume)->close()));
  const Pin first = *read_pin(world.files, world.lower()).value();
  EXPECT_FALSE(first.open);
  EXPECT_EQ(first.mount_number, before.mount_number);
}

TEST_P(ConfigAndPin, TellACrashOrAreRefused) {
  const Answer answer = GetParam().answer;
  if (answer != Answer::kRefused) return expect_opens(request(), answer == Answer::kCrashed);
  for (const bool read_only : {false, true}) {
    OpenRequest plain = request();
    plain.read_only = read_only;
    EXPECT_EQ(code_of(world.open(world.files, plain)), Errc::kCrashUnconfirmed);
  }
  OpenRequest vouched = request();
  vouched.recover = true;
  expect_opens(vouched, true);
}

INSTANTIATE_TEST_SUITE_P(Rows, ConfigAndPin, testing::ValuesIn(rows()),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace enfold
