#include "tests/crash/crash_world.h"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "fs/volume/config_file.h"
#include "kms/engine/engine.h"
#include "kms/store/store_admin.h"
#include "tests/volume/rekey_support.h"

namespace enfold {
namespace {

Caller myself() { return {::geteuid(), ::getegid()}; }

Result<std::string> read_all(Volume& tree, InodeNumber inode) {
  ENFOLD_TRY_ASSIGN(const struct stat status, tree.attributes(inode));
  ENFOLD_TRY_ASSIGN(std::string content, read_inode(tree, inode));
  ENFOLD_TRY_ASSIGN(const struct stat after, tree.attributes(inode));
  if (static_cast<std::size_t>(status.st_size) != content.size() || after.st_size != status.st_size)
    return make_error(Errc::kDamaged, "stat says " + std::to_string(status.st_size) + " bytes, then " +
                                          std::to_string(after.st_size) + ", and " +
                                          std::to_string(content.size()) + " can be read");
  return content;
}

void look_below(Volume& tree, InodeNumber directory, const std::string& path, SeenTree& out);

Seen look_at_one(Volume& tree, InodeNumber directory, const DirectoryEntry& listed, const std::string& path,
                 SeenTree& out) {
  auto entry = tree.lookup(directory, listed.name);
  if (!entry) return {listed.type, {}, entry.error()};
  Seen seen{entry->attributes.st_mode & S_IFMT, {}, {}};
  Result<std::string> content = std::string();
  if (S_ISREG(seen.type)) content = read_all(tree, entry->inode);
  if (S_ISLNK(seen.type)) content = tree.read_link(entry->inode);
  if (content)
    seen.content = std::move(*content);
  else
    seen.error = content.error();
  if (S_ISDIR(seen.type)) look_below(tree, entry->inode, path + "/", out);
  tree.forget(entry->inode, 1);
  return seen;
}

void look_below(Volume& tree, InodeNumber directory, const std::string& prefix, SeenTree& out) {
  auto handle = tree.open_directory(directory);
  auto entries = handle ? (*handle)->entries(true) : std::unexpected(handle.error());
  if (!entries) {
    out[prefix.empty() ? "/" : prefix.substr(0, prefix.size() - 1)].error = entries.error();
    return;
  }
  for (const DirectoryEntry& entry : **entries) {
    const std::string path = prefix + entry.name;
    Seen seen = look_at_one(tree, directory, entry, path, out);
    if (const auto known = out.find(path); known != out.end()) seen.error = known->second.error;
    out[path] = std::move(seen);
  }
}

// Stopped by `between`, it is no failure.
Result<void> renew_file(OpenVolume& volume, InodeNumber inode, const App::Between& between) {
  ENFOLD_TRY_ASSIGN(const auto handle, volume.tree().open_file(inode, O_RDWR));
  std::atomic<bool> stop = false;
  int chunks = 0;
  DataKeyRenewal renewal(volume.context(), handle->body(), handle->inode()->sealing, 2);
  auto done = renewal.run(stop, [&](std::uint64_t) { stop = !between(chunks++); });
  if (stop && !done && done.error().code == Errc::kBusy) done = {};
  auto released = handle->release();
  return done ? released : done;
}

}  // namespace

std::string rekey_all(OpenVolume& volume, const RekeyRequest& request) {
  NoPassphrase passphrase;
  RekeyLog log;
  const auto report = volume.rekey(request, passphrase, log);
  if (!report) return "re-keying: " + describe(report.error());
  std::string out = report->is_complete ? "" : "re-keying is not complete; ";
  for (const Finding& finding : log.findings) out += finding.lower_path + ": " + finding.what + "; ";
  if (volume.is_rekeying()) out += "the pin still says that it is being re-keyed; ";
  const RekeyTarget target{report->key.key_arn, report->material_id, false};
  for (const Recipient& recipient : recipients_below(volume.lower_path()))
    if (!target.is_met_by({1, {recipient}}))
      out += "left below: a key under " + recipient.key_arn + ", " + recipient.material_id + "; ";
  return out;
}

std::string renew_all(OpenVolume& volume) {
  std::string out;
  for (const auto& [path, seen] : look_at(volume.tree())) {
    auto entry = volume.tree().lookup(kRootInode, path);
    if (!S_ISREG(seen.type) || !entry) continue;
    auto done = renew_file(volume, entry->inode, [](int) { return true; });
    if (!done) out += path + ": a new data key: " + describe(done.error()) + "; ";
    volume.tree().forget(entry->inode, 1);
  }
  return out;
}

SeenTree look_at(Volume& tree) {
  SeenTree out;
  look_below(tree, kRootInode, "", out);
  return out;
}

FastScratch::FastScratch() {
  if (std::getenv("TMPDIR") == nullptr && ::access("/dev/shm", W_OK | X_OK) == 0)
    ::setenv("TMPDIR", "/dev/shm", 1);
}

CrashWorld::CrashWorld() : entropy(format_test::test_seed()) {
  ::setenv("XDG_CONFIG_HOME", (place_.path() / "config").c_str(), 1);
  ::setenv("XDG_DATA_HOME", (place_.path() / "data").c_str(), 1);
  const std::string store = place_.path() / "store";
  EXPECT_TRUE(is_ok(create_store(store, {}, passphrase)));
  auto engine = open_embedded_engine(store, passphrase);
  key_ = (*engine)->create_key(local_scope(), {}).value().arn;
  auto kms = open_kms(kms_url(), passphrase);
  EXPECT_TRUE(is_ok(init_volume({lower(), kms_url(), key_, {}}, **kms, files, entropy)));
}

void CrashWorld::rotate_key() {
  auto engine = open_embedded_engine(store_path("store"), passphrase);
  EXPECT_TRUE(is_ok((*engine)->rotate_key_on_demand(local_scope(), key_)));
}

std::string CrashWorld::make_key(const std::string& store) {
  auto engine = open_embedded_engine(store_path(store), passphrase);
  return (*engine)->create_key(local_scope(), {}).value().arn;
}

RekeyRequest CrashWorld::to_another_key() {
  RekeyRequest out;
  out.to_key = make_key("store");
  return out;
}

RekeyRequest CrashWorld::to_another_kms() {
  EXPECT_TRUE(is_ok(create_store(store_path("other store"), {}, passphrase)));
  RekeyRequest out;
  out.to_kms = "embedded:" + store_path("other store");
  out.to_key = make_key("other store");
  return out;
}

OpenRequest CrashWorld::request() const {
  OpenRequest out;
  out.lower = lower();
  out.background = false;
  return out;
}

Result<std::unique_ptr<OpenVolume>> CrashWorld::open(Files& through, const OpenRequest& request) {
  return open_volume(request, passphrase, through, entropy, clock);
}

VolumeKeys CrashWorld::keys() {
  auto kms = open_kms(kms_url(), passphrase);
  auto dir = files.open_at(AT_FDCWD, lower(), O_RDONLY | O_DIRECTORY, 0);
  const ConfigFile config = read_config_file(files, dir->get(), lower()).value();
  const UnverifiedConfig claimed = peek_config(config).value();
  const Recipient& recipient = claimed.envelopes.front().recipients.front();
  VolumeSecret secret;
  EXPECT_TRUE(is_ok((*kms)->decrypt(recipient.key_arn, recipient.ciphertext,
                                    volume_secret_context(claimed.volume), secret.expose_mutable())));
  return {claimed.volume, std::move(secret)};
}

void App::mount() {
  begin("mount");
  auto opened = world_.open(files_);
  ASSERT_TRUE(is_ok(opened));
  volume_ = std::move(*opened);
}

void App::unmount() {
  begin("unmount");
  handles_.clear();
  EXPECT_TRUE(is_ok(volume_->close()));
  volume_.reset();
  expected_.all_durable(position_());
}

void App::die(RecordingFiles& recorder) {
  begin("die");
  recorder.kill();
  handles_.clear();
  volume_.reset();
  recorder.revive();
}

void App::checkpoint() {
  begin("checkpoint");
  EXPECT_TRUE(is_ok(volume_->checkpoint()));
  expected_.all_durable(position_());
}

void App::checkpoint_during(RecordingFiles& recorder, std::size_t n, const std::function<void()>& act) {
  std::thread other;
  recorder.before_call(position_() + n, [&] {
    other = std::thread([&] { EXPECT_TRUE(is_ok(volume_->checkpoint())); });
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  });
  act();
  recorder.before_call(0, nullptr);
  if (other.joinable()) other.join();
}

std::size_t App::begin(const std::string& call) {
  trace_.push_back(std::to_string(position_()) + ": " + call);
  return position_();
}

InodeNumber App::inode(const std::string& path) {
  if (path.empty()) return kRootInode;
  auto entry = volume_->tree().lookup(inode(parent_of(path)), split_plain(path).name);
  EXPECT_TRUE(is_ok(entry)) << path;
  return entry ? entry->inode : 0;
}

void App::create(const std::string& path) {
  const std::size_t began = begin("create " + path);
  auto made = volume_->tree().create(inode(parent_of(path)), split_plain(path).name, 0644, myself());
  ASSERT_TRUE(is_ok(made)) << path;
  handles_[path] = std::move(made->handle);
  expected_.made(began, path, S_IFREG);
}

void App::open(const std::string& path) {
  begin("open " + path);
  auto opened = volume_->tree().open_file(inode(path), O_RDWR);
  ASSERT_TRUE(is_ok(opened)) << path;
  handles_[path] = std::move(*opened);
}

void App::write(const std::string& path, std::size_t offset, std::size_t size, char fill) {
  const std::size_t began =
      begin("write " + path + " " + std::to_string(offset) + "+" + std::to_string(size));
  std::string content = expected_.content(path);
  std::string bytes(size, fill);
  for (std::size_t i = 0; i < size; i += 16) bytes[i] = static_cast<char>('a' + (offset + i) / 16 % 26);
  EXPECT_TRUE(is_ok(handle(path).write(offset, as_bytes(bytes)))) << path;
  if (content.size() < offset + size) content.resize(offset + size);
  content.replace(offset, size, bytes);
  expected_.changed(began, path, std::move(content));
}

void App::resize(const std::string& path, std::size_t size) {
  const std::size_t began = begin("resize " + path + " " + std::to_string(size));
  AttributeChanges changes;
  changes.length = size;
  EXPECT_TRUE(is_ok(volume_->tree().set_attributes(inode(path), changes))) << path;
  std::string content = expected_.content(path);
  content.resize(size);
  expected_.changed(began, path, std::move(content));
}

void App::allocate(const std::string& path, int mode, std::size_t offset, std::size_t size) {
  const std::size_t began = begin("fallocate " + path + " mode " + std::to_string(mode) + " " +
                                  std::to_string(offset) + "+" + std::to_string(size));
  EXPECT_TRUE(is_ok(handle(path).allocate(mode, offset, size))) << path;
  std::string content = expected_.content(path);
  const std::size_t end = std::min(offset + size, content.size());
  if ((mode & ~FALLOC_FL_KEEP_SIZE) != 0 && offset < end)
    content.replace(offset, end - offset, end - offset, '\0');
  if ((mode & FALLOC_FL_KEEP_SIZE) == 0) content.resize(std::max(content.size(), offset + size));
  expected_.changed(began, path, std::move(content));
}

void App::punch(const std::string& path, std::size_t offset, std::size_t size) {
  allocate(path, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, size);
}

void App::zero(const std::string& path, std::size_t offset, std::size_t size) {
  allocate(path, FALLOC_FL_ZERO_RANGE, offset, size);
}

void App::sync(const std::string& path, bool data_only) {
  begin((data_only ? "fdatasync " : "fsync ") + path);
  EXPECT_TRUE(is_ok(handle(path).sync(data_only))) << path;
  data_only ? expected_.synced_data(position_(), path) : expected_.synced(position_(), path);
}

void App::fsync(const std::string& path) { sync(path, false); }
void App::fdatasync(const std::string& path) { sync(path, true); }

void App::close(const std::string& path) {
  begin("close " + path);
  EXPECT_TRUE(is_ok(handle(path).flush())) << path;
  EXPECT_TRUE(is_ok(handle(path).release())) << path;
  handles_.erase(path);
}

void App::renew(const std::string& path, const Between& between) {
  begin("renew " + path);
  EXPECT_TRUE(is_ok(renew_file(*volume_, inode(path), between))) << path;
}

void App::rekey(const RekeyRequest& request, const std::function<bool()>& between) {
  begin("rekey");
  RekeyLog log;
  log.on_progress = [&](const RekeyCounts&) { log.goes_on = between(); };
  const auto report = volume_->rekey(request, world_.passphrase, log);
  EXPECT_TRUE(report || !log.goes_on) << describe(report.error());
  EXPECT_TRUE(log.findings.empty());
}

void App::make_file(const std::string& path, std::size_t size, char fill) {
  create(path);
  if (size != 0) write(path, 0, size, fill);
  close(path);
}

void App::mkdir(const std::string& path) {
  const std::size_t began = begin("mkdir " + path);
  EXPECT_TRUE(
      is_ok(volume_->tree().make_directory(inode(parent_of(path)), split_plain(path).name, 0755, myself())));
  expected_.made(began, path, S_IFDIR);
}

void App::symlink(const std::string& target, const std::string& path) {
  const std::size_t began = begin("symlink " + path);
  EXPECT_TRUE(
      is_ok(volume_->tree().make_symlink(inode(parent_of(path)), split_plain(path).name, target, myself())));
  expected_.made(began, path, S_IFLNK, target);
}

void App::fsync_directory(const std::string& path) {
  begin("fsync directory " + path);
  auto directory = volume_->tree().open_directory(inode(path));
  ASSERT_TRUE(is_ok(directory)) << path;
  EXPECT_TRUE(is_ok((*directory)->sync())) << path;
  expected_.synced_directory(position_(), path);
}

void App::rename(const std::string& from, const std::string& to) {
  const std::size_t began = begin("rename " + from + " " + to);
  EXPECT_TRUE(is_ok(volume_->tree().rename(inode(parent_of(from)), split_plain(from).name,
                                           inode(parent_of(to)), split_plain(to).name, 0)));
  if (auto open = handles_.extract(from)) {
    open.key() = to;
    handles_.insert(std::move(open));
  }
  expected_.renamed(began, from, to);
}

void App::link(const std::string& path, const std::string& to) {
  const std::size_t began = begin("link " + path + " " + to);
  EXPECT_TRUE(is_ok(volume_->tree().link(inode(path), inode(parent_of(to)), split_plain(to).name)));
  expected_.linked(began, path, to);
}

void App::unlink(const std::string& path) {
  const std::size_t began = begin("unlink " + path);
  EXPECT_TRUE(is_ok(volume_->tree().unlink(inode(parent_of(path)), split_plain(path).name)));
  expected_.removed(began, path);
}

void App::rmdir(const std::string& path) {
  const std::size_t began = begin("rmdir " + path);
  EXPECT_TRUE(is_ok(volume_->tree().remove_directory(inode(parent_of(path)), split_plain(path).name)));
  expected_.removed(began, path);
}

}  // namespace enfold
