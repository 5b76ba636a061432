// The KMS, broken or hostile, seen by a volume. (Its own protocol has tests of its own.)
#include <condition_variable>
#include <thread>

#include "tests/attack/attack_support.h"

namespace enfold {
namespace {

using Fault = FakeKms::Fault;

class AttackK : public testing::Test {
 protected:
  AttackK() {
    world_.keep_random_file("victim", 2 * kSectorPlainBytes + 1000);
    world_.keep_random_file("other", 100);
  }

  int open_errno(const std::string& path) {
    return errno_of_result(world_.tree().open_file(world_.inode(path), O_RDONLY));
  }
  int create_errno() {
    auto made = world_.tree().create(kRootInode, "new", 0644, world_.caller());
    if (!made) return errno_of(made.error());
    EXPECT_TRUE(is_ok(made->handle->release()));
    return 0;
  }
  std::unique_ptr<FileHandle> open(const std::string& path) {
    auto handle = world_.tree().open_file(world_.inode(path), O_RDWR);
    EXPECT_TRUE(is_ok(handle));
    return handle ? std::move(*handle) : nullptr;
  }
  Result<std::size_t> read(FileHandle& handle) {
    std::array<std::uint8_t, 10> out{};
    return handle.read(0, out);
  }

  // With the KMS well again everything is as it was; nothing of the fault was written.
  void expect_heals() {
    world_.kms.set_fault(Fault::kNone);
    EXPECT_TRUE(unharmed(world_));
  }

  AttackWorld world_{12};
};

TEST_F(AttackK, AnyAnswerThatIsNotTheFilesKeyIsRefused) {
  for (const Fault fault : {Fault::kWrongKey, Fault::kConstantKey, Fault::kZeroKey, Fault::kOtherArn}) {
    world_.open_anew();
    auto held = open("other");
    world_.kms.set_fault(fault);
    EXPECT_EQ(open_errno("victim"), EIO) << static_cast<int>(fault);
    EXPECT_TRUE(is_ok(read(*held))) << "the file that is open goes on";
    held.reset();  // before its volume goes
    world_.open_anew();
    const auto found = world_.findings();
    ASSERT_EQ(found.size(), 2U);
    for (const Finding& finding : found) EXPECT_EQ(finding.severity, Severity::kDamage) << finding.what;
    expect_heals();
  }
}

TEST_F(AttackK, AnotherFilesAnswerReplayedIsRefused) {
  world_.open_anew();
  ASSERT_EQ(open_errno("other"), 0);
  world_.kms.set_fault(Fault::kReplay);
  EXPECT_EQ(open_errno("victim"), EIO);
  expect_heals();
}

TEST_F(AttackK, NothingIsCreatedFromAnAnswerThatIsRefused) {
  world_.kms.set_in_this_process(false);
  for (const Fault fault :
       {Fault::kZeroKey, Fault::kOtherArn, Fault::kEmptyBlob, Fault::kLongBlob, Fault::kWrapsAnother}) {
    world_.open_anew();
    world_.kms.set_fault(fault);
    EXPECT_EQ(create_errno(), EIO) << static_cast<int>(fault);
    expect_heals();
  }
}

// A KMS that hands the same data key to everybody, known to the attacker, still gives each file a key of its
// own, because the volume secret and the file's own salt are in it.
TEST_F(AttackK, FilesUnderOneKnownDataKeyAreStillToldApart) {
  world_.kms.set_fault(Fault::kConstantKey);
  world_.keep_random_file("first", kSectorPlainBytes + 10);
  world_.keep_random_file("second", kSectorPlainBytes + 10);
  world_.kms.set_fault(Fault::kNone);
  ASSERT_TRUE(unharmed(world_));
  const LowerCopy first(world_, "first");
  const LowerCopy second(world_, "second");
  first.lay_over(sector_offset(0), second.page(1));
  ASSERT_TRUE(noticed(world_, {.plain = "first"}));
  first.put_back();
  first.lay_over(0, second.page(0));
  ASSERT_TRUE(noticed(world_, {.plain = "first"}));
  first.put_back();
  HeaderPage page;
  std::ranges::copy(first_bytes(first.bytes(), kPageBytes), page.begin());
  const VolumeKeys guessed(world_.keys.volume(), random_secret<VolumeSecret>(world_.entropy));
  std::array<std::uint8_t, 32> known{};
  known.fill(0x42);
  Gcm gcm(content_key(guessed.file_key(DataKey(known), ByteSpan(page).first(kPrefixBoundBytes)), 0).expose());
  std::array<std::uint8_t, kSectorPlainBytes> plain{};
  const FileId file = decode_prefix(prefix_of(page)).value().file;
  EXPECT_FALSE(open_sector(gcm, {world_.keys.volume(), file, 0},
                           ConstSectorPage(as_bytes(first.bytes()).subspan(kPageBytes).first<kPageBytes>()),
                           plain));
}

// A KMS that ignores the encryption context opens an envelope moved to another file; the slot's MAC does not.
TEST_F(AttackK, AMovedEnvelopeIsNoticedWithoutTheEncryptionContext) {
  const LowerCopy victim(world_, "victim");
  const LowerCopy other(world_, "other");
  world_.kms.set_fault(Fault::kIgnoresContext);
  victim.lay_over(kSlotOffset[0], std::string_view(other.bytes()).substr(kSlotOffset[0], kSlotBytes));
  EXPECT_TRUE(noticed(world_, {.plain = "victim"}));
}

struct Refusal {
  Fault fault;
  int errno_value;
};
constexpr Refusal kRefusals[] = {{Fault::kUnavailable, ENOKEY},
                                 {Fault::kThrottled, ENOKEY},
                                 {Fault::kDisabled, EKEYREVOKED},
                                 {Fault::kDenied, EACCES}};

TEST_F(AttackK, ARefusalHasItsOwnErrnoAndOpenFilesGoOnForTheCachesTime) {
  for (const Refusal& refusal : kRefusals) {
    world_.open_anew();
    const auto held = open("victim");
    world_.kms.set_fault(refusal.fault);
    EXPECT_EQ(open_errno("other"), refusal.errno_value);
    EXPECT_EQ(create_errno(), refusal.errno_value);
    world_.clock.advance_ms(59'000);
    EXPECT_TRUE(is_ok(read(*held)));
    EXPECT_TRUE(is_ok(held->write(0, first_bytes(world_.known["victim"].content, 10))));
    world_.clock.advance_ms(2'000);
    EXPECT_EQ(errno_of_result(read(*held)), refusal.errno_value);
    EXPECT_EQ(errno_of_result(held->write(0, first_bytes(world_.known["victim"].content, 10))),
              refusal.errno_value);
    EXPECT_EQ(world_.names(), (std::set<std::string>{"victim", "other"})) << "names need no KMS";
    EXPECT_TRUE(is_ok(world_.rename("other", "moved")));
    EXPECT_TRUE(is_ok(world_.rename("moved", "other")));
    EXPECT_TRUE(is_ok(held->release()));
    expect_heals();
  }
}

TEST_F(AttackK, ARefusalIsNoDamageInCheck) {
  for (const Refusal& refusal : kRefusals) {
    world_.open_anew();
    world_.kms.set_fault(refusal.fault);
    const auto found = world_.findings();
    ASSERT_EQ(found.size(), 2U);
    for (const Finding& finding : found) EXPECT_EQ(finding.severity, Severity::kUnread) << finding.what;
    expect_heals();
  }
}

TEST_F(AttackK, AKmsThatIsDownIsNotStormedByAReader) {
  const auto held = open("victim");
  world_.kms.set_fault(Fault::kUnavailable);
  world_.clock.advance_ms(61'000);
  const int before = world_.kms.decrypt_calls();
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(errno_of_result(read(*held)), ENOKEY);
  EXPECT_LE(world_.kms.decrypt_calls() - before, 2);
  world_.kms.set_fault(Fault::kNone);
  world_.clock.advance_ms(1'100);
  EXPECT_TRUE(is_ok(read(*held)));
  EXPECT_TRUE(is_ok(held->release()));
  expect_heals();
}

// Passes everything on, but lets decrypt wait at a gate while it is closed.
class GatedKms final : public KmsClient {
 public:
  explicit GatedKms(KmsClient& behind) : behind_(behind) {}
  Result<GeneratedDataKey> generate_data_key(const std::string& key,
                                             const EncryptionContext& context) override {
    return behind_.generate_data_key(key, context);
  }
  Result<Bytes> encrypt(const std::string& key, ByteSpan plaintext,
                        const EncryptionContext& context) override {
    return behind_.encrypt(key, plaintext, context);
  }
  Result<std::string> decrypt(const std::string& key_arn, ByteSpan ciphertext,
                              const EncryptionContext& context,
                              std::span<std::uint8_t, 32> plaintext) override {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !closed_; });
    --waiting_;
    lock.unlock();
    return behind_.decrypt(key_arn, ciphertext, context, plaintext);
  }
  Result<KeyDescription> describe_key(const std::string& key) override { return behind_.describe_key(key); }

  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  void wait_for_a_caller() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ > 0; });
  }
  void open() {
    std::lock_guard lock(mutex_);
    closed_ = false;
    changed_.notify_all();
  }

 private:
  KmsClient& behind_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool closed_ = false;
  int waiting_ = 0;
};

TEST_F(AttackK, OtherFilesGoOnWhileTheKmsLetsOneWait) {
  GatedKms gated(world_.kms);
  KeyCache cache(gated, world_.keys, world_.clock, world_.entropy, kFakeKeyArn, {});
  VolumeContext context{world_.files, world_.entropy, world_.clock, world_.keys, cache, world_.epochs, false};
  auto lower = world_.files.open_at(AT_FDCWD, world_.lower(""), O_RDONLY | O_DIRECTORY, 0);
  ASSERT_TRUE(is_ok(lower));
  auto opened = Volume::open(context, std::move(*lower));
  ASSERT_TRUE(is_ok(opened));
  Volume& tree = **opened;
  auto held = tree.open_file(tree.lookup(kRootInode, "other")->inode, O_RDWR);
  ASSERT_TRUE(is_ok(held));
  const InodeNumber victim = tree.lookup(kRootInode, "victim")->inode;

  gated.close();
  std::thread waiter(
      [&] { EXPECT_EQ(read_inode(tree, victim).value_or(""), world_.known["victim"].content); });
  gated.wait_for_a_caller();
  std::array<std::uint8_t, 10> out{};
  EXPECT_TRUE(is_ok((*held)->read(0, out)));
  EXPECT_TRUE(is_ok((*held)->write(0, out)));
  EXPECT_TRUE(is_ok((*held)->flush()));
  auto made = tree.create(kRootInode, "new", 0644, world_.caller());
  EXPECT_TRUE(is_ok(made));
  EXPECT_TRUE(made && is_ok(made->handle->release()));
  EXPECT_TRUE(is_ok(tree.rename(kRootInode, "new", kRootInode, "newer", 0)));
  EXPECT_TRUE(is_ok(tree.unlink(kRootInode, "newer")));
  EXPECT_TRUE(is_ok(tree.attributes(victim)));
  EXPECT_TRUE(is_ok(tree.make_directory(kRootInode, "d", 0755, world_.caller())));
  EXPECT_TRUE(is_ok(tree.remove_directory(kRootInode, "d")));
  gated.open();
  waiter.join();
  EXPECT_TRUE(is_ok((*held)->release()));
  opened->reset();
  expect_heals();
}

}  // namespace
}  // namespace enfold
