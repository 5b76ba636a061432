// Each lower call of mounting, recovering and unmounting fails: config and pin stay such that the next mount
// is clean or finds a crash on record, and is never refused.
#include "tests/volume/fault_scenario.h"

namespace enfold {
namespace {

using Mode = FaultyFiles::Mode;
using Opened = Result<std::unique_ptr<OpenVolume>>;

struct Fault {
  int errno_value = EIO;
  Mode mode = Mode::kOnce;
};
constexpr Fault kFaults[] = {{EIO, Mode::kOnce},
                             {ENOSPC, Mode::kSpaceFromThenOn},
                             {EIO, Mode::kSyncsFromThenOn},
                             {EIO, Mode::kAllFromThenOn}};

class OpenFaults : public testing::Test {
 protected:
  static FaultWorld& world() { return PreparedVolume::get().world; }
  void SetUp() override {
    world().restore();
    model_ = PreparedVolume::get().model;
  }

  // Does something with a volume put back; faults count from where it calls `arm`.
  using Run = std::function<void(const std::function<void()>& arm)>;
  // With the n-th call failing; how many there were.
  int run_once(const Run& run, const Fault& fault, int n);
  void sweep(const Run& run);  // for every n

  // The next mount opens, has all, and ends what is left to do; and the one after it is clean.
  void expect_opens_again(std::optional<bool> recovering = std::nullopt);

  // As a process that was killed leaves it, with changes that no checkpoint covers.
  void crash() {
    auto volume = world().open();
    ASSERT_TRUE(is_ok(volume));
    change(**volume);
  }
  void change(OpenVolume& volume) {
    FaultSession session(world(), volume, model_);
    EXPECT_TRUE(is_ok(session.create("new")));
    EXPECT_TRUE(is_ok(session.write("new", 0, 9'000)));
    EXPECT_TRUE(is_ok(session.open("durable")));
    EXPECT_TRUE(is_ok(session.write("durable", 3 * kSectorPlainBytes + 777, 5'000)));
    session.close_all();
    EXPECT_TRUE(is_ok(session.make_directory("d")));
  }

  FaultModel model_;
  int injected_ = 0;
};

int OpenFaults::run_once(const Run& run, const Fault& fault, int n) {
  SetUp();
  const int descriptors = open_descriptors();
  run([&] { world().files.fail_at(n, fault.errno_value, fault.mode); });
  const int calls = world().files.calls();
  if (world().files.failures() > 0) ++injected_;
  world().files.heal();
  EXPECT_EQ(open_descriptors(), descriptors);
  expect_opens_again();
  return calls;
}

void OpenFaults::sweep(const Run& run) {
  const int last = run_once(run, {}, 0);
  for (const Fault& fault : kFaults)
    for (int n = 1; n <= last; ++n) {
      run_once(run, fault, n);
      if (HasFailure())
        FAIL() << "call " << n << ", " << world().files.failed_call() << ", mode "
               << static_cast<int>(fault.mode);
    }
  RecordProperty("faults", injected_);
}

void OpenFaults::expect_opens_again(std::optional<bool> recovering) {
  {
    auto volume = world().open_by_kms();
    ASSERT_TRUE(is_ok(volume));
    EXPECT_EQ((*volume)->context().epochs.recovering(),
              recovering.value_or((*volume)->context().epochs.recovering()));
    EXPECT_TRUE(model_.matches((*volume)->tree(), true));
    EXPECT_TRUE((*volume)->recover().value_or(false));
    FaultSession session(world(), **volume, model_);
    EXPECT_TRUE(is_ok(session.create("after")));
    EXPECT_TRUE(is_ok(session.write("after", 0, 100)));
    EXPECT_TRUE(is_ok(session.sync("after")));
    EXPECT_TRUE(is_ok(session.close("after")));
    EXPECT_TRUE(is_ok((*volume)->close()));
  }
  auto volume = world().open();
  ASSERT_TRUE(is_ok(volume));
  EXPECT_FALSE((*volume)->context().epochs.recovering());
  EXPECT_TRUE(model_.matches((*volume)->tree(), true));
  EXPECT_TRUE(is_ok((*volume)->close()));
}

// Whoever was told that the volume is open may use it.
void use(FaultWorld& world, const Opened& volume) {
  const int failures = world.files.failures();
  world.files.heal();
  if (!volume) {
    EXPECT_GT(failures, 0) << describe(volume.error());
    return;
  }
  EXPECT_TRUE(is_ok((*volume)->tree().lookup(kRootInode, "durable")));
}

TEST_F(OpenFaults, OfAMountLeaveAVolumeThatOpens) {
  sweep([&](const auto& arm) {
    arm();
    use(world(), world().open());
  });
}

TEST_F(OpenFaults, OfAFirstMountLeaveAVolumeThatOpens) {
  sweep([&](const auto& arm) {
    world().remove_pin();
    arm();
    use(world(), world().open_by_kms());
  });
}

TEST_F(OpenFaults, OfAMountAfterACrashLeaveACrashOnRecord) {
  sweep([&](const auto& arm) {
    crash();
    arm();
    use(world(), world().open());
  });
}

TEST_F(OpenFaults, OfRecoveryLeaveItToTheNextMount) {
  sweep([&](const auto& arm) {
    crash();
    auto volume = world().open();
    ASSERT_TRUE(is_ok(volume));
    arm();
    const auto recovered = (*volume)->recover();
    const bool failed = world().files.failed_syncs() > 0;
    EXPECT_TRUE(!failed || !recovered) << "recovered in spite of a failed sync";
    const bool closed = (*volume)->close().has_value();
    EXPECT_TRUE(!failed || !closed || (*volume)->context().epochs.recovering());
  });
}

TEST_F(OpenFaults, OfAnUnmountLeaveAVolumeThatOpens) {
  sweep([&](const auto& arm) {
    auto volume = world().open();
    ASSERT_TRUE(is_ok(volume));
    change(**volume);
    arm();
    const bool closed = (*volume)->close().has_value();
    EXPECT_TRUE(!closed || world().files.failed_writes() + world().files.failed_syncs() == 0);
  });
}

// syncfs fails once, and the kernel has forgotten what it could not write.
TEST_F(OpenFaults, AnUnmountWhoseSyncFailedIsNotClosedByTryingAgain) {
  {
    auto volume = world().open();
    ASSERT_TRUE(is_ok(volume));
    change(**volume);
    world().files.fail_sync_at(1, EIO);
    EXPECT_FALSE((*volume)->close());
    world().files.heal();
    EXPECT_FALSE((*volume)->close());
  }
  expect_opens_again(true);
}

TEST_F(OpenFaults, AMountThatIsNotEndedIsACrashOnRecord) {
  crash();
  expect_opens_again(true);
}

}  // namespace
}  // namespace enfold
