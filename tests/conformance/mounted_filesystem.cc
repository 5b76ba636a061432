#include "tests/conformance/mounted_filesystem.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace enfold {
namespace {

std::filesystem::path directory_for_work() {
  const char* given = std::getenv("TMPDIR");
  return given != nullptr ? given : "/var/tmp";
}

// -1 where it still runs; else the exit code, or 128 and the signal.
int exit_code_of(pid_t child, int flags) {
  int status = 0;
  if (::waitpid(child, &status, flags) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

dev_t device_of(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_dev : 0;
}

}  // namespace

WorkDirectory::WorkDirectory() {
  std::string pattern = (directory_for_work() / "enfold-conformance-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) std::perror("mkdtemp"), std::abort();
  path_ = pattern;
}

WorkDirectory::~WorkDirectory() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
  EXPECT_FALSE(error) << error.message();
}

HostFilesystem::HostFilesystem(std::unique_ptr<WorkDirectory> place)
    : PosixFilesystem(place->path("plain")), place_(std::move(place)) {
  std::filesystem::create_directory(place_->path("plain"));
}

MountedFilesystem::MountedFilesystem(std::unique_ptr<WorkDirectory> place)
    : PosixFilesystem(place->path("mnt")), place_(std::move(place)) {
  std::filesystem::create_directory(place_->path("mnt"));
  const int code =
      exit_code_of(start({"init", place_->path("lower"), "--kms", "embedded:" + place_->path("keys")}), 0);
  EXPECT_EQ(code, 0) << "enfold init";
  mount();
}

MountedFilesystem::~MountedFilesystem() {
  close_all();
  unmount();
}

void MountedFilesystem::remount() {
  close_all();
  unmount();
  mount();
}

// The program with everything that it keeps for its user inside of the work directory.
pid_t MountedFilesystem::start(const std::vector<std::string>& arguments) {
  const std::string home = place_->path("home");
  const std::string run = place_->path("run");
  std::filesystem::create_directories(home);
  std::filesystem::create_directories(run);
  std::filesystem::permissions(run, std::filesystem::perms::owner_all);
  std::vector<std::string> words{ENFOLD_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  const std::string log = place_->path("log");
  const pid_t child = ::fork();
  if (child != 0) return child;
  // A test that dies takes its mount along.
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  for (const char* name : {"HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"})
    ::setenv(name, home.c_str(), 1);
  ::setenv("XDG_RUNTIME_DIR", run.c_str(), 1);
  ::umask(022);
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (out < 0) ::_exit(127);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(out, STDERR_FILENO);
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

void MountedFilesystem::mount() {
  const dev_t before = device_of(at(""));
  daemon_ = start({"mount", place_->path("lower"), at(""), "--foreground"});
  while (device_of(at("")) == before) {
    const int code = exit_code_of(daemon_, WNOHANG);
    if (code != -1) {
      daemon_ = -1;
      FAIL() << "enfold mount ended with " << code;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

void MountedFilesystem::unmount() {
  if (daemon_ == -1) return;
  if (::umount2(at("").c_str(), 0) != 0) {
    ADD_FAILURE() << "umount: " << std::strerror(errno);
    ::umount2(at("").c_str(), MNT_DETACH);
    ::kill(daemon_, SIGTERM);
  }
  EXPECT_EQ(exit_code_of(daemon_, 0), 0) << "enfold mount";
  daemon_ = -1;
}

}  // namespace enfold
