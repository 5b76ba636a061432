// What a re-keying says when a lower call fails, locks held while it tells, KMSs whose answers never agree.
#include <chrono>
#include <future>
#include <thread>

#include "fs/volume/file_batches.h"
#include "fs/volume/removal.h"
#include "tests/volume/rekey_support.h"

namespace enfold {
namespace {

TEST(RekeyAttack, HoldsNoLockOverNamesWhileItTellsWhatItCannotReach) {
  RekeyWorld world;
  for (const char* name : {"a", "b", "c"}) world.make_file(name, name);
  world.reopen();
  const Fd root = world.files.open_at(AT_FDCWD, world.lower(""), O_RDONLY | O_DIRECTORY, 0).value();
  const LowerId id = lower_id_of(world.files.stat_at(root.get(), "").value());
  TreeParts parts(world.context, id, share(world.files.duplicate(root.get()).value()));
  Removal removal(parts);
  std::atomic<bool> stop = false;
  bool renamed = false;
  int told = 0;
  std::thread writer;
  FileBatches(parts).run({1, 256,
                          [&](const FileBatch&) {
                            if (std::exchange(renamed, true)) return;
                            const Spot from = parts.directories.spot(parts.table.root(), "a").value();
                            const Spot to = parts.directories.spot(parts.table.root(), "z").value();
                            EXPECT_TRUE(is_ok(removal.rename(from, to, 0)));
                            world.files.fail_at(1, EIO);  // the look at what was moved
                          },
                          [&](const Error&, const Link&) {
                            ++told;
                            std::promise<void> has_it;
                            auto done = has_it.get_future();
                            writer = std::thread([&parts, has_it = std::move(has_it)]() mutable {
                              const ExclusiveNames names(parts.places.names());
                              has_it.set_value();
                            });
                            // A RekeyPass asks for the plain path here, for which it takes names() itself.
                            EXPECT_EQ(done.wait_for(std::chrono::seconds(2)), std::future_status::ready)
                                << "names() is held: RekeyPass::report() deadlocks behind a waiting writer";
                          }},
                         stop);
  world.files.heal();
  if (writer.joinable()) writer.join();
  EXPECT_EQ(told, 1);
}

class NamesNoMaterialWhenAsked final : public KmsClient {
 public:
  explicit NamesNoMaterialWhenAsked(KmsClient& behind, std::string decrypted)
      : behind_(behind), decrypted_(std::move(decrypted)) {}
  Result<GeneratedDataKey> generate_data_key(const std::string& key,
                                             const EncryptionContext& context) override {
    return behind_.generate_data_key(key, context);
  }
  Result<Bytes> encrypt(const std::string& key, ByteSpan plaintext,
                        const EncryptionContext& context) override {
    return behind_.encrypt(key, plaintext, context);
  }
  Result<std::string> decrypt(const std::string& key, ByteSpan ciphertext, const EncryptionContext& context,
                              std::span<std::uint8_t, 32> plaintext) override {
    ENFOLD_TRY(behind_.decrypt(key, ciphertext, context, plaintext));
    return decrypted_;
  }
  Result<KeyDescription> describe_key(const std::string& key) override { return behind_.describe_key(key); }

 private:
  KmsClient& behind_;
  std::string decrypted_;
};

void expect_an_end(const std::string& decrypted, bool ends_well) {
  RekeyWorld world;
  world.make_config();
  for (int file = 0; file < 3; ++file) world.make_file("f" + std::to_string(file), "content");
  world.kms.rotate(kFakeKeyArn);
  NamesNoMaterialWhenAsked kms(world.kms, decrypted);
  world.routes.set_main(KmsRoutes::Service(std::shared_ptr<void>(), &kms));
  std::uint64_t passes = 0;
  world.log.on_progress = [&](const RekeyCounts& counts) {
    passes = counts.pass;
    if (counts.pass > 50) world.log.goes_on = false;
  };
  auto report = world.rekey({});
  EXPECT_LE(passes, 10U) << "it never ends: each pass wraps every file anew";
  EXPECT_EQ(report.has_value(), ends_well);
}

TEST(RekeyAttack, EndsWhereTheKmsNamesTheMaterialInDescribeKeyAlone) { expect_an_end("", true); }
TEST(RekeyAttack, EndsWhereTheKmsWrapsByAnotherMaterialThanItSays) {
  expect_an_end("material-of-a-replica", false);
}

class OneCallFails : public testing::TestWithParam<int> {
 protected:
  // All but one file are under the second key; the config, too. ENOENT is not among the errors: who says so
  // of what is
  // there cannot be told from one that removed it.
  void SetUp() override {
    world_.make_config();
    world_.make_directory("d");
    for (const char* name : {"a", "b", "d/c", "d/needed"}) world_.make_file(name, name);
    const HeaderPage old = header_page_of(world_.lower("d/needed"));
    RekeyRequest request;
    request.to_key = kFakeOtherArn;
    auto report = world_.rekey(request);
    ASSERT_TRUE(is_ok(report));
    ASSERT_TRUE(report->is_complete);
    world_.put_page("d/needed", old);
  }
  static bool is_unused(const RekeyReport& report) {
    return std::ranges::find(report.unused_keys, kFakeKeyArn, &KeyHome::key_arn) != report.unused_keys.end();
  }
  RekeyWorld world_;
};

TEST_P(OneCallFails, StatusNeverCallsAKeyUnusedThatIsNeeded) {
  RekeyRequest request;
  request.mode = RekeyMode::kStatus;
  auto whole = world_.rekey(request);
  ASSERT_TRUE(is_ok(whole));
  ASSERT_FALSE(is_unused(*whole));
  for (int n = 1;; ++n) {
    world_.reopen();
    world_.files.fail_at(n, GetParam());
    auto report = world_.rekey(request);
    const std::string call = world_.files.failed_call();
    const bool has_failed = world_.files.failures() > 0;
    world_.files.heal();
    if (!has_failed) break;
    if (report) {
      EXPECT_FALSE(is_unused(*report)) << "call " << n << " (" << call << ")";
      EXPECT_FALSE(report->is_complete) << "call " << n << " (" << call << ")";
    }
  }
}

TEST_P(OneCallFails, ARunIsNotCompleteWithAFileLeft) {
  for (int n = 1;; ++n) {
    const HeaderPage keep = header_page_of(world_.lower("d/needed"));
    world_.reopen();
    world_.files.fail_at(n, GetParam());
    auto report = world_.rekey({});
    const std::string call = world_.files.failed_call();
    const bool has_failed = world_.files.failures() > 0;
    world_.files.heal();
    world_.forget_sync_failure();
    const bool is_left = world_.header("d/needed").envelope.recipients.front().key_arn == kFakeKeyArn ||
                         !world_.header("d/needed").has_spare_slot;
    if (report && is_left) {
      EXPECT_FALSE(report->is_complete) << "call " << n << " (" << call << ")";
      EXPECT_FALSE(is_unused(*report)) << "call " << n << " (" << call << ")";
    }
    world_.put_page("d/needed", keep);
    world_.cache.forget(world_.header("d/needed").prefix.file);
    if (!has_failed) break;
  }
}

INSTANTIATE_TEST_SUITE_P(Errnos, OneCallFails,
                         testing::Values(EIO, ESTALE, ENOTDIR, EACCES, EMFILE, ENOMEM, EPERM, ENXIO),
                         [](const auto& one) { return "Errno" + std::to_string(one.param); });

}  // namespace
}  // namespace enfold
