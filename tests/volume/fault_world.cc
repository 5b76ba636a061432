#include "tests/volume/fault_world.h"

#include <sys/xattr.h>
#include <unistd.h>

#include <cstdlib>

#include "kms/engine/engine.h"
#include "kms/store/root_key.h"
#include "kms/store/store_admin.h"

namespace enfold {

namespace stdfs = std::filesystem;

int open_descriptors() {
  int count = 0;
  for (const auto& entry : stdfs::directory_iterator("/proc/self/fd")) count += entry.path().empty() ? 0 : 1;
  return count;
}

Result<Bytes> FaultWorld::NoPassphrase::passphrase() {
  ADD_FAILURE() << "the store has no passphrase";
  return Bytes{};
}

FaultPlace::FaultPlace() {
  for (const std::string& base : {std::string("/dev/shm"), stdfs::temp_directory_path().string()}) {
    path_ = base + "/enfold-faults-XXXXXX";
    if (::mkdtemp(path_.data()) == nullptr) continue;
    // tmpfs has user xattrs since Linux 6.6.
    if (::setxattr(path_.c_str(), "user.test", "x", 1, 0) == 0) break;
    ::rmdir(path_.c_str());
  }
  ::setenv("XDG_CONFIG_HOME", path("config").c_str(), 1);
  ::setenv("XDG_DATA_HOME", path("data").c_str(), 1);
}

FaultPlace::~FaultPlace() {
  std::error_code ignored;
  stdfs::remove_all(path_, ignored);
}

FaultWorld::FaultWorld() : entropy(format_test::test_seed()) {
  const std::string store = place_.path("store");
  EXPECT_TRUE(is_ok(create_store(store, {}, passphrase_)));
  auto engine = open_embedded_engine(store, passphrase_);
  EXPECT_TRUE(is_ok(engine));
  const std::string key = (*engine)->create_key(local_scope(), {}).value().arn;
  auto kms = open_kms("embedded:" + store, passphrase_);
  EXPECT_TRUE(is_ok(kms));
  EXPECT_TRUE(is_ok(init_volume({lower(), "embedded:" + store, key, {}}, **kms, files, entropy)));
  files.skip_syncs(true);
  keep();
}

void FaultWorld::keep() {
  for (const char* name : {"lower", "config"}) {
    stdfs::remove_all(place_.path(std::string("kept.") + name));
    stdfs::copy(place_.path(name), place_.path(std::string("kept.") + name), stdfs::copy_options::recursive);
  }
}

void FaultWorld::restore() {
  for (const char* name : {"lower", "config"}) {
    stdfs::remove_all(place_.path(name));
    stdfs::copy(place_.path(std::string("kept.") + name), place_.path(name), stdfs::copy_options::recursive);
  }
}

Result<std::unique_ptr<OpenVolume>> FaultWorld::open() { return open_with({}); }

Result<std::unique_ptr<OpenVolume>> FaultWorld::open_by_kms() {
  OpenRequest request;
  request.kms_url = "embedded:" + place_.path("store");
  return open_with(request);
}

Result<std::unique_ptr<OpenVolume>> FaultWorld::open_with(OpenRequest request) {
  request.lower = lower();
  request.background = false;
  return open_volume(request, passphrase_, files, entropy, clock);
}

void FaultWorld::remove_pin() { stdfs::remove_all(place_.path("config")); }

Caller FaultWorld::caller() const { return {::geteuid(), ::getegid()}; }

}  // namespace enfold
