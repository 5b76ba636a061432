// What each case stands on: a fresh filesystem of each kind, and what a test of any of them says again and
// again.
#pragma once

#include <gtest/gtest.h>
#include <sys/sysmacros.h>

#include <functional>

#include "tests/conformance/acl.h"
#include "tests/conformance/filesystem.h"

namespace enfold {

struct Implementation {
  const char* name;
  std::unique_ptr<Filesystem> (*make)();
};

template <class T>
std::unique_ptr<Filesystem> make_filesystem() {
  return std::make_unique<T>();
}

inline void PrintTo(const Implementation& implementation, std::ostream* out) { *out << implementation.name; }

inline std::string name_of_implementation(const testing::TestParamInfo<Implementation>& info) {
  return info.param.name;
}

class Conformance : public testing::TestWithParam<Implementation> {
 protected:
  void SetUp() override {
    fs = GetParam().make();
    fs->set_umask(022);
  }

  void make_file(const std::string& path, std::string_view content = "", mode_t mode = 0644);
  // The whole content, "?" where it cannot be read.
  std::string content(const std::string& path);
  // Zeros where there is no such thing.
  struct stat status(const std::string& path);
  mode_t mode(const std::string& path) { return status(path).st_mode & 07777; }
  void set_times(const std::string& path, time_t accessed, time_t modified);
  // Runs the step with all times of the path set to long ago, and says which of them moved: "m" the
  // modification time, "c" the change time.
  std::string moved_times(const std::string& path, const std::function<void()>& step);
  // Runs the check, and runs it again after a remount.
  void now_and_after_a_remount(const std::function<void()>& check);
  // Each type of object at name "TYPE" + suffix.
  void make_each_type(const std::string& directory);

  std::unique_ptr<Filesystem> fs;
};

// The suite's types of objects, as make_each_type() names them.
inline const std::vector<std::string> kTypes = {"file", "empty",  "full",  "symlink",
                                                "fifo", "socket", "device"};

#define EXPECT_DONE(call) EXPECT_EQ(errno_value(call), 0)
#define ASSERT_DONE(call) ASSERT_EQ(errno_value(call), 0)
#define EXPECT_ERRNO(number, call) EXPECT_EQ(errno_value(call), number)

}  // namespace enfold
