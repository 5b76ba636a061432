// Protocols that are wrong on purpose: the replayed states must show it, or the tests of the right one would
// show nothing.
#include <gtest/gtest.h>

#include "kms/base/log.h"
#include "tests/crash/histories.h"

namespace enfold {
namespace {

class Canary : public testing::TestWithParam<Journal> {
 protected:
  Canary() : replay(GetParam()) {
    open_log(LogTarget::kNowhere);
    replay.complaints_are_failures = false;
    replay.with_second_crash = false;
  }
  void expect_complaints(const std::string& history) {
    EXPECT_GT(replay.run(history_named(history)).complaints, 0U) << history;
  }
  void drop_syncs(const std::function<bool(const std::set<std::string>& names)>& of) {
    replay.vary_log = [of](LowerLog& log) {
      std::map<NodeId, std::set<std::string>> names;
      for (const LowerCall& call : log.calls) {
        if (call.kind == LowerCall::Kind::kCreate) names[call.node].insert(call.name);
        if (call.kind == LowerCall::Kind::kRename) names[call.node].insert(call.to_name);
      }
      for (LowerCall& call : log.calls)
        if (call.is_sync() && names.contains(call.node) && of(names[call.node]))
          call.kind = LowerCall::Kind::kTouch;
    };
  }

  Replay replay;
};

void for_clean_records(const VolumeKeys& keys, LowerTree& state,
                       const std::function<void(StateRecord&)>& change) {
  for (auto& [id, node] : state.nodes) {
    const auto first = node.pages.find(0);
    if (node.is_directory() || first == node.pages.end() || node.size < kPageBytes) continue;
    HeaderPage page = *first->second;
    auto header = decode_header(page, keys);
    if (!header || !header->state.clean) continue;
    change(header->state);
    encode_state(header->state, prefix_of(page), keys.state_mac(header->prefix.file), state_of(page));
    first->second = std::make_shared<LowerPage>(page);
  }
}

TEST_P(Canary, ADirtyBitTrustedAloneIsNoticed) {
  std::unique_ptr<VolumeKeys> keys;
  replay.vary_state = [&](CrashWorld& world, LowerTree& state) {
    if (!keys) keys = std::make_unique<VolumeKeys>(world.keys());
    // Of the crashed mount's last epoch, too: they count then.
    for_clean_records(*keys, state, [](StateRecord& record) {
      record.epoch = {};
      record.base_length = record.sealed_length;
    });
  };
  expect_complaints("AppendToDurable");
}

TEST_P(Canary, AMarkerNotSyncedIsNoticed) {
  drop_syncs([](const auto& names) { return names.contains(std::string(kMarkerName)); });
  expect_complaints("SymlinkInNewDirectoryFsyncDirectory");
}

TEST_P(Canary, ASidecarNotSyncedIsNoticed) {
  drop_syncs([](const auto& names) {
    return std::ranges::any_of(names, [](const std::string& name) { return name.ends_with(".name"); });
  });
  expect_complaints("TmpFsyncRenameToLongName");
}

TEST_P(Canary, ContentNotSyncedIsNoticed) {
  drop_syncs([](const auto&) { return true; });
  expect_complaints("CreateWriteFsyncClose");
}

TEST_P(Canary, ASymlinkNotSyncedBeforeItIsRenamedIsNoticed) {
  drop_syncs([](const auto&) { return true; });
  expect_complaints("SymlinkRenamedOverSymlink");
}

// Sectors under a key that no header on the device has.
TEST_P(Canary, AHeaderWithANewDataKeyNotSyncedIsNoticed) {
  replay.vary_log = [](LowerLog& log) {
    for (LowerCall& call : log.calls)
      if (call.kind == LowerCall::Kind::kSyncData) call.kind = LowerCall::Kind::kTouch;
  };
  expect_complaints("NewDataKey");
}

// A punched sector without a record that says so is damage.
TEST_P(Canary, AHoleEndNotSyncedBeforeAPunchIsNoticed) {
  replay.vary_log = [](LowerLog& log) {
    for (LowerCall& call : log.calls)
      if (call.kind == LowerCall::Kind::kSyncData) call.kind = LowerCall::Kind::kTouch;
  };
  expect_complaints("PunchDurable");
}

// What filled a punched sector was lost, and the hole with it.
TEST_P(Canary, AHoleEndLoweredBeforeTheFillIsDurableIsNoticed) {
  std::unique_ptr<VolumeKeys> keys;
  replay.vary_state = [&](CrashWorld& world, LowerTree& state) {
    if (!keys) keys = std::make_unique<VolumeKeys>(world.keys());
    for_clean_records(*keys, state, [](StateRecord& record) { record.hole_end = 0; });
  };
  expect_complaints("PunchRefillClose");
}

INSTANTIATE_TEST_SUITE_P(Journals, Canary, testing::Values(Journal::kExt4, Journal::kXfs),
                         [](const auto& tested) { return std::string(name_of(tested.param)); });

}  // namespace
}  // namespace enfold
