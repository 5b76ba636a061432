// W13, and W1 and W6 as far as they touch the config: what is edited in enfold.volume, or another volume put
// in its place, is refused, and before any request leaves wherever nothing but the pin can tell.
#include <cstdlib>

#include "fs/volume/config_file.h"
#include "fs/volume/user_directories.h"
#include "kms/base/clock.h"
#include "kms/engine/engine.h"
#include "kms/store/root_key.h"
#include "kms/store/store_admin.h"
#include "tests/attack/attack_support.h"

namespace enfold {
namespace {

namespace stdfs = std::filesystem;

class NoPassphrase final : public PassphraseSource {
 public:
  Result<Bytes> passphrase() override {
    ADD_FAILURE() << "no store here has a passphrase";
    return Bytes{};
  }
};

// Sets an environment variable for as long as it lives.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) {
    if (const char* old = std::getenv(name); old != nullptr) old_ = old;
    ::setenv(name, value.c_str(), 1);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() {
    if (old_)
      ::setenv(name_, old_->c_str(), 1);
    else
      ::unsetenv(name_);
  }

 private:
  const char* name_;
  std::optional<std::string> old_;
};

// Volumes with an embedded KMS, pinned in a user's config directory of their own.
class AttackConfig : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(is_ok(create_store(store_, {}, passphrase_)));
    auto engine = open_embedded_engine(store_, passphrase_);
    ASSERT_TRUE(is_ok(engine));
    key_ = (*engine)->create_key(local_scope(), {}).value().arn;
    other_key_ = (*engine)->create_key(local_scope(), {}).value().arn;
    make_volume("volume", key_);
    good_ = slurp(config());
    ASSERT_EQ(good_.size(), kConfigBytes);
  }

  void make_volume(const std::string& name, const std::string& key) {
    auto kms = open_kms("embedded:" + store_, passphrase_);
    ASSERT_TRUE(is_ok(kms));
    ASSERT_TRUE(is_ok(
        init_volume({directory_.path() / name, "embedded:" + store_, key, {}}, **kms, files_, entropy_)));
    auto volume = open(name);
    ASSERT_TRUE(is_ok(volume));
    auto created = (*volume)->tree().create(kRootInode, "file", 0644, {::geteuid(), ::getegid()});
    ASSERT_TRUE(is_ok(created));
    ASSERT_TRUE(is_ok(created->handle->write(0, as_bytes(kContent + name))));
    ASSERT_TRUE(is_ok(created->handle->release()));
    ASSERT_TRUE(is_ok((*volume)->close()));
  }

  Result<std::unique_ptr<OpenVolume>> open(const std::string& name = "volume") {
    OpenRequest request;
    request.lower = directory_.path() / name;
    return open_volume(request, passphrase_, files_, entropy_, clock_);
  }

  [[nodiscard]] stdfs::path config(const std::string& name = "volume") const {
    return directory_.path() / name / kConfigName;
  }

  // Refused, by a message that names the volume, while the store is where nobody finds it: whoever asked the
  // KMS would have got kStoreMissing.
  void expect_refused_unasked(const std::string& what) {
    const stdfs::path away = directory_.path() / "store, away";
    stdfs::rename(store_, away);
    auto opened = open();
    EXPECT_FALSE(stdfs::exists(store_));
    stdfs::rename(away, store_);
    ASSERT_FALSE(opened) << what;
    EXPECT_NE(opened.error().code, Errc::kStoreMissing) << what << ": the KMS was asked";
    EXPECT_EQ(errno_of(opened.error()), EIO) << what << ": " << describe(opened.error());
    EXPECT_NE(opened.error().message.find(directory_.path() / "volume"), std::string::npos) << what;
  }
  void expect_refused(const std::string& what) {
    auto opened = open();
    ASSERT_FALSE(opened) << what;
    EXPECT_NE(opened.error().message.find(directory_.path() / "volume"), std::string::npos) << what;
  }
  // Nothing of the attack lasts: with the good config every file is there.
  void expect_opens_again(const std::string& content = kContent + "volume") {
    spill(config(), good_);
    auto volume = open();
    ASSERT_TRUE(is_ok(volume));
    auto entry = (*volume)->tree().lookup(kRootInode, "file");
    ASSERT_TRUE(is_ok(entry));
    EXPECT_EQ(read_inode((*volume)->tree(), entry->inode).value_or(""), content);
    ASSERT_TRUE(is_ok((*volume)->close()));
  }

  // As an attacker keeps it of a mount that then ends in order.
  std::string config_while_open() {
    auto mounted = open();
    EXPECT_TRUE(is_ok(mounted));
    if (!mounted) return {};
    std::string kept = slurp(config());
    EXPECT_TRUE(is_ok((*mounted)->close()));
    return kept;
  }

  void edit(std::size_t at, std::string_view bytes) {
    std::string changed = good_;
    changed.replace(at, bytes.size(), bytes);
    spill(config(), changed);
  }

  // A slot page of the config, with a MAC as an outsider makes one.
  void edit_slot(std::size_t index, const Envelope& envelope) {
    std::array<std::uint8_t, kSlotBytes> slot{};
    const MacKey guessed = random_secret<MacKey>(entropy_);
    ASSERT_TRUE(is_ok(
        encode_slot(envelope, {first_bytes(good_, 512), static_cast<std::uint8_t>(index), guessed}, slot)));
    edit(kPageBytes * (1 + index), text_of(slot));
  }
  Envelope envelope() { return peek_config(as_bytes(good_)).value().envelopes.front(); }

  static inline const std::string kContent = "content of ";

  TemporaryDirectory directory_;
  Environment config_home_{"XDG_CONFIG_HOME", directory_.path() / "user"};
  const std::string store_ = directory_.path() / "store";
  NoPassphrase passphrase_;
  PosixFiles files_;
  SystemEntropy entropy_;
  SystemClock clock_;
  std::string key_;
  std::string other_key_;
  std::string good_;
};

using AttackW1Config = AttackConfig;
using AttackW6Config = AttackConfig;
using AttackW13 = AttackConfig;

// The control of the tests below: with the config as it was the KMS is asked.
TEST_F(AttackW13, AnUntouchedConfigAsksTheKms) {
  const stdfs::path away = directory_.path() / "store, away";
  stdfs::rename(store_, away);
  EXPECT_EQ(code_of(open()), Errc::kStoreMissing);
  stdfs::rename(away, store_);
  expect_opens_again();
}

TEST_F(AttackW13, AnotherVersionCipherFlagOrSecretIsRefusedUnasked) {
  using namespace std::string_literals;
  struct Edit {
    std::size_t at;
    std::string bytes;
  };
  for (const Edit& one :
       {Edit{8, "\0"s}, Edit{8, "\2"s}, Edit{9, "\xff"s}, Edit{10, "\0"s}, Edit{10, "\2"s}, Edit{12, "\1"s},
        Edit{15, "\x80"s}, Edit{16, "\0"s}, Edit{16, "\2"s}, Edit{20, "\1"s}}) {
    edit(one.at, one.bytes);
    ASSERT_NO_FATAL_FAILURE(expect_refused_unasked("byte " + std::to_string(one.at)));
  }
  expect_opens_again();
}

TEST_F(AttackW13, AnotherVolumeIdIsRefusedUnasked) {
  edit(24, text_of(random_array<16>(entropy_)));
  expect_refused_unasked("volume id");
  expect_opens_again();
}

TEST_F(AttackW13, AnotherKeyOrRegionOrAccountIsRefusedUnasked) {
  Envelope changed = envelope();
  for (const std::string& arn :
       {other_key_, std::string("arn:aws:kms:us-east-1:000000000000:") + key_.substr(key_.find("key/")),
        std::string("arn:aws:kms:local:111122223333:") + key_.substr(key_.find("key/")),
        key_.substr(key_.find("key/") + 4), std::string("alias/attacker"), key_ + "0"}) {
    changed.recipients.front().key_arn = arn;
    for (const std::size_t slot : {0U, 1U}) {
      changed.generation = 1 + slot;
      edit_slot(slot, changed);
      ASSERT_NO_FATAL_FAILURE(expect_refused_unasked(arn));
    }
  }
  expect_opens_again();
}

TEST_F(AttackW13, OneMoreRecipientOrNoneIsRefusedUnasked) {
  Envelope more = envelope();
  more.recipients.push_back({Provider::kAwsKms, other_key_, Bytes(100, 7)});
  edit_slot(0, more);
  ASSERT_NO_FATAL_FAILURE(expect_refused_unasked("a second recipient"));
  std::swap(more.recipients[0], more.recipients[1]);
  edit_slot(0, more);
  ASSERT_NO_FATAL_FAILURE(expect_refused_unasked("a recipient in front"));
  more.recipients[0] = more.recipients[1];
  edit_slot(0, more);
  ASSERT_NO_FATAL_FAILURE(expect_refused_unasked("the same recipient twice"));
  edit(kPageBytes, std::string(kSlotBytes, '\0'));
  ASSERT_NO_FATAL_FAILURE(expect_refused_unasked("no slot"));
  edit(kPageBytes + 8, std::string(2, '\0'));
  ASSERT_NO_FATAL_FAILURE(expect_refused_unasked("no recipient"));
  expect_opens_again();
}

// The same key wraps another secret, for the same or for another volume: the pin's commitment, or the MACs.
TEST_F(AttackW13, AnotherWrappedSecretUnderTheRightKeyIsRefused) {
  auto kms = open_kms("embedded:" + store_, passphrase_);
  ASSERT_TRUE(is_ok(kms));
  const VolumeId volume = peek_config(as_bytes(good_)).value().volume;
  for (const VolumeId& bound : {volume, VolumeId::random(entropy_)}) {
    Envelope changed = envelope();
    changed.recipients.front().ciphertext =
        (*kms)->encrypt(key_, random_array<32>(entropy_), volume_secret_context(bound)).value();
    edit_slot(0, changed);
    ASSERT_NO_FATAL_FAILURE(expect_refused("another secret"));
  }
  expect_opens_again();
}

// The secret is the attacker's own and every MAC verifies under it: only the pin knows better.
TEST_F(AttackW13, AWholeConfigUnderAnotherSecretIsRefusedByTheCommitment) {
  auto kms = open_kms("embedded:" + store_, passphrase_);
  ASSERT_TRUE(is_ok(kms));
  const VolumeId volume = peek_config(as_bytes(good_)).value().volume;
  auto secret = random_secret<VolumeSecret>(entropy_);
  Envelope changed = envelope();
  changed.recipients.front().ciphertext =
      (*kms)->encrypt(key_, secret.expose(), volume_secret_context(volume)).value();
  const VolumeKeys keys(volume, std::move(secret));
  spill(config(), text_of(encode_config({volume, changed, {}}, keys).value()));
  EXPECT_EQ(code_of(open()), Errc::kPinMismatch);
  expect_opens_again();
}

TEST_F(AttackW13, AnotherVolumesConfigOrWholeTreeIsRefusedUnasked) {
  make_volume("other", key_);
  spill(config(), slurp(config("other")));
  ASSERT_NO_FATAL_FAILURE(expect_refused_unasked("another volume's config"));
  spill(config(), good_);
  const stdfs::path lower = directory_.path() / "volume";
  const stdfs::path aside = directory_.path() / "aside";
  stdfs::rename(lower, aside);
  stdfs::copy(directory_.path() / "other", lower, stdfs::copy_options::recursive);
  ASSERT_NO_FATAL_FAILURE(expect_refused_unasked("another volume's whole tree"));
  stdfs::remove_all(lower);
  stdfs::rename(aside, lower);
  expect_opens_again();
}

// A file is cut and an older config, from while the volume was mounted, says that it crashed: recovery would
// take the cut for the crash's. The pin knows that the mount ended in order, or had another number.
TEST_F(AttackW6Config, AnOlderConfigThatSaysOpenIsNoCrash) {
  const std::string while_open = config_while_open();
  spill(config(), while_open);
  EXPECT_EQ(code_of(open()), Errc::kCrashUnconfirmed) << "closed in order";

  spill(config(), good_);
  auto crashed = open();
  ASSERT_TRUE(is_ok(crashed));
  crashed->reset();  // without close(): its number is another one
  const std::string after_crash = slurp(config());
  spill(config(), while_open);
  EXPECT_EQ(code_of(open()), Errc::kCrashUnconfirmed) << "another mount's crash";
  spill(config(), after_crash);
  auto recovered = open();
  ASSERT_TRUE(is_ok(recovered));
  ASSERT_TRUE(is_ok((*recovered)->close()));
  recovered->reset();
  expect_opens_again();
}

TEST_F(AttackW6Config, OnlyTheUsersWordTakesAnUnconfirmedCrash) {
  const std::string while_open = config_while_open();
  spill(config(), while_open);
  OpenRequest request;
  request.lower = directory_.path() / "volume";
  request.read_only = true;
  EXPECT_EQ(code_of(open_volume(request, passphrase_, files_, entropy_, clock_)), Errc::kCrashUnconfirmed);
  request.recover = true;
  EXPECT_TRUE(is_ok(open_volume(request, passphrase_, files_, entropy_, clock_)));
  request.read_only = false;
  request.background = false;
  auto vouched = open_volume(request, passphrase_, files_, entropy_, clock_);
  ASSERT_TRUE(is_ok(vouched));
  EXPECT_TRUE((*vouched)->context().epochs.recovering());
  EXPECT_TRUE((*vouched)->recover().value_or(false));
  ASSERT_TRUE(is_ok((*vouched)->close()));
  vouched->reset();
  auto next = open();
  ASSERT_TRUE(is_ok(next));
  EXPECT_FALSE((*next)->context().epochs.recovering());
  ASSERT_TRUE(is_ok((*next)->close()));
}

// At a path that the user has not pinned nothing is asked unless the user names the KMS.
TEST_F(AttackW13, AVolumeAtAPathWithoutAPinIsRefusedUnasked) {
  stdfs::copy(directory_.path() / "volume", directory_.path() / "copy", stdfs::copy_options::recursive);
  EXPECT_EQ(code_of(open("copy")), Errc::kPinMissing);
}

TEST_F(AttackW13, ACutGrownOrMissingConfigIsRefusedUnasked) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{4096}, kConfigBytes - 1,
                                 kConfigBytes + 1, kConfigBytes * 1024 * 1024}) {
    stdfs::resize_file(config(), size);
    ASSERT_NO_FATAL_FAILURE(expect_refused_unasked("size " + std::to_string(size)));
    spill(config(), good_);
  }
  stdfs::remove(config());
  ASSERT_NO_FATAL_FAILURE(expect_refused_unasked("no config"));
  stdfs::create_symlink("/dev/zero", config());
  ASSERT_NO_FATAL_FAILURE(expect_refused_unasked("a symlink"));
  stdfs::remove(config());
  expect_opens_again();
}

using AttackW16Config = AttackConfig;

TEST_F(AttackW16Config, WhatIsNoFileInTheConfigsPlaceIsRefusedUnaskedAndNeverOpened) {
  for (const mode_t type : {mode_t{S_IFIFO}, mode_t{S_IFSOCK}, mode_t{S_IFCHR}}) {
    stdfs::remove(config());
    plant_node(config(), type);
    OpenWatch watch(config());
    ASSERT_NO_FATAL_FAILURE(expect_refused_unasked("type " + std::to_string(type)));
    EXPECT_FALSE(watch.was_opened()) << type;
  }
  stdfs::remove(config());
  expect_opens_again();
}

TEST_F(AttackW16Config, WhatIsNoFileInTheLocksPlaceIsRefusedAndNeverOpened) {
  const stdfs::path lock = directory_.path() / "volume" / kLockName;
  for (const mode_t type : {mode_t{S_IFIFO}, mode_t{S_IFSOCK}, mode_t{S_IFCHR}}) {
    stdfs::remove(lock);
    plant_node(lock, type);
    OpenWatch watch(lock);
    EXPECT_FALSE(open()) << type;
    EXPECT_FALSE(watch.was_opened()) << type;
  }
  stdfs::remove(lock);
  const stdfs::path outside = directory_.path() / "outside";
  spill(outside, "not ours");
  stdfs::create_symlink(outside, lock);
  EXPECT_FALSE(open());
  EXPECT_EQ(slurp(outside), "not ours");
  stdfs::remove(lock);
  expect_opens_again();
}

// W15 at the parser that runs before anything is verified.
TEST_F(AttackW13, CountsAndLengthsThatLeadPastASlotAreRefusedUnasked) {
  for (const std::size_t at : {8U, 16U, 18U, 20U, 22U}) {
    for (const char* value : {"\xff\xff", "\x00\x80", "\xff\x7f"}) {
      edit(kPageBytes + at, std::string(value, 2));
      ASSERT_NO_FATAL_FAILURE(expect_refused_unasked("slot " + std::to_string(at)));
    }
  }
  expect_opens_again();
}

TEST_F(AttackW1Config, AFlippedBitInAnyUsedByteIsRefused) {
  std::size_t tried = 0;
  format_test::SeededEntropy seeded(format_test::test_seed() + 20);
  const std::uint64_t step = is_long_form() ? 1 : 7;
  for (std::size_t at = seeded.below(step); at < kConfigBytes; at += step) {
    // Of the zeros that fill pages the short form samples one in fifty.
    if (good_[at] == 0 && !is_long_form() && seeded.below(50) != 0) continue;
    std::string changed = good_;
    changed[at] = static_cast<char>(static_cast<unsigned char>(changed[at]) ^ (1U << seeded.below(8)));
    spill(config(), changed);
    ASSERT_NO_FATAL_FAILURE(expect_refused("byte " + std::to_string(at)));
    ++tried;
  }
  EXPECT_GT(tried, 50U);
  expect_opens_again();
}

// By what check reads of it: in the short form the zeros that fill pages are sampled.
TEST_F(AttackW1Config, AFlippedBitInAnyByteIsReportedByCheck) {
  AttackWorld world{21};
  world.keep_file("bystander", "content");
  const stdfs::path path = world.lower("") / kConfigName;
  const std::string good = slurp(path);
  for (std::size_t at = 0; at < kConfigBytes; ++at) {
    if (good[at] == 0 && !is_long_form() && world.entropy.below(16) != 0) continue;
    std::string changed = good;
    changed[at] = static_cast<char>(static_cast<unsigned char>(changed[at]) ^ (1U << world.entropy.below(8)));
    spill(path, changed);
    const auto found = world.findings();
    ASSERT_EQ(found.size(), 1U) << "byte " << at;
    ASSERT_EQ(found[0].lower_path, kConfigName);
    ASSERT_EQ(found[0].severity, Severity::kDamage);
  }
  spill(path, good);
  EXPECT_TRUE(unharmed(world));
}

TEST_F(AttackW6Config, AnOlderConfigThatSaysOpenHidesNoTruncation) {
  std::string open_config;
  stdfs::path lower;
  {
    auto volume = open();
    ASSERT_TRUE(is_ok(volume));
    open_config = slurp(config());
    auto handle = (*volume)->tree().open_directory(kRootInode);
    ASSERT_TRUE(is_ok(handle));
    auto entries = (*handle)->entries(true);
    ASSERT_TRUE(is_ok(entries));
    lower = directory_.path() / "volume" / (*entries)->at(0).lower_name;
    handle->reset();
    ASSERT_TRUE(is_ok((*volume)->close()));
  }
  const std::string whole = slurp(lower);
  for (const std::size_t size : {std::size_t{0}, std::size_t{2048}, std::size_t{4096}, std::size_t{8192}}) {
    spill(config(), open_config);
    stdfs::resize_file(lower, size);
    EXPECT_EQ(code_of(open()), Errc::kCrashUnconfirmed) << size;
    spill(lower, whole);
  }
  expect_opens_again();
}

}  // namespace
}  // namespace enfold
