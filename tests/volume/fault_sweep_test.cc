// Each lower call of a mount fails, once and from then on: the application is told, and nothing older is
// lost.
#include "tests/volume/fault_scenario.h"

namespace enfold {
namespace {

using Mode = FaultyFiles::Mode;

struct Fault {
  int n = 0;
  int errno_value = EIO;
  Mode mode = Mode::kOnce;
  bool syncs_only = false;
};

class FaultSweep : public testing::Test {
 protected:
  static FaultWorld& world() { return PreparedVolume::get().world; }

  // One mount in which the n-th call fails; how many calls it made.
  int run(const Fault& fault);
  void sweep(Fault fault);

 private:
  void arm(const Fault& fault);
  void act(FaultSession& session);
  void expect_failed_syncs_to_stay(FaultSession& session);
  void expect_working(FaultSession& session);
  void expect_recovery(FaultModel model, bool closed);
};

void FaultSweep::sweep(Fault fault) {
  fault.n = 0;
  const int last = run(fault);
  for (fault.n = 1; fault.n <= last; ++fault.n) {
    run(fault);
    if (HasFailure()) FAIL() << "call " << fault.n << " of " << last << ", " << world().files.failed_call();
  }
  RecordProperty("faults", last);
}

void FaultSweep::arm(const Fault& fault) {
  if (fault.syncs_only)
    world().files.fail_sync_at(fault.n, fault.errno_value, fault.mode);
  else
    world().files.fail_at(fault.n, fault.errno_value, fault.mode);
}

// A step in which a lower sync or write failed says so, and no epoch becomes durable by it, or later.
void FaultSweep::act(FaultSession& session) {
  FaultyFiles& files = world().files;
  Epochs& epochs = session.volume().context().epochs;
  for (const FaultStep& step : steps_of_a_mount()) {
    const int syncs = files.failed_syncs();
    const int writes = files.failed_writes();
    const CrashEpoch durable = epochs.durable();
    const auto done = step.act(session);
    EXPECT_TRUE(done || files.failures() > 0) << step.name << ": " << describe(done.error());
    EXPECT_TRUE(!done || files.failed_syncs() == syncs) << step.name << " claims success after a failed sync";
    EXPECT_TRUE(!done || files.failed_writes() == writes || step.may_put_off_writes)
        << step.name << " claims success after a failed write";
    EXPECT_TRUE(files.failed_syncs() == 0 || epochs.durable() == durable) << step.name;
    EXPECT_TRUE(files.failed_syncs() == 0 || epochs.sync_failure())
        << step.name << ": the failure is forgotten";
  }
}

// Nor is a sync that failed taken for done by asking again: by the same handle, by another one after the
// kernel has forgotten the file, or by a checkpoint.
void FaultSweep::expect_failed_syncs_to_stay(FaultSession& session) {
  const std::set<std::string> failed = session.unsynced();
  for (const std::string& path : failed) {
    if (!session.handles().contains(path)) continue;
    EXPECT_FALSE(session.sync(path)) << path;
    EXPECT_FALSE(session.sync(path, true)) << path;
  }
  session.close_all();
  for (const std::string& path : failed) {
    const auto inode = find_path(session.tree(), path);
    if (!inode) continue;
    const auto status = session.tree().attributes(*inode);
    if (!status) continue;
    if (S_ISDIR(status->st_mode)) {
      EXPECT_FALSE(session.sync_directory(path)) << path;
      continue;
    }
    if (!path.empty()) session.tree().forget(*inode, 1);
    if (!session.open(path)) continue;
    EXPECT_FALSE(session.sync(path)) << path << ", opened again";
    EXPECT_TRUE(is_ok(session.close(path)));
  }
  const Epochs& epochs = session.volume().context().epochs;
  const CrashEpoch durable = epochs.durable();
  const bool any_failed = epochs.sync_failure().has_value();
  EXPECT_EQ(session.checkpoint().has_value(), !any_failed);
  EXPECT_TRUE(!any_failed || epochs.durable() == durable);
}

// Every call works again. Where a sync has failed, more may be told to have.
void FaultSweep::expect_working(FaultSession& session) {
  const bool any_failed = session.volume().context().epochs.sync_failure().has_value();
  EXPECT_TRUE(is_ok(session.create("after")));
  EXPECT_TRUE(is_ok(session.write("after", 0, 5'000)));
  EXPECT_TRUE(session.sync("after") || any_failed);
  EXPECT_TRUE(is_ok(session.close("after")));
  EXPECT_TRUE(session.rename("after", "after that") || any_failed);
  EXPECT_TRUE(is_ok(session.make_directory("after that one")));
  EXPECT_TRUE(is_ok(session.remove_directory("after that one")));
  EXPECT_TRUE(is_ok(session.make_symlink("after all", "x")));
  EXPECT_TRUE(is_ok(session.unlink("after all")));
  EXPECT_TRUE(is_ok(session.resize("durable", 70'000)));
  EXPECT_TRUE(session.resize("shrunk", 100) || any_failed);  // its record must be synced first
}

// The next mount knows whether all was well, and ends what is left to do.
void FaultSweep::expect_recovery(FaultModel model, bool closed) {
  for (const bool again : {false, true}) {
    auto volume = world().open();
    ASSERT_TRUE(is_ok(volume));
    EXPECT_EQ((*volume)->context().epochs.recovering(), !closed && !again);
    EXPECT_TRUE(model.matches((*volume)->tree(), true)) << (again ? "recovered" : "opened");
    EXPECT_TRUE((*volume)->recover().value_or(false));
    model.expect_rubble(false);
    EXPECT_TRUE(model.matches((*volume)->tree(), true)) << "after the pass";
    EXPECT_TRUE(is_ok((*volume)->close()));
  }
}

int FaultSweep::run(const Fault& fault) {
  world().restore();
  FaultModel model = PreparedVolume::get().model;
  const int descriptors = open_descriptors();
  auto volume = world().open();
  EXPECT_TRUE(is_ok(volume));
  if (!volume) return 0;
  arm(fault);
  model.expect_rubble(fault.mode == Mode::kAllFromThenOn);
  int calls = 0;
  {
    FaultSession session(world(), **volume, model);
    act(session);
    calls = fault.syncs_only ? world().files.syncs() : world().files.calls();
    world().files.heal();
    EXPECT_TRUE(model.matches(session.tree(), false)) << "in the same mount";
    expect_failed_syncs_to_stay(session);
    EXPECT_TRUE(model.matches(session.tree(), true)) << "in the same mount, all closed";
    expect_working(session);
  }
  const bool may_close = !(*volume)->context().epochs.sync_failure() && (*volume)->context().unsealed.empty();
  const bool closed = (*volume)->close().has_value();
  EXPECT_EQ(closed, may_close);
  EXPECT_FALSE((*volume)->close() && !closed) << "closed by asking twice";
  volume->reset();
  EXPECT_EQ(open_descriptors(), descriptors);
  expect_recovery(model, closed);
  return calls;
}

TEST_F(FaultSweep, OfSingleCallsLosesNothing) {
  sweep({.errno_value = EIO});
  if (is_long_form()) sweep({.errno_value = ENOSPC});
}
TEST_F(FaultSweep, OfADyingDeviceLosesNothing) { sweep({.mode = Mode::kAllFromThenOn}); }
TEST_F(FaultSweep, OfADiskThatFillsUpLosesNothing) {
  sweep({.errno_value = ENOSPC, .mode = Mode::kSpaceFromThenOn});
}
TEST_F(FaultSweep, OfADiskWithoutRoomForContentLosesNothing) {
  sweep({.errno_value = ENOSPC, .mode = Mode::kWritesFromThenOn});
}
TEST_F(FaultSweep, OfSingleSyncsLosesNothing) { sweep({.syncs_only = true}); }
TEST_F(FaultSweep, OfAllSyncsFromThenOnLosesNothing) {
  sweep({.mode = Mode::kSyncsFromThenOn, .syncs_only = true});
}

TEST_F(FaultSweep, OfShortCountsAndInterruptionsShowsNothing) {
  world().files.cut_and_interrupt(true);
  run({.n = 0});
  world().files.cut_and_interrupt(false);
}

}  // namespace
}  // namespace enfold
