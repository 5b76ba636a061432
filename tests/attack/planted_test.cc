// W16: what is not ours among the lower files: reported, never opened or followed, and nothing hangs.
#include "tests/attack/attack_support.h"

namespace enfold {
namespace {

namespace stdfs = std::filesystem;

enum class Plant : std::uint8_t { kFifo, kSocket, kDevice, kSymlink, kDanglingSymlink, kDirectory };
constexpr Plant kPlants[] = {Plant::kFifo,    Plant::kSocket,          Plant::kDevice,
                             Plant::kSymlink, Plant::kDanglingSymlink, Plant::kDirectory};

class AttackW16 : public testing::Test {
 protected:
  AttackW16() {
    world_.keep_one_of_each();
    spill(outside_, "not ours");
  }
  AttackW16(const AttackW16&) = delete;
  AttackW16& operator=(const AttackW16&) = delete;
  ~AttackW16() override { EXPECT_EQ(slurp(outside_), "not ours"); }

  void plant(Plant kind, const stdfs::path& path) const {
    if (kind == Plant::kFifo) plant_node(path, S_IFIFO);
    if (kind == Plant::kSocket) plant_node(path, S_IFSOCK);
    if (kind == Plant::kDevice) plant_node(path, S_IFCHR);
    if (kind == Plant::kSymlink) stdfs::create_symlink(outside_, path);
    if (kind == Plant::kDanglingSymlink) stdfs::create_symlink("/nowhere/at/all", path);
    if (kind != Plant::kDirectory) return;
    stdfs::create_directory(path);
    spill(path / "inside", "planted");
  }

  // Reported by check under this lower path, and nothing else is; the rest of the volume is as it was.
  void expect_reported(const stdfs::path& lower, const std::string& plain) {
    const auto found = world_.findings();
    ASSERT_FALSE(found.empty()) << lower;
    const std::string path = world_.relative(lower);
    for (const Finding& finding : found) {
      EXPECT_TRUE(finding.lower_path == path || finding.lower_path.starts_with(path + "/"))
          << finding.lower_path << " instead of " << path << ": " << finding.what;
      EXPECT_TRUE(finding.plain_path == plain) << finding.plain_path << " instead of " << plain;
    }
  }

  AttackWorld world_{11};
  const stdfs::path outside_ = world_.directory.path() / "outside";
};

TEST_F(AttackW16, WhatIsNoFileInAFilesPlaceIsReportedAndNeverOpened) {
  const LowerCopy victim(world_, "victim");
  const Known known = world_.known["victim"];
  world_.known.erase("victim");
  for (const Plant kind : kPlants) {
    if (kind == Plant::kDirectory) continue;
    stdfs::remove(victim.path());
    plant(kind, victim.path());
    OpenWatch watch(victim.path());
    world_.open_anew();
    EXPECT_EQ(errno_of_result(world_.tree().lookup(kRootInode, "victim")), EIO);
    EXPECT_FALSE(world_.names().contains("victim"));
    EXPECT_EQ(errno_of_result(world_.tree().create(kRootInode, "victim", 0644, world_.caller())), EEXIST);
    expect_reported(victim.path(), "/");
    EXPECT_FALSE(watch.was_opened()) << static_cast<int>(kind);
    stdfs::remove(victim.path());
    EXPECT_TRUE(unharmed(world_));
    victim.put_back();
  }
  world_.known["victim"] = known;
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW16, ADirectoryInAFilesPlaceIsADirectoryWithoutAMarker) {
  const LowerCopy victim(world_, "victim");
  stdfs::remove(victim.path());
  plant(Plant::kDirectory, victim.path());
  world_.known["victim"] = {S_IFDIR, {}, 0, {}};
  world_.open_anew();
  const InodeNumber inode = world_.inode("victim");
  EXPECT_EQ(errno_of_result(world_.tree().open_file(inode, O_RDONLY)), EISDIR);
  EXPECT_EQ(errno_of_result(world_.tree().lookup(inode, "inside")), EIO);
  EXPECT_EQ(errno_of_result(world_.remove_directory("victim")), ENOTEMPTY);
  stdfs::remove(victim.path() / "inside");
  EXPECT_TRUE(
      noticed(world_, {.plain = "victim", .checked_lower = world_.relative(victim.path() / kMarkerName)}));
}

TEST_F(AttackW16, AFileInADirectorysPlaceIsNoticed) {
  world_.keep_directory("e");
  const stdfs::path lower = world_.lower("e");
  stdfs::remove_all(lower);
  spill(lower, "planted");
  world_.known["e"] = {S_IFREG, "never read", 0, {}};
  EXPECT_TRUE(noticed(world_, {.plain = "e"}));
}

TEST_F(AttackW16, WhatIsNoFileInAMarkersPlaceClosesItsDirectoryAndIsNeverOpened) {
  const stdfs::path marker = world_.lower("d") / kMarkerName;
  const std::string good = slurp(marker);
  for (const Plant kind : kPlants) {
    stdfs::remove(marker);
    plant(kind, marker);
    OpenWatch watch(marker);
    EXPECT_TRUE(noticed(world_, {.plain = "d", .checked_lower = world_.relative(marker)}))
        << static_cast<int>(kind);
    EXPECT_FALSE(kind != Plant::kDirectory && watch.was_opened()) << static_cast<int>(kind);
    stdfs::remove_all(marker);
    spill(marker, good);
  }
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW16, WhatIsNoFileInASidecarsPlaceHidesItsEntryAndIsNeverOpened) {
  const std::string path = "d/" + std::string(200, 'n');
  const LowerCopy entry(world_, path);
  const stdfs::path sidecar = entry.path().string() + ".name";
  for (const Plant kind : kPlants) {
    stdfs::remove(sidecar);
    plant(kind, sidecar);
    OpenWatch watch(sidecar);
    world_.open_anew();
    EXPECT_FALSE(world_.names("d").contains(std::string(200, 'n')));
    EXPECT_EQ(world_.read(path).value_or(""), world_.known[path].content);
    bool is_reported = false;
    for (const Finding& finding : world_.findings()) {
      EXPECT_EQ(finding.plain_path, "/d") << finding.what;
      is_reported |= finding.lower_path == world_.relative(entry.path());
    }
    EXPECT_TRUE(is_reported) << static_cast<int>(kind);
    EXPECT_FALSE(kind != Plant::kDirectory && watch.was_opened()) << static_cast<int>(kind);
    stdfs::remove_all(sidecar);
    entry.put_back();
  }
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW16, WhatIsNoFileInTheConfigsPlaceIsReported) {
  const stdfs::path config = world_.lower("") / kConfigName;
  const std::string good = slurp(config);
  for (const Plant kind : kPlants) {
    stdfs::remove_all(config);
    plant(kind, config);
    OpenWatch watch(config);
    world_.open_anew();
    expect_reported(config, "/");
    EXPECT_FALSE(kind != Plant::kDirectory && watch.was_opened()) << static_cast<int>(kind);
  }
  stdfs::remove_all(config);
  spill(config, good);
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW16, ALongNameWhoseSidecarsPlaceIsTakenIsNotMadeAndNothingIsFollowed) {
  const std::string name(220, 'm');
  const stdfs::path sidecar = world_.lower("d") / sidecar_of(world_.lower_name("d", name).name);
  const auto create = [&] {
    auto made = world_.tree().create(world_.inode("d"), name, 0644, world_.caller());
    return made ? 0 : errno_of(made.error());
  };
  const auto rename = [&] { return errno_of_result(world_.rename("victim", "d/" + name)); };
  for (const std::function<int()>& act : {std::function<int()>(create), std::function<int()>(rename)}) {
    for (const Plant kind : kPlants) {
      plant(kind, sidecar);
      OpenWatch watch(sidecar);
      world_.open_anew();
      EXPECT_EQ(act(), EIO);
      EXPECT_FALSE(watch.was_opened()) << static_cast<int>(kind);
      stdfs::remove_all(sidecar);
      EXPECT_TRUE(unharmed(world_));
    }
  }
}

TEST_F(AttackW16, ConflictCopiesAndOtherForeignNamesAreReportedAndLeftAlone) {
  const stdfs::path directory = world_.lower("d");
  const std::string entry = world_.lower("d/inner").filename();
  const std::string hashed = world_.lower("d/" + std::string(200, 'n')).filename();
  for (const std::string& name :
       {entry + " (conflicted copy 2026-01-01)", entry + ".sync-conflict-20260101-120000-ABCDEFG",
        "." + entry + ".Xy12ab", entry + "~", entry + "=", hashed + ".name.bak", std::string("notes.txt"),
        std::string("enfold.lock"), std::string("enfold.volume"), std::string("enfold.long."),
        std::string("enfold.dir.conflict"), std::string("\xff\xfe"), std::string("a\nb")}) {
    const stdfs::path planted = directory / name;
    stdfs::copy_file(world_.lower("d/inner"), planted);
    world_.open_anew();
    ASSERT_NO_FATAL_FAILURE(expect_reported(planted, "/d"));
    EXPECT_EQ(world_.findings().at(0).severity, Severity::kForeign) << name;
    EXPECT_EQ(world_.names("d"), (std::set<std::string>{"inner", "link", std::string(200, 'n')})) << name;
    EXPECT_EQ(errno_of_result(world_.remove_directory("d")), ENOTEMPTY);
    EXPECT_TRUE(stdfs::exists(planted));
    stdfs::remove(planted);
  }
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW16, ForeignThingsOfEveryTypeAreReportedAndNeverOpened) {
  for (const Plant kind : kPlants) {
    const stdfs::path planted = world_.lower("d") / "planted by somebody";
    plant(kind, planted);
    OpenWatch watch(planted);
    world_.open_anew();
    ASSERT_NO_FATAL_FAILURE(expect_reported(planted, "/d"));
    EXPECT_EQ(world_.names("d").size(), 3U);
    EXPECT_FALSE(watch.was_opened()) << static_cast<int>(kind);
    stdfs::remove_all(planted);
  }
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW16, WhatIsPlantedUnderAnOpenVolumeIsNeverOpened) {
  const InodeNumber inode = world_.inode("victim");
  const LowerCopy victim(world_, "victim");
  AttributeChanges emptied;
  emptied.length = 0;
  for (const Plant kind : {Plant::kFifo, Plant::kDevice, Plant::kSymlink}) {
    stdfs::remove(victim.path());
    plant(kind, victim.path());
    OpenWatch watch(victim.path());
    EXPECT_EQ(errno_of_result(world_.tree().open_file(inode, O_RDONLY)), ESTALE);
    EXPECT_EQ(errno_of_result(world_.tree().open_file(inode, O_WRONLY)), ESTALE);
    EXPECT_EQ(errno_of_result(world_.tree().set_attributes(inode, emptied)), ESTALE);
    EXPECT_EQ(errno_of_result(world_.tree().attributes(inode)), ESTALE);
    EXPECT_EQ(errno_of_result(world_.tree().lookup(kRootInode, "victim")), EIO);
    EXPECT_FALSE(watch.was_opened());
    stdfs::remove(victim.path());
  }
  victim.put_back();
  EXPECT_TRUE(unharmed(world_));
}

}  // namespace
}  // namespace enfold
