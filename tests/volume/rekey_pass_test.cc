// Passes over the headers of all files of a tree.
#include "fs/volume/rekey_pass.h"

#include <sys/xattr.h>

#include <condition_variable>
#include <thread>

#include "tests/volume/rekey_support.h"

namespace enfold {
namespace {

constexpr const char* kOther = kFakeOtherArn;

class RekeyPassing : public testing::Test {
 protected:
  void make(const std::string& path, const std::string& content) {
    world_.make_file(path, content);
    contents_[path] = content;
  }
  void make_some() {
    make("empty", "");
    make("small", "small");
    make("big", std::string(3 * kSectorPlainBytes + 7, 'b'));
    world_.make_directory("d");
    world_.make_directory("d/e");
    make("d/one", "one");
    make("d/e/" + std::string(200, 'l'), "long name");
    world_.make_symlink("link", "target");
    world_.make_node("fifo", S_IFIFO | 0600);
  }
  void keep_old() { old_ = wrapped_below(world_.lower("")); }

  RekeyCounts rekey(const RekeyTarget& target, unsigned jobs = 1) {
    auto counts = world_.rekey_files(target, jobs);
    EXPECT_TRUE(is_ok(counts));
    return counts.value_or(RekeyCounts{});
  }
  // By the keys of `target` alone.
  void expect_rekeyed(const RekeyTarget& target) {
    EXPECT_TRUE(world_.log.findings.empty()) << world_.log.findings.front().what;
    EXPECT_TRUE(still_below(world_.lower(""), old_).empty());
    for (const auto& [path, content] : contents_) {
      const Header header = world_.header(path);
      EXPECT_TRUE(target.is_met_by(header.envelope)) << path;
      EXPECT_TRUE(header.has_spare_slot) << path;
    }
    expect_contents();
  }
  // By a process of its own, which has no keys yet.
  void expect_contents() {
    world_.reopen();
    for (const auto& [path, content] : contents_) {
      world_.cache.forget(world_.header(path).prefix.file);
      EXPECT_EQ(world_.read(path).value_or("(error)"), content) << path;
    }
  }
  std::string page_text(const std::string& path) { return as_string(header_page_of(world_.lower(path))); }

  RekeyWorld world_;
  std::map<std::string, std::string> contents_;
  std::vector<std::string> old_;
};

TEST_F(RekeyPassing, ToNewerMaterialLeavesNothingOfTheOlder) {
  make_some();
  keep_old();
  world_.kms.rotate(kFakeKeyArn);
  const RekeyTarget target = world_.to(kFakeKeyArn);
  const RekeyCounts counts = rekey(target);
  EXPECT_EQ(counts.rewrapped, 5U);
  EXPECT_EQ(counts.files, 5U);
  EXPECT_EQ(counts.pass, 2U);
  EXPECT_EQ(counts.left + counts.to_do + counts.unverified, 0U);
  expect_rekeyed(target);
}

TEST_F(RekeyPassing, ToAnotherKeyOpensEveryFileWithTheOldOneDisabled) {
  make_some();
  keep_old();
  rekey(world_.to(kOther));
  world_.kms.set_state(kFakeKeyArn, "Disabled");
  expect_rekeyed(world_.to(kOther));
}

TEST_F(RekeyPassing, TouchesNothingTwice) {
  make_some();
  rekey(world_.to(kOther));
  const std::string before = page_text("big");
  const int calls = world_.kms.encrypt_calls() + world_.kms.decrypt_calls();
  const RekeyCounts counts = rekey(world_.to(kOther));
  EXPECT_EQ(counts.pass, 1U);
  EXPECT_EQ(counts.rewrapped, 0U);
  EXPECT_EQ(page_text("big"), before);
  EXPECT_EQ(world_.kms.encrypt_calls() + world_.kms.decrypt_calls(), calls);
}

TEST_F(RekeyPassing, CountsByKeyAndMaterialWithoutAskingTheKms) {
  make_some();
  world_.kms.rotate(kFakeKeyArn);
  make("newer", "x");
  world_.leave_two_slots("small", kOther);
  const int calls = world_.kms.encrypt_calls() + world_.kms.decrypt_calls();
  const std::string before = page_text("big");
  const auto pass = world_.tree().rekey(1, world_.log);
  const auto uses = pass->count(world_.to(kFakeKeyArn));
  ASSERT_TRUE(is_ok(uses));
  const KeyUses expected{
      {{kFakeKeyArn, "material-1"}, 5}, {{kFakeKeyArn, "material-2"}, 1}, {{kOther, "material-1"}, 1}};
  EXPECT_EQ(*uses, expected);
  EXPECT_EQ(pass->counts().to_do, 5U);
  EXPECT_EQ(pass->counts().files, 6U);
  EXPECT_FALSE(pass->found_work());
  EXPECT_EQ(page_text("big"), before);
  EXPECT_EQ(world_.kms.encrypt_calls() + world_.kms.decrypt_calls(), calls);
}

TEST_F(RekeyPassing, NewDataKeysOpenNothingThatTheOldOnesOpened) {
  make_some();
  keep_old();
  const FileId file = world_.header("big").prefix.file;
  const Digest before = world_.header("big").prefix.commitment;
  const RekeyTarget target = world_.to_new_data_keys(kOther);
  const RekeyCounts counts = rekey(target);
  EXPECT_EQ(counts.renewed, 5U);
  EXPECT_EQ(counts.rewrapped, 0U);
  EXPECT_EQ(world_.header("big").prefix.file, file);
  EXPECT_NE(world_.header("big").prefix.commitment, before);
  EXPECT_EQ(world_.header("big").envelope.generation, 1U);
  expect_rekeyed(target);
  EXPECT_EQ(rekey(target).pass, 1U) << "no data key is older than its envelope";
}

TEST_F(RekeyPassing, NewDataKeysForWhatWasOnlyWrappedAnew) {
  make_some();
  rekey(world_.to(kOther));
  const RekeyCounts counts = rekey(world_.to_new_data_keys(kOther));
  EXPECT_EQ(counts.renewed, 5U);
  expect_rekeyed(world_.to_new_data_keys(kOther));
}

TEST_F(RekeyPassing, OfTwoSlotsKeepsTheOneOnTheTarget) {
  make("newer on target", "1");
  make("older on target", "2");
  make("neither on target", "3");
  world_.leave_two_slots("newer on target", kOther);
  const RekeyCounts counts = rekey(world_.to(kOther));
  EXPECT_EQ(world_.header("newer on target").envelope.generation, 2U);
  EXPECT_EQ(counts.rewrapped, 3U);
  // Now all are under the other key, generation 2.
  const std::string third = "arn:aws:kms:us-east-1:111122223333:key/33333333-2222-3333-4444-555555555555";
  world_.leave_two_slots("older on target", third);
  world_.kms.set_state(third, "");
  rekey(world_.to(kOther));
  EXPECT_EQ(world_.header("older on target").envelope.generation, 2U);
  world_.leave_two_slots("neither on target", kFakeKeyArn);
  world_.kms.set_state(third, "Enabled");
  keep_old();
  rekey(world_.to(third));
  EXPECT_EQ(world_.header("neither on target").envelope.generation, 4U);
  expect_rekeyed(world_.to(third));
}

TEST_F(RekeyPassing, OfTwoSlotsKeepsTheOneThatOpens) {
  make("f", "content");
  world_.leave_two_slots("f", kOther);
  world_.kms.set_state(kOther, "Disabled");
  world_.kms.rotate(kFakeKeyArn);
  keep_old();
  rekey(world_.to(kFakeKeyArn));
  EXPECT_EQ(world_.header("f").envelope.generation, 2U) << "the older one, wrapped anew";
  expect_rekeyed(world_.to(kFakeKeyArn));
}

TEST_F(RekeyPassing, LeavesAFileOfWhichNeitherSlotOpens) {
  make("f", "content");
  make("g", "content");
  world_.leave_two_slots("f", kOther);
  const std::string before = page_text("f");
  const std::string third = "arn:aws:kms:us-east-1:111122223333:key/33333333-2222-3333-4444-555555555555";
  rekey(world_.to(kFakeKeyArn));  // g stays, f is repaired
  world_.log.findings.clear();
  spill(world_.lower("f"), before + slurp(world_.lower("f")).substr(before.size()));
  world_.kms.set_state(kOther, "Disabled");
  world_.kms.set_state(kFakeKeyArn, "Disabled");
  const RekeyCounts counts = rekey(world_.to(third));
  EXPECT_EQ(counts.left, 2U);
  EXPECT_EQ(counts.unverified, 0U) << "it is known how they are wrapped";
  ASSERT_EQ(world_.log.findings.size(), 2U);
  for (const Finding& finding : world_.log.findings) EXPECT_EQ(finding.severity, Severity::kUnread);
  EXPECT_EQ(page_text("f"), before);
  for (const char* key : {kOther, kFakeKeyArn}) world_.kms.set_state(key, "Enabled");
  world_.log.findings.clear();
  rekey(world_.to(third));
  expect_rekeyed(world_.to(third));
}

TEST_F(RekeyPassing, TakesAFileOfSeveralNamesOnce) {
  make("f", "content");
  world_.make_directory("d");
  ASSERT_TRUE(is_ok(world_.tree().link(world_.inode("f"), kRootInode, "g")));
  ASSERT_TRUE(is_ok(world_.tree().link(world_.inode("f"), world_.inode("d"), "h")));
  keep_old();
  const RekeyCounts counts = rekey(world_.to(kOther));
  EXPECT_EQ(counts.rewrapped, 1U);
  EXPECT_EQ(world_.header("f").envelope.generation, 2U);
  expect_rekeyed(world_.to(kOther));
}

TEST_F(RekeyPassing, TakesNamesOfOneFileByManyThreads) {
  for (int file = 0; file < 40; ++file) make("f" + std::to_string(file), std::to_string(file));
  for (int directory = 0; directory < 8; ++directory) {
    const std::string path = "d" + std::to_string(directory);
    world_.make_directory(path);
    for (int file = 0; file < 40; ++file) {
      const std::string target = "f" + std::to_string(file);
      ASSERT_TRUE(is_ok(world_.tree().link(world_.inode(target), world_.inode(path), target)));
    }
  }
  for (int times = 0; times < 5; ++times) {
    keep_old();
    world_.kms.rotate(kFakeKeyArn);
    const RekeyTarget target = world_.to(kFakeKeyArn);
    const RekeyCounts counts = rekey(target, 4);
    EXPECT_EQ(counts.rewrapped, 40U);
    EXPECT_EQ(counts.files, 360U);
    expect_rekeyed(target);
  }
}

TEST_F(RekeyPassing, LeavesTimesSetIdBitsAndCapabilities) {
  make("f", "content");
  const std::filesystem::path lower = world_.lower("f");
  ASSERT_EQ(::chmod(lower.c_str(), 06755), 0);
  Bytes capabilities(20, 0);
  capabilities[3] = 2;  // VFS_CAP_REVISION_2
  capabilities[5] = 4;
  ASSERT_EQ(::setxattr(lower.c_str(), "security.capability", capabilities.data(), capabilities.size(), 0), 0);
  const timespec times[2] = {{1'000'000, 11}, {2'000'000, 22}};
  ASSERT_EQ(::utimensat(AT_FDCWD, lower.c_str(), times, 0), 0);
  for (const RekeyTarget& target : {world_.to(kOther), world_.to_new_data_keys(kFakeKeyArn)}) {
    rekey(target);
    EXPECT_TRUE(target.is_met_by(world_.header("f").envelope));
    struct stat after {};
    ASSERT_EQ(::stat(lower.c_str(), &after), 0);
    EXPECT_EQ(after.st_mtim.tv_sec, 2'000'000);
    EXPECT_EQ(after.st_mtim.tv_nsec, 22);
    EXPECT_EQ(after.st_mode & 07777U, 06755U);
    Bytes kept(64, 0);
    const ssize_t size = ::getxattr(lower.c_str(), "security.capability", kept.data(), kept.size());
    ASSERT_EQ(size, 20);
    kept.resize(20);
    EXPECT_EQ(kept, capabilities);
  }
}

TEST_F(RekeyPassing, OpenFilesAskForTheirKeysByTheNewEnvelope) {
  make("f", "content");
  auto handle = world_.tree().open_file(world_.inode("f"), O_RDWR);
  ASSERT_TRUE(is_ok(handle));
  ASSERT_TRUE(is_ok((*handle)->write(0, as_bytes("C"))));
  keep_old();
  rekey(world_.to(kOther));
  world_.kms.set_state(kFakeKeyArn, "Disabled");
  world_.clock.advance_ms(61'000);
  const int asked = world_.kms.decrypt_calls();
  std::string seen(7, '\0');
  ASSERT_TRUE(is_ok((*handle)->read(0, {reinterpret_cast<std::uint8_t*>(seen.data()), seen.size()})));
  EXPECT_EQ(seen, "Content");
  EXPECT_EQ(world_.kms.decrypt_calls(), asked + 1);
  ASSERT_TRUE(is_ok((*handle)->write(7, as_bytes(" more"))));
  ASSERT_TRUE(is_ok((*handle)->flush()));
  ASSERT_TRUE(is_ok((*handle)->release()));
  contents_["f"] = "Content more";
  expect_rekeyed(world_.to(kOther));
}

TEST_F(RekeyPassing, ReachesAnOpenFileWithoutAName) {
  make("f", "content");
  make("g", "content");
  auto handle = world_.tree().open_file(world_.inode("f"), O_RDWR);
  ASSERT_TRUE(is_ok(handle));
  ASSERT_TRUE(is_ok(world_.unlink("f")));
  contents_.erase("f");
  EXPECT_EQ(rekey(world_.to(kOther)).rewrapped, 2U);
  world_.kms.set_state(kFakeKeyArn, "Disabled");
  world_.clock.advance_ms(61'000);
  std::array<std::uint8_t, 7> seen{};
  EXPECT_TRUE(is_ok((*handle)->read(0, seen)));
  EXPECT_TRUE(is_ok((*handle)->write(0, seen)));
  EXPECT_TRUE(is_ok((*handle)->release()));
  expect_rekeyed(world_.to(kOther));
}

// A creation that has its data key already ends before the pass begins, so that the pass sees it.
TEST_F(RekeyPassing, WaitsForACreationUnderTheFormerKey) {
  std::mutex mutex;
  std::condition_variable changed;
  bool is_waiting = false;
  bool may_go_on = false;
  world_.first.before = [&](const std::string& call, const std::string&) {
    if (call != "generate") return;
    std::unique_lock lock(mutex);
    is_waiting = true;
    changed.notify_all();
    changed.wait(lock, [&] { return may_go_on; });
  };
  std::thread creator([&] { make("f", "content"); });
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return is_waiting; });
  }
  std::atomic<bool> is_switched = false;
  std::thread switcher([&] {
    world_.cache.wrap_under(kOther);
    is_switched = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(is_switched);
  {
    const std::lock_guard lock(mutex);
    may_go_on = true;
    changed.notify_all();
  }
  switcher.join();
  // The envelope is below by now.
  const auto pass = world_.tree().rekey(1, world_.log);
  const auto uses = pass->count(world_.to(kOther));
  creator.join();
  ASSERT_TRUE(is_ok(uses));
  EXPECT_EQ(*uses, (KeyUses{{{kFakeKeyArn, "material-1"}, 1}}));
  world_.first.before = [](const std::string&, const std::string&) {};
  make("g", "content");
  EXPECT_EQ(world_.header("g").envelope.recipients.front().key_arn, kOther);
}

TEST_F(RekeyPassing, EndsWhereTheObserverSaysSo) {
  for (int file = 0; file < 30; ++file) make("f" + std::to_string(file), std::to_string(file));
  world_.log.goes_on = false;
  EXPECT_EQ(code_of(world_.rekey_files(world_.to(kOther))), Errc::kBusy);
  expect_contents();
  world_.log.goes_on = true;
  rekey(world_.to(kOther));
  expect_rekeyed(world_.to(kOther));
}

TEST_F(RekeyPassing, EndsInTheMiddleOfAFilesNewDataKey) {
  make("big", std::string(3 * 256 * kSectorPlainBytes, 'b'));
  world_.log.on_progress = [&](const RekeyCounts& counts) {
    if (counts.renewed_bytes > 0) world_.log.goes_on = false;
  };
  EXPECT_EQ(code_of(world_.rekey_files(world_.to_new_data_keys(kOther))), Errc::kBusy);
  EXPECT_TRUE(world_.header("big").former);
  expect_contents();
  world_.log.goes_on = true;
  world_.log.on_progress = [](const RekeyCounts&) {};
  EXPECT_EQ(rekey(world_.to(kOther)).renewed, 1U) << "finished, with or without new data keys";
  expect_rekeyed(world_.to(kOther));
}

TEST_F(RekeyPassing, NamesADamagedFileAndGoesOn) {
  make_some();
  const HeaderPage good = header_page_of(world_.lower("d/one"));
  for (const std::size_t at : {std::size_t{20}, kSlotOffset[0] + 30, kSlotOffset[1] + 30, kStateOffset + 9}) {
    HeaderPage bad = good;
    bad[at] ^= 1;
    world_.put_page("d/one", bad);
    world_.log.findings.clear();
    const RekeyCounts counts = rekey(world_.to(kOther));
    EXPECT_EQ(counts.left, 1U) << at;
    EXPECT_EQ(counts.unverified, 1U) << at;
    ASSERT_EQ(world_.log.findings.size(), 1U) << "once, whatever the number of passes";
    const Finding& finding = world_.log.findings.front();
    EXPECT_EQ(finding.severity, Severity::kDamage) << finding.what;
    EXPECT_EQ(finding.plain_path, "/d/one");
    EXPECT_EQ(finding.lower_path, std::filesystem::relative(world_.lower("d/one"), world_.lower("")));
    EXPECT_EQ(header_page_of(world_.lower("d/one")), bad) << "nothing is written to it";
  }
  world_.put_page("d/one", good);
  world_.log.findings.clear();
  rekey(world_.to(kOther));
  expect_rekeyed(world_.to(kOther));
}

TEST_F(RekeyPassing, LeavesAForeignCopyAndNamesIt) {
  make("f", "content");
  std::filesystem::copy_file(world_.lower("f"), world_.lower("") / "conflict copy");
  spill(world_.lower("") / "not ours", std::string(5'000, 'x'));
  const RekeyCounts counts = rekey(world_.to(kOther));
  EXPECT_EQ(counts.left, 1U);
  EXPECT_EQ(counts.unverified, 0U);
  ASSERT_EQ(world_.log.findings.size(), 1U);
  EXPECT_EQ(world_.log.findings.front().severity, Severity::kForeign);
  EXPECT_EQ(world_.log.findings.front().lower_path, "conflict copy");
  EXPECT_TRUE(world_.to(kOther).is_met_by(world_.header("f").envelope));
}

// A recovery set it aside, and it may stay there for ever. One that holds a key is another matter.
TEST_F(RekeyPassing, IsNotHeldUpByWhatWasSetAsideWithoutAHeader) {
  make("f", "content");
  make("damaged", "content");
  const std::filesystem::path lost = world_.lower("") / kLostName;
  std::filesystem::create_directory(lost);
  spill(lost / "empty", "");
  spill(lost / "zeros", std::string(2 * kPageBytes, '\0'));
  EXPECT_EQ(rekey(world_.to(kOther)).left, 0U);
  EXPECT_TRUE(world_.log.findings.empty());
  HeaderPage bad = header_page_of(world_.lower("damaged"));
  bad[20] ^= 1;
  world_.put_page("damaged", bad);
  std::filesystem::rename(world_.lower("damaged"), lost / "damaged");
  EXPECT_EQ(rekey(world_.to(kFakeKeyArn)).unverified, 1U);
}

// One file's key that cannot be had is that file's affair; a KMS that is down is everybody's.
TEST_F(RekeyPassing, TellsOneFilesTroubleFromThatOfAll) {
  make("f", "content");
  const std::string third = "arn:aws:kms:us-east-1:111122223333:key/33333333-2222-3333-4444-555555555555";
  world_.cache.wrap_under(third);
  make("g", "content");
  world_.kms.set_state(third, "Disabled");
  EXPECT_EQ(rekey(world_.to(kOther)).left, 1U);
  EXPECT_TRUE(world_.to(kOther).is_met_by(world_.header("f").envelope));
  world_.kms.set_state(third, "Enabled");
  for (const auto fault : {FakeKms::Fault::kUnavailable, FakeKms::Fault::kThrottled}) {
    world_.kms.set_fault_after(fault, 1);
    EXPECT_FALSE(world_.rekey_files(world_.to(kOther)));
    world_.kms.set_fault(FakeKms::Fault::kNone);
  }
  EXPECT_EQ(world_.header("g").envelope.recipients.front().key_arn, third);
  world_.log.findings.clear();
  rekey(world_.to(kOther));
  expect_rekeyed(world_.to(kOther));
}

// All slots of a batch, one sync of the filesystem, the wipes, and a last sync.
TEST_F(RekeyPassing, SyncsWhatIsWrittenBeforeAnythingIsWiped) {
  make_some();
  std::string steps;
  world_.files.watch_writes([&](ByteSpan bytes, std::uint64_t) { steps += all_zero(bytes) ? 'w' : 'n'; });
  world_.files.watch_order([&](const char* call, int, const std::string&) {
    if (std::string(call) == "syncfs") steps += 's';
  });
  rekey(world_.to(kOther));
  world_.files.watch_order({});
  world_.files.watch_writes({});
  EXPECT_EQ(steps, "nnnnnswwwwws");
}

TEST_F(RekeyPassing, WipesNothingAfterASyncThatFailed) {
  make_some();
  keep_old();
  world_.files.fail_sync_at(1, EIO);
  EXPECT_FALSE(world_.rekey_files(world_.to(kOther)));
  world_.files.heal();
  EXPECT_EQ(still_below(world_.lower(""), old_).size(), old_.size());
  EXPECT_FALSE(world_.rekey_files(world_.to(kOther))) << "nor later in the same mount";
  EXPECT_EQ(still_below(world_.lower(""), old_).size(), old_.size());
  world_.remount();
  rekey(world_.to(kOther));
  expect_rekeyed(world_.to(kOther));
}

}  // namespace
}  // namespace enfold
