#include "kms/base/files.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <tuple>

namespace enfold {
namespace {

// Each read and write moves at most `step` bytes, and each second one is interrupted first.
class ShortCounts final : public PosixFiles {
 public:
  explicit ShortCounts(std::size_t step) : step_(step) {}
  Result<std::size_t> read_at(int fd, MutableByteSpan out, std::uint64_t offset) override {
    if (interrupt()) return system_error(EINTR, "pread");
    return PosixFiles::read_at(fd, out.first(std::min(step_, out.size())), offset);
  }
  Result<std::size_t> write_at(int fd, ByteSpan in, std::uint64_t offset) override {
    if (interrupt()) return system_error(EINTR, "pwrite");
    if (step_ == 0) return std::size_t{0};
    return PosixFiles::write_at(fd, in.first(std::min(step_, in.size())), offset);
  }

 private:
  bool interrupt() { return ++calls_ % 2 == 1; }
  std::size_t step_;
  int calls_ = 0;
};

class FilesTest : public ::testing::Test {
 protected:
  FilesTest() {
    const char* base = std::getenv("TMPDIR");
    path_ = std::string(base != nullptr ? base : "/tmp") + "/enfold-base-XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) std::abort();
  }
  ~FilesTest() override {
    for (const char* name : {"/file", "/link"}) ::unlink((path_ + name).c_str());
    ::rmdir(path_.c_str());
  }
  FilesTest(const FilesTest&) = delete;
  FilesTest& operator=(const FilesTest&) = delete;

  Fd create() { return files_.open_at(AT_FDCWD, path_ + "/file", O_RDWR | O_CREAT, 0600).value(); }

  std::string path_;
  PosixFiles files_;
};

TEST_F(FilesTest, LoopsOverShortCountsAndInterruptions) {
  Bytes content(1000);
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<std::uint8_t>(i);
  ShortCounts files(7);
  Fd fd = create();
  ASSERT_TRUE(write_full(files, fd.get(), content, 5));
  Bytes back(1000);
  EXPECT_EQ(read_full(files, fd.get(), back, 5).value(), 1000U);
  EXPECT_EQ(back, content);
  EXPECT_EQ(read_full(files, fd.get(), back, 505).value(), 500U) << "less only at the end of the file";
}

// Opening a FIFO waits for its other end, and a signal whose handler does not ask for a restart ends that.
TEST_F(FilesTest, RestartsAnOpenThatASignalEnded) {
  const std::string fifo = path_ + "/file";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  struct sigaction quiet {};
  struct sigaction before {};
  quiet.sa_handler = [](int) {};
  ASSERT_EQ(::sigaction(SIGALRM, &quiet, &before), 0);
  const itimerval often{{0, 2000}, {0, 2000}};
  ASSERT_EQ(::setitimer(ITIMER_REAL, &often, nullptr), 0);
  std::thread writer([&] {
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    ::pthread_sigmask(SIG_BLOCK, &alarm, nullptr);
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    std::ignore = PosixFiles().open_at(AT_FDCWD, fifo, O_WRONLY, 0);
  });
  const auto reader = files_.open_at(AT_FDCWD, fifo, O_RDONLY, 0);
  const itimerval never{};
  ::setitimer(ITIMER_REAL, &never, nullptr);
  ::sigaction(SIGALRM, &before, nullptr);
  EXPECT_TRUE(reader);
  const auto other_end =
      files_.open_at(AT_FDCWD, fifo, O_RDONLY | O_NONBLOCK, 0);  // lets the writer go, whatever was
  writer.join();
}

TEST_F(FilesTest, GivesUpOnAWriteThatWritesNothing) {
  ShortCounts files(0);
  Fd fd = create();
  Result<void> written = write_full(files, fd.get(), Bytes(1), 0);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().errno_value, EIO);
}

TEST_F(FilesTest, ReadsAFileUpToItsLimitAndNoSymlink) {
  ASSERT_TRUE(write_full(files_, create().get(), Bytes(10, 'a'), 0));
  EXPECT_TRUE(read_file(files_, AT_FDCWD, path_ + "/file", 10));
  EXPECT_EQ(read_file(files_, AT_FDCWD, path_ + "/file", 9).error().code, Errc::kInvalidArgument);
  ASSERT_EQ(::symlink("file", (path_ + "/link").c_str()), 0);
  EXPECT_EQ(read_file(files_, AT_FDCWD, path_ + "/link", 10).error().errno_value, ELOOP);
}

TEST_F(FilesTest, LocksOncePerOpenFileDescription) {
  Fd first = create();
  ASSERT_TRUE(files_.lock(first.get()));
  {
    Fd second = create();
    EXPECT_EQ(files_.lock(second.get()).error().code, Errc::kBusy);
  }
  EXPECT_EQ(files_.lock(create().get()).error().code, Errc::kBusy)
      << "closing another descriptor frees nothing";
  first = Fd();
  Fd third = create();
  EXPECT_TRUE(files_.lock(third.get()));
}

}  // namespace
}  // namespace enfold
