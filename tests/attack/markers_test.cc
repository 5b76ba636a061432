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

}  // namespace
}  // namespace enfold
