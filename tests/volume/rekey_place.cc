#include "tests/volume/rekey_place.h"

#include <sys/stat.h>
#include <unistd.h>

#include "kms/base/log.h"
#include "kms/engine/engine.h"
#include "kms/store/root_key.h"
#include "kms/store/store_admin.h"
#include "tests/volume/fault_model.h"

namespace enfold {

namespace stdfs = std::filesystem;

namespace {

timespec modified(const stdfs::path& path) {
  struct stat status {};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  return status.st_mtim;
}

bool same(const timespec& a, const timespec& b) { return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec; }

}  // namespace

RekeyPlace::RekeyPlace() {
  open_log(LogTarget::kNowhere);  // a sweep makes some lines for each call
  files.skip_syncs(true);
  first_key_ = make_store("first");
  second_key_ = make_store("second");
  auto service = open_kms(kms("first"), passphrase_);
  EXPECT_TRUE(is_ok(service));
  EXPECT_TRUE(is_ok(init_volume({lower(), kms("first"), first_key_, {}}, **service, files, entropy)));
  make_files();
  auto engine = open_embedded_engine(place_.path("first"), passphrase_);
  EXPECT_TRUE(is_ok(engine));
  EXPECT_TRUE(is_ok((*engine)->rotate_key_on_demand(local_scope(), first_key_)));
  keep();
}

std::string RekeyPlace::make_store(const std::string& name) {
  EXPECT_TRUE(is_ok(create_store(place_.path(name), {}, passphrase_)));
  auto engine = open_embedded_engine(place_.path(name), passphrase_);
  EXPECT_TRUE(is_ok(engine));
  return (*engine)->create_key(local_scope(), {}).value().arn;
}

void RekeyPlace::make_files() {
  const Caller caller{::geteuid(), ::getegid()};
  contents_ = {{"empty", ""},
               {"small", "small"},
               {"big", std::string(3 * kSectorPlainBytes + 7, 'b')},
               {"d/one", std::string(5'000, '1')}};
  auto volume = open(files);
  ASSERT_TRUE(is_ok(volume));
  Volume& tree = (*volume)->tree();
  auto directory = tree.make_directory(kRootInode, "d", 0755, caller);
  ASSERT_TRUE(is_ok(directory));
  for (const auto& [path, content] : contents_) {
    const SplitPlainPath split = split_plain(path);
    auto made = tree.create(split.parent.empty() ? kRootInode : directory->inode, split.name, 0644, caller);
    ASSERT_TRUE(is_ok(made));
    EXPECT_TRUE(is_ok(made->handle->write(0, as_bytes(content))));
    EXPECT_TRUE(is_ok(made->handle->flush()));
    EXPECT_TRUE(is_ok(made->handle->release()));
    EXPECT_TRUE(path != "small" || is_ok(tree.link(made->entry.inode, directory->inode, "linked")));
    AttributeChanges changes;
    changes.modification_time = modified_[path] = timespec{1'000'000 + static_cast<time_t>(path.size()), 17};
    EXPECT_TRUE(is_ok(tree.set_attributes(made->entry.inode, changes)));
  }
  EXPECT_TRUE(is_ok(tree.make_symlink(kRootInode, "link", "target", caller)));
  EXPECT_TRUE(is_ok((*volume)->close()));
}

void RekeyPlace::keep() {
  for (const char* root : {"lower", "config"})
    for (const auto& entry : stdfs::recursive_directory_iterator(place_.path(root)))
      if (entry.is_regular_file()) kept_[entry.path()] = {slurp(entry.path()), modified(entry.path())};
  old_ = wrapped_below(lower());
}

// In place, for a re-keying makes and removes nothing below but the pin.
void RekeyPlace::restore() {
  for (const auto& [path, file] : kept_) {
    if (slurp(path) != file.bytes) spill(path, file.bytes);
    const timespec times[2] = {{0, UTIME_OMIT}, file.modified};
    EXPECT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }
  std::vector<stdfs::path> others;
  for (const auto& entry : stdfs::recursive_directory_iterator(place_.path("config")))
    if (entry.is_regular_file() && !kept_.contains(entry.path())) others.push_back(entry.path());
  for (const stdfs::path& path : others) stdfs::remove(path);
}

RekeyRequest RekeyPlace::to_other_kms() const {
  RekeyRequest out;
  out.to_kms = kms("second");
  out.to_key = second_key_;
  return out;
}

RekeyRequest RekeyPlace::to_new_data_keys() const {
  RekeyRequest out;
  out.new_data_keys = true;
  return out;
}

Result<std::unique_ptr<OpenVolume>> RekeyPlace::open(Files& through) {
  OpenRequest request;
  request.lower = lower();
  request.background = false;
  return open_volume(request, passphrase_, through, entropy, clock);
}

Result<RekeyReport> RekeyPlace::rekey(Files& through, const RekeyRequest& request) {
  ENFOLD_TRY_ASSIGN(const auto volume, open(through));
  auto report = volume->rekey(request, passphrase_, log);
  auto closed = volume->close();
  if (report && !closed) return std::unexpected(std::move(closed).error());
  return report;
}

void RekeyPlace::expect_all_there(std::size_t times_moved) {
  auto volume = open(files);
  ASSERT_TRUE(is_ok(volume));
  Volume& tree = (*volume)->tree();
  std::size_t moved = 0;
  for (const auto& [path, content] : contents_) {
    const auto inode = find_path(tree, path);
    ASSERT_TRUE(is_ok(inode)) << path;
    const auto status = tree.attributes(*inode);
    ASSERT_TRUE(is_ok(status)) << path;
    if (!same(status->st_mtim, modified_[path])) ++moved;
    const auto seen = read_inode(tree, *inode);
    EXPECT_TRUE(is_ok(seen)) << path;
    EXPECT_EQ(seen.value_or("(error)"), content) << path;
  }
  EXPECT_LE(moved, times_moved);
  EXPECT_EQ(*find_path(tree, "small"), *find_path(tree, "d/linked"));
  EXPECT_TRUE((*volume)->recover().value_or(false));
  EXPECT_TRUE(is_ok((*volume)->close()));
}

void RekeyPlace::expect_next_run_completes(const RekeyRequest& request) {
  log.findings.clear();
  const auto report = rekey(files, request);
  ASSERT_TRUE(is_ok(report));
  EXPECT_TRUE(report->is_complete);
  for (const Finding& finding : log.findings) ADD_FAILURE() << finding.plain_path << ": " << finding.what;
  EXPECT_TRUE(still_below(lower(), old_).empty()) << "an old wrapped key is left below";
  const auto pin = read_pin(files, lower());
  ASSERT_TRUE(pin && *pin);
  EXPECT_FALSE((*pin)->rekeying);
  EXPECT_EQ((*pin)->key_arn, request.to_key.value_or(first_key_));
  for (const auto& entry : stdfs::recursive_directory_iterator(place_.path("config")))
    EXPECT_TRUE(!entry.is_regular_file() || kept_.contains(entry.path())) << "left behind: " << entry.path();
}

}  // namespace enfold
