// W10: what is deleted, and markers.
#include "tests/attack/attack_support.h"

namespace enfold {
namespace {

namespace stdfs = std::filesystem;

class AttackW10 : public testing::Test {
 protected:
  AttackW10() { world_.keep_one_of_each(); }

  [[nodiscard]] stdfs::path marker_of(const std::string& directory) {
    return world_.lower(directory) / kMarkerName;
  }

  void expect_closed(const std::string& directory, const stdfs::path& marker) {
    EXPECT_TRUE(noticed(world_, {.plain = directory, .checked_lower = world_.relative(marker)}));
  }

  AttackWorld world_{7};
};

// Said so.
TEST_F(AttackW10, ADeletedFileIsNotNoticed) {
  for (const char* path : {"victim", "link", "d/inner"}) {
    stdfs::remove(world_.lower(path));
    world_.known.erase(path);
  }
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW10, ADeletedFileThatIsOpenIsGoneAndHarmsNothing) {
  auto handle = world_.tree().open_file(world_.inode("victim"), O_RDWR);
  ASSERT_TRUE(is_ok(handle));
  stdfs::remove(world_.lower("victim"));
  std::string start(10, '\0');
  auto read = (*handle)->read(0, {reinterpret_cast<std::uint8_t*>(start.data()), start.size()});
  ASSERT_TRUE(is_ok(read));
  EXPECT_EQ(start, world_.known["victim"].content.substr(0, 10));
  EXPECT_TRUE(is_ok((*handle)->release()));
  world_.known.erase("victim");
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW10, ADeletedEmptiedOrZeroedMarkerClosesItsDirectoryOnly) {
  const stdfs::path marker = marker_of("d");
  const std::string good = slurp(marker);
  stdfs::remove(marker);
  expect_closed("d", marker);
  spill(marker, "");
  expect_closed("d", marker);
  spill(marker, std::string(kMarkerBytes, '\0'));
  expect_closed("d", marker);
  spill(marker, good);
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW10, ADirectoryWithoutItsMarkerCanBeRemovedWhereItIsEmpty) {
  world_.keep_directory("e");
  const stdfs::path marker = marker_of("e");
  for (const std::string& content : {std::string(), std::string(kMarkerBytes, '\0'), std::string(500, 'x')}) {
    spill(marker, content);
    ASSERT_NO_FATAL_FAILURE(expect_closed("e", marker));
    world_.make_directory("e");
  }
  stdfs::remove(marker_of("e"));
  expect_closed("e", marker);
}

// The marker verifies, so the directory opens; none of its names does.
TEST_F(AttackW10, AnotherDirectorysMarkerShowsNoNameOfThisOne) {
  world_.keep_directory("e");
  const stdfs::path directory = world_.lower("d");
  const std::string good = slurp(directory / kMarkerName);
  spill(directory / kMarkerName, slurp(marker_of("e")));
  world_.open_anew();
  EXPECT_TRUE(world_.names("d").empty());
  std::size_t entries = 0;
  for (const auto& entry : stdfs::directory_iterator(directory)) {
    const LowerNameKind kind = classify_lower_name(entry.path().filename().string());
    if (kind == LowerNameKind::kPlain || kind == LowerNameKind::kHashed) ++entries;
  }
  const auto found = world_.findings();
  const auto in_directory = std::ranges::count_if(found, [](const Finding& finding) {
    return finding.severity == Severity::kDamage && finding.plain_path == "/d";
  });
  EXPECT_GE(static_cast<std::size_t>(in_directory), entries);
  EXPECT_EQ(errno_of_result(world_.remove_directory("d")), ENOTEMPTY);
  for (const auto& finding : found) EXPECT_EQ(finding.plain_path, "/d") << finding.lower_path << finding.what;
  spill(directory / kMarkerName, good);
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW10, TheRootsMarkerTakesTheWholeTreeWithItAndNothingElseIsShown) {
  const stdfs::path marker = world_.lower("") / kMarkerName;
  const std::string good = slurp(marker);
  const auto check_closed = [&] {
    world_.clock.advance_ms(3'600'000);
    auto fd = world_.files.open_at(AT_FDCWD, world_.lower(""), O_RDONLY | O_DIRECTORY, 0);
    ASSERT_TRUE(is_ok(fd));
    auto opened = Volume::open(world_.context, std::move(*fd));
    if (!opened) {
      EXPECT_EQ(errno_of(opened.error()), EIO);
      return;
    }
    EXPECT_EQ(errno_of_result((*opened)->lookup(kRootInode, "victim")), EIO);
    auto handle = (*opened)->open_directory(kRootInode);
    ASSERT_TRUE(is_ok(handle));
    EXPECT_EQ(errno_of_result((*handle)->entries(true)), EIO);
    EXPECT_EQ(errno_of_result((*opened)->create(kRootInode, "new", 0644, world_.caller())), EIO);
  };
  for (const std::string& content :
       {std::string(), std::string(kMarkerBytes, '\0'), std::string(kMarkerBytes, 'x'), good + "x"}) {
    spill(marker, content);
    check_closed();
  }
  stdfs::remove(marker);
  check_closed();
  spill(marker, good);
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW10, AMarkerDeletedUnderAnOpenVolumeHarmsNobodyElse) {
  ASSERT_TRUE(is_ok(world_.read("d/inner")));
  const stdfs::path marker = marker_of("d");
  const std::string good = slurp(marker);
  stdfs::remove(marker);
  EXPECT_EQ(world_.read("victim").value_or(""), world_.known["victim"].content);
  EXPECT_EQ(world_.read("d/inner").value_or(""), world_.known["d/inner"].content) << "its id is known";
  expect_closed("d", marker);
  spill(marker, good);
  EXPECT_TRUE(unharmed(world_));
}

class RepairedMarker : public AttackW10 {
 protected:
  // `check --repair` puts right what is wrong with these markers and nothing else, and then all is as it was.
  void expect_repaired(const std::set<std::string>& directories) {
    world_.open_anew();
    std::set<std::string> repaired;
    for (const Finding& finding : world_.findings(CheckMode::kRepair)) {
      EXPECT_EQ(finding.severity, Severity::kRepaired) << finding.lower_path << ": " << finding.what;
      EXPECT_TRUE(finding.lower_path.ends_with(kMarkerName)) << finding.lower_path;
      repaired.insert(finding.plain_path);
    }
    EXPECT_EQ(repaired, directories);
    EXPECT_TRUE(world_.findings(CheckMode::kRepair).empty());
    EXPECT_TRUE(unharmed(world_));
  }
};

TEST_F(RepairedMarker, ComesBackAsItWasWhateverWasDoneToIt) {
  const stdfs::path marker = marker_of("d");
  const std::string good = slurp(marker);
  std::string flipped = good;
  flipped[50] = static_cast<char>(flipped[50] ^ 4);
  for (const std::string& bad : {std::string(), std::string(50, 'x'), std::string(kMarkerBytes, '\0'),
                                 std::string(500, 'x'), flipped, good + "x"}) {
    spill(marker, bad);
    expect_repaired({"/d"});
    EXPECT_TRUE(slurp(marker) == good);
  }
  stdfs::remove(marker);
  expect_repaired({"/d"});
  EXPECT_TRUE(slurp(marker) == good);
}

TEST_F(RepairedMarker, OfTheRootComesBack) {
  const stdfs::path marker = world_.lower("") / kMarkerName;
  const std::string good = slurp(marker);
  stdfs::remove(marker);
  expect_repaired({"/"});
  EXPECT_TRUE(slurp(marker) == good);
}

TEST_F(RepairedMarker, OfTwoDirectoriesExchangedComesBackToBoth) {
  world_.keep_directory("e");
  world_.keep_file("e/file", "content");
  const stdfs::path d = marker_of("d");
  const stdfs::path e = marker_of("e");
  const std::string of_d = slurp(d);
  const std::string of_e = slurp(e);
  spill(d, of_e);
  spill(e, of_d);
  expect_repaired({"/d", "/e"});
  EXPECT_TRUE(slurp(d) == of_d);
  EXPECT_TRUE(slurp(e) == of_e);
}

TEST_F(RepairedMarker, OfAnEmptyDirectoryIsANewOne) {
  world_.keep_directory("e");
  stdfs::remove(marker_of("e"));
  expect_repaired({"/e"});
}

// Nothing in it says where it was made, and no name can be tried.
TEST_F(RepairedMarker, OfADirectoryOfSymlinksCannotBeHadAndThatIsSaid) {
  world_.make_directory("s");
  world_.make_symlink("s/link", "target");
  const stdfs::path marker = marker_of("s");
  const std::string good = slurp(marker);
  stdfs::remove(marker);
  world_.open_anew();
  const auto found = world_.findings(CheckMode::kRepair);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.front().severity, Severity::kDamage);
  EXPECT_EQ(found.front().plain_path, "/s");
  EXPECT_TRUE(found.front().what.contains("not repaired")) << found.front().what;
  EXPECT_FALSE(stdfs::exists(marker));
  spill(marker, good);
  EXPECT_TRUE(world_.findings(CheckMode::kRepair).empty());
}

// A header that somebody forged gives no hint, for its MAC does not verify; nor does another directory's
// file.
TEST_F(RepairedMarker, IsNotTakenFromWhatWasPlanted) {
  world_.make_directory("s");
  world_.make_symlink("s/link", "target");
  const stdfs::path directory = world_.lower("s");
  std::string forged = slurp(world_.lower("victim")).substr(0, 4096);
  forged[kStateOffset + 60] = static_cast<char>(forged[kStateOffset + 60] ^ 1);
  spill(directory / world_.lower_name("s", "forged").name, forged);
  stdfs::copy_file(world_.lower("d/inner"), directory / world_.lower("d/inner").filename());
  const std::string of_d = slurp(marker_of("d"));
  stdfs::remove(directory / kMarkerName);
  world_.open_anew();
  const auto found = world_.findings(CheckMode::kRepair);
  // The copied file's name and hint both say that this directory is "d": then it is another one with that id.
  EXPECT_TRUE(std::ranges::any_of(found, [](const Finding& finding) { return finding.plain_path == "/s"; }));
  EXPECT_TRUE(slurp(marker_of("d")) == of_d);
  EXPECT_EQ(world_.read("victim").value_or(""), world_.known["victim"].content);
  EXPECT_EQ(world_.read("d/inner").value_or(""), world_.known["d/inner"].content);
}

TEST_F(AttackW10, WhatRecoverySetAsideIsALeftover) {
  const stdfs::path lost = world_.lower("") / kLostName;
  stdfs::create_directory(lost);
  spill(lost / "something", "");
  const auto found = world_.findings();
  ASSERT_EQ(found.size(), 2U);
  for (const Finding& finding : found) {
    EXPECT_EQ(finding.severity, Severity::kLeftover);
    EXPECT_TRUE(finding.lower_path.starts_with(kLostName));
  }
  stdfs::remove_all(lost);
  EXPECT_TRUE(unharmed(world_));
}

}  // namespace
}  // namespace enfold
