// W9, W12: names moved, swapped and forged, and sidecars.
#include <unistd.h>

#include "tests/attack/attack_support.h"

namespace enfold {
namespace {

namespace stdfs = std::filesystem;

class AttackNames : public testing::Test {
 protected:
  AttackNames() { world_.keep_one_of_each(); }

  // What check says of one lower path.
  std::vector<Finding> findings_at(const stdfs::path& lower) {
    std::vector<Finding> found = world_.findings();
    const std::string path = world_.relative(lower);
    std::erase_if(found, [&](const Finding& finding) { return finding.lower_path != path; });
    return found;
  }

  // The entry is reported in its directory and not shown; without it the volume is unharmed.
  void expect_reported_and_hidden(const stdfs::path& lower, const std::string& plain_directory) {
    world_.open_anew();
    const std::vector<Finding> found = findings_at(lower);
    ASSERT_EQ(found.size(), 1U) << lower;
    EXPECT_EQ(found[0].severity, Severity::kDamage);
    EXPECT_EQ(found[0].plain_path, plain_directory);
    EXPECT_EQ(world_.findings().size(), 1U);
    std::set<std::string> expected;
    const std::string directory = plain_directory == "/" ? "" : plain_directory.substr(1);
    for (const auto& [path, known] : world_.known)
      if (split_plain(path).parent == directory) expected.insert(split_plain(path).name);
    EXPECT_EQ(world_.names(directory), expected);
    stdfs::remove_all(lower);
    EXPECT_TRUE(unharmed(world_));
  }

  // The lower name of any bytes, as only somebody with the volume's secret makes it.
  std::string insiders_name(const std::string& plain) {
    const std::string marker = slurp(world_.lower("") / kMarkerName);
    auto decoded = decode_marker(as_bytes(marker), world_.keys.volume(), world_.keys.marker_mac());
    EXPECT_TRUE(is_ok(decoded));
    return to_base64url(world_.keys.names().seal(decoded->directory.bytes, as_bytes(plain)));
  }

  void swap_lower(const stdfs::path& a, const stdfs::path& b) {
    const stdfs::path aside = world_.directory.path() / "aside";
    stdfs::rename(a, aside);
    stdfs::rename(b, a);
    stdfs::rename(aside, b);
  }

  AttackWorld world_{6};
};

using AttackW9 = AttackNames;
using AttackW12 = AttackNames;

// Said so, the first five.
TEST_F(AttackW9, TwoNamesSwappedInADirectoryAreNotNoticed) {
  swap_lower(world_.lower("empty"), world_.lower("victim"));
  std::swap(world_.known["empty"].content, world_.known["victim"].content);
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW9, AFileUnderASymlinksNameAndTheOtherWayRoundAreNotNoticed) {
  swap_lower(world_.lower("link"), world_.lower("victim"));
  std::swap(world_.known["link"], world_.known["victim"]);
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW9, AFileCopiedUnderAnothersNameIsNotNoticed) {
  stdfs::remove(world_.lower("empty"));
  stdfs::copy_file(world_.lower("victim"), world_.lower("empty"));
  world_.known["empty"] = world_.known["victim"];
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW9, OneLowerFileUnderTwoNamesIsNotNoticed) {
  stdfs::remove(world_.lower("empty"));
  stdfs::create_hard_link(world_.lower("victim"), world_.lower("empty"));
  world_.known["empty"] = world_.known["victim"];
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW9, ADirectoryMovedWithItsMarkerUnderAnotherDirectorysNameIsNotNoticed) {
  world_.keep_directory("e");
  world_.keep_file("e/only", "content");
  swap_lower(world_.lower("d"), world_.lower("e"));
  auto known = std::move(world_.known);
  world_.known.clear();
  for (auto& [path, one] : known) {
    std::string moved = path;
    if (path == "d" || path.starts_with("d/"))
      moved[0] = 'e';
    else if (path == "e" || path.starts_with("e/"))
      moved[0] = 'd';
    world_.known[moved] = one;
  }
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW9, AFileMovedOrCopiedToAnotherDirectoryIsNoticed) {
  const stdfs::path planted = world_.lower("d") / world_.lower("victim").filename();
  stdfs::copy_file(world_.lower("victim"), planted);
  expect_reported_and_hidden(planted, "/d");
  stdfs::create_hard_link(world_.lower("victim"), planted);
  expect_reported_and_hidden(planted, "/d");
  const stdfs::path raised = world_.lower("") / world_.lower("d/inner").filename();
  stdfs::rename(world_.lower("d/inner"), raised);
  world_.known.erase("d/inner");
  expect_reported_and_hidden(raised, "/");
}

TEST_F(AttackW9, ASymlinkMovedToAnotherDirectoryIsNoticed) {
  const stdfs::path planted = world_.lower("d") / world_.lower("link").filename();
  stdfs::rename(world_.lower("link"), planted);
  world_.known.erase("link");
  expect_reported_and_hidden(planted, "/d");
}

TEST_F(AttackW9, ADirectoryMovedOrCopiedIntoAnotherIsNoticed) {
  world_.keep_directory("e");
  const stdfs::path planted = world_.lower("e") / world_.lower("d").filename();
  stdfs::copy(world_.lower("d"), planted, stdfs::copy_options::recursive);
  expect_reported_and_hidden(planted, "/e");
}

TEST_F(AttackW9, AnyOtherCharacterInALowerNameIsNoticed) {
  const stdfs::path good = world_.lower("victim");
  const Known known = world_.known["victim"];
  world_.known.erase("victim");
  const std::string name = good.filename();
  for (std::size_t at = 0; at < name.size(); ++at) {
    std::string changed = name;
    changed[at] = changed[at] == 'A' ? 'Q' : 'A';
    const stdfs::path planted = good.parent_path() / changed;
    if (classify_lower_name(changed) != LowerNameKind::kPlain) continue;  // foreign: planted_test.cc
    stdfs::copy_file(good, planted);
    stdfs::rename(good, world_.directory.path() / "aside");
    ASSERT_NO_FATAL_FAILURE(expect_reported_and_hidden(planted, "/"));
    stdfs::rename(world_.directory.path() / "aside", good);
  }
  world_.known["victim"] = known;
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW12, NamesThatNoEntryCanHaveAreNoticedEvenWhenTheyVerify) {
  using namespace std::string_literals;
  for (const std::string& plain : {"../x"s, "a/b"s, "/"s, "."s, ".."s, "a\0b"s, "\0"s, "../../etc/passwd"s}) {
    const stdfs::path planted = world_.lower("") / insiders_name(plain);
    stdfs::copy_file(world_.lower("victim"), planted);
    ASSERT_NO_FATAL_FAILURE(expect_reported_and_hidden(planted, "/")) << plain;
    stdfs::create_directory(planted);
    ASSERT_NO_FATAL_FAILURE(expect_reported_and_hidden(planted, "/")) << plain;
  }
}

// Seventeen bytes are the shortest name: the SIV of nothing is no lower name at all.
TEST_F(AttackW12, AnEmptyNameIsForeign) {
  const std::string sixteen = to_base64url(Bytes(kSivTagBytes, 7));
  EXPECT_EQ(classify_lower_name(sixteen), LowerNameKind::kForeign);
  const stdfs::path planted = world_.lower("") / sixteen;
  stdfs::copy_file(world_.lower("victim"), planted);
  world_.open_anew();
  const auto found = findings_at(planted);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].severity, Severity::kForeign);
  stdfs::remove(planted);
  EXPECT_TRUE(unharmed(world_));
}

TEST_F(AttackW12, AHashedNameOf256BytesOrOfAShortOneIsNoticed) {
  const std::string marker = slurp(world_.lower("") / kMarkerName);
  auto decoded = decode_marker(as_bytes(marker), world_.keys.volume(), world_.keys.marker_mac());
  ASSERT_TRUE(is_ok(decoded));
  for (const std::size_t size : {1U, 175U, 256U, 300U, 4000U}) {
    const Bytes sealed = world_.keys.names().seal(decoded->directory.bytes, as_bytes(std::string(size, 'n')));
    const stdfs::path planted = world_.lower("") / ("enfold.long." + to_base64url(sha256({sealed})));
    const stdfs::path sidecar = planted.string() + ".name";
    stdfs::copy_file(world_.lower("victim"), planted);
    spill(sidecar, text_of(sealed));
    world_.open_anew();
    const auto found = findings_at(planted);
    ASSERT_EQ(found.size(), 1U) << size;
    EXPECT_EQ(found[0].severity, Severity::kDamage);
    stdfs::remove(sidecar);
    ASSERT_NO_FATAL_FAILURE(expect_reported_and_hidden(planted, "/")) << size;
  }
}

TEST_F(AttackW12, ADeletedSidecarHidesItsEntryOnly) {
  const std::string path = "d/" + std::string(200, 'n');
  const LowerCopy entry(world_, path);
  stdfs::remove(entry.path().string() + ".name");
  EXPECT_TRUE(noticed(world_, {.plain = path, .is_name_damaged = true, .checked_plain = "/d"}));
}

TEST_F(AttackW12, SwappedSidecarsHideTheirEntriesOnly) {
  const std::string a = "d/" + std::string(200, 'n');
  const std::string b = "d/" + std::string(201, 'n');
  world_.keep_file(b, "the other");
  const LowerCopy first(world_, a);
  const LowerCopy second(world_, b);
  swap_lower(first.path().string() + ".name", second.path().string() + ".name");
  second.put_back();
  EXPECT_TRUE(noticed(world_, {.plain = a, .is_name_damaged = true, .checked_plain = "/d"}));
  first.put_back();
  spill(second.path().string() + ".name", slurp(first.path().string() + ".name"));
  EXPECT_TRUE(noticed(world_, {.plain = b, .is_name_damaged = true, .checked_plain = "/d"}));
}

TEST_F(AttackW12, ASidecarOfAnotherDirectoryIsNoticed) {
  const std::string path(200, 'n');
  world_.keep_file(path, "content");
  const LowerCopy entry(world_, path);
  const LowerCopy below(world_, "d/" + path);
  spill(entry.path().string() + ".name", slurp(below.path().string() + ".name"));
  EXPECT_TRUE(noticed(world_, {.plain = path, .is_name_damaged = true, .checked_plain = "/"}));
}

}  // namespace
}  // namespace enfold
