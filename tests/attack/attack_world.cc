#include <sys/inotify.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstring>

#include "tests/attack/attack_support.h"

namespace enfold {

namespace stdfs = std::filesystem;

namespace {

// What check needs of an open volume, for one whose KMS is a fake.
class OpenWorld final : public OpenVolume {
 public:
  explicit OpenWorld(AttackWorld& world) : world_(world), lower_(world.lower("").string()) {}
  Volume& tree() override { return world_.tree(); }
  VolumeContext& context() override { return world_.context; }
  [[nodiscard]] const std::string& lower_path() const override { return lower_; }
  [[nodiscard]] KeyHome key() const override { return {kFakeKeyArn, "fake:"}; }
  [[nodiscard]] bool is_rekeying() const override { return false; }
  Result<KeyDescription> describe_key() override { return world_.kms.describe_key(kFakeKeyArn); }
  Result<RekeyReport> rekey(const RekeyRequest&, PassphraseSource&, RekeyObserver&) override {
    return make_error(Errc::kUnsupported, "the fake KMS has no pin to change");
  }
  Result<void> close() override { return {}; }
  Result<void> checkpoint() override { return {}; }
  Result<bool> recover() override { return true; }

 private:
  AttackWorld& world_;
  std::string lower_;
};

class Collector final : public CheckObserver {
 public:
  bool finding(const Finding& finding) override {
    found.push_back(finding);
    return true;
  }
  bool progress(const CheckCounts&) override { return true; }
  std::vector<Finding> found;
};

}  // namespace

std::string text_of(ByteSpan bytes) { return as_string(bytes); }
ByteSpan first_bytes(const std::string& text, std::size_t size) { return as_bytes(text).first(size); }

AttackWorld::AttackWorld(std::uint64_t salt) : TreeWorld(salt) {
  auto config = encode_config(Config{keys.volume(), format_test::sample_envelope(), {}}, keys);
  EXPECT_TRUE(is_ok(config));
  if (config) spill(lower("") / kConfigName, text_of(*config));
}

void AttackWorld::keep_file(const std::string& path, const std::string& content) {
  make_file(path, content);
  known[path].content = content;
}

void AttackWorld::keep_random_file(const std::string& path, std::size_t bytes) {
  keep_file(path, text_of(random_bytes(entropy, bytes)));
}

void AttackWorld::keep_symlink(const std::string& path, const std::string& target) {
  make_symlink(path, target);
  known[path] = {S_IFLNK, target, 0, {}};
}

void AttackWorld::keep_node(const std::string& path, mode_t type, dev_t device) {
  make_node(path, type | 0600U, device);
  known[path] = {type, {}, device, {}};
}

void AttackWorld::keep_directory(const std::string& path) {
  make_directory(path);
  known[path] = {S_IFDIR, {}, 0, {}};
}

void AttackWorld::keep_xattr(const std::string& path, const std::string& name, const std::string& value) {
  EXPECT_TRUE(is_ok(tree().set_xattr(inode(path), name, as_bytes(value), 0))) << path;
  known[path].xattrs[name] = value;
}

void AttackWorld::keep_one_of_each() {
  keep_random_file("victim", 2 * kSectorPlainBytes + 1000);
  keep_random_file("other", 2 * kSectorPlainBytes + 1000);
  keep_file("empty", "");
  keep_directory("d");
  keep_random_file("d/inner", kSectorPlainBytes);
  keep_random_file("d/" + std::string(200, 'n'), 10);
  keep_symlink("link", "a/target");
  keep_symlink("d/link", std::string(4000, 't'));
  keep_node("fifo", S_IFIFO);
  keep_node("socket", S_IFSOCK);
  keep_node("device", S_IFCHR, makedev(1, 3));
  keep_xattr("other", "user.first", "one value");
  keep_xattr("other", "user.second", "two value");
  keep_xattr("d", "user.of-a-directory", "a value");
}

void AttackWorld::open_anew() {
  clock.advance_ms(3'600'000);
  reopen();
}

std::vector<Finding> AttackWorld::findings(CheckMode mode) {
  OpenWorld volume(*this);
  Collector collector;
  EXPECT_TRUE(is_ok(check_volume(volume, collector, mode)));
  return collector.found;
}

std::string AttackWorld::relative(const stdfs::path& lower_path) {
  return lower_path.lexically_relative(lower("")).string();
}

OpenWatch::OpenWatch(const stdfs::path& path) : fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  EXPECT_GE(::inotify_add_watch(fd_.get(), path.c_str(), IN_OPEN | IN_DONT_FOLLOW), 0);
}

bool OpenWatch::was_opened() {
  Bytes events(64 * 1024);
  const ssize_t size = ::read(fd_.get(), events.data(), events.size());
  for (ssize_t at = 0; at < size;) {
    inotify_event event{};
    std::memcpy(&event, events.data() + at, sizeof(event));
    if ((event.mask & IN_OPEN) != 0) return true;
    at += static_cast<ssize_t>(sizeof(event) + event.len);
  }
  return false;
}

void plant_node(const stdfs::path& path, mode_t type) {
  // Devices are made by root alone; for others a second FIFO stands for one.
  if (type == S_IFCHR && ::mknod(path.c_str(), S_IFCHR | 0666, makedev(1, 5)) == 0) return;
  EXPECT_EQ(::mknod(path.c_str(), (type == S_IFCHR ? S_IFIFO : type) | 0666, 0), 0);
}

LowerCopy::LowerCopy(AttackWorld& world, const std::string& plain)
    : path_(world.lower(plain)), bytes_(slurp(path_)) {
  const stdfs::path sidecar = path_.parent_path() / sidecar_of(path_.filename().string());
  if (!stdfs::exists(sidecar)) return;
  sidecar_path_ = sidecar;
  sidecar_ = slurp(sidecar);
}

void LowerCopy::lay_over(std::size_t offset, std::string_view bytes) const {
  std::string changed = bytes_;
  changed.replace(offset, bytes.size(), bytes);
  spill(path_, changed);
}

void LowerCopy::flip(std::size_t byte_index, unsigned bit) const {
  std::string changed = bytes_;
  changed[byte_index] = static_cast<char>(static_cast<unsigned char>(changed[byte_index]) ^ (1U << bit));
  spill(path_, changed);
}

void LowerCopy::put_back() const {
  spill(path_, bytes_);
  if (!sidecar_path_.empty()) spill(sidecar_path_, sidecar_);
}

}  // namespace enfold
