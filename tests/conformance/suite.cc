#include "tests/conformance/suite.h"

#include <chrono>
#include <thread>

namespace enfold {

void Conformance::make_file(const std::string& path, std::string_view content, mode_t mode) {
  constexpr Slot kSlot = 1000;
  ASSERT_DONE(fs->open(kSlot, path, O_WRONLY | O_CREAT | O_EXCL, mode)) << path;
  ASSERT_DONE(fs->write(kSlot, 0, content));
  ASSERT_DONE(fs->close(kSlot));
}

std::string Conformance::content(const std::string& path) {
  constexpr Slot kSlot = 1001;
  const auto status = fs->stat(path);
  if (!status || !fs->open(kSlot, path, O_RDONLY, 0)) return "?";
  auto content = fs->read(kSlot, 0, static_cast<std::size_t>(status->st_size) + 1);
  EXPECT_DONE(fs->close(kSlot));
  return content ? *content : "?";
}

struct stat Conformance::status(const std::string& path) {
  const auto status = fs->lstat(path);
  EXPECT_DONE(status) << path;
  return status ? *status : (struct stat){};
}

void Conformance::set_times(const std::string& path, time_t accessed, time_t modified) {
  EXPECT_DONE(fs->set_times(path, Times{timespec{accessed, 1}, timespec{modified, 2}})) << path;
}

std::string Conformance::moved_times(const std::string& path, const std::function<void()>& step) {
  set_times(path, 1'000'000, 2'000'000);
  const struct stat before = status(path);
  // Nobody can set a change time, and the kernel's clock for it ticks every few milliseconds.
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  step();
  const struct stat after = status(path);
  std::string moved;
  if (after.st_mtim.tv_sec != 2'000'000) moved += "m";
  if (after.st_ctim.tv_sec != before.st_ctim.tv_sec || after.st_ctim.tv_nsec != before.st_ctim.tv_nsec)
    moved += "c";
  return moved;
}

void Conformance::now_and_after_a_remount(const std::function<void()>& check) {
  check();
  if (testing::Test::HasFailure()) return;
  fs->remount();
  SCOPED_TRACE("after a remount");
  check();
}

void Conformance::make_each_type(const std::string& directory) {
  make_file(directory + "/file", "content");
  ASSERT_DONE(fs->mkdir(directory + "/empty", 0755));
  ASSERT_DONE(fs->mkdir(directory + "/full", 0755));
  make_file(directory + "/full/inside", "x");
  ASSERT_DONE(fs->symlink("target", directory + "/symlink"));
  ASSERT_DONE(fs->mknod(directory + "/fifo", S_IFIFO | 0640, 0));
  ASSERT_DONE(fs->mknod(directory + "/socket", S_IFSOCK | 0640, 0));
  ASSERT_DONE(fs->mknod(directory + "/device", S_IFCHR | 0640, makedev(7, 77'777)));
}

}  // namespace enfold
