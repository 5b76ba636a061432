// A volume with its pin and its KMS in a scratch place, opened as a mount opens it, and an application that
// works in it while every lower call is recorded.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "fs/volume/data_key_renewal.h"
#include "fs/volume/open_volume.h"
#include "tests/crash/expectations.h"
#include "tests/crash/recording_files.h"
#include "tests/volume/tree_support.h"

namespace enfold {

class NoPassphrase final : public PassphraseSource {
 public:
  Result<Bytes> passphrase() override { return make_error(Errc::kWrongRootKey, "no passphrase"); }
};

// Syncs are not done: nobody cuts the power of the machine that runs the tests.
class UnsyncedFiles final : public PosixFiles {
 public:
  Result<void> sync(int) override { return {}; }
  Result<void> sync_data(int) override { return {}; }
  Result<void> sync_filesystem(int) override { return {}; }
};

// Scratch directories in memory, where there is such a place.
struct FastScratch {
  FastScratch();
};

class CrashWorld {
 public:
  CrashWorld();

  [[nodiscard]] std::filesystem::path lower() const { return place_.path() / "lower"; }
  [[nodiscard]] std::filesystem::path pins() const { return place_.path() / "config/enfold/volumes"; }
  // As a mount does, but for the threads: checkpoints and recovery are for the test to run.
  [[nodiscard]] OpenRequest request() const;
  Result<std::unique_ptr<OpenVolume>> open(Files& through, const OpenRequest& request);
  Result<std::unique_ptr<OpenVolume>> open(Files& through) { return open(through, request()); }
  [[nodiscard]] std::string kms_url() const { return "embedded:" + (place_.path() / "store").string(); }
  // In that store: newer material for the volume's key, or a key more; or a key in a store of its own.
  void rotate_key();
  [[nodiscard]] RekeyRequest to_another_key();
  [[nodiscard]] RekeyRequest to_another_kms();
  // The keys of the volume, for a test that writes records of its own.
  [[nodiscard]] VolumeKeys keys();

  NoPassphrase passphrase;
  SharedEntropy entropy;
  ManualClock clock;
  UnsyncedFiles files;

 private:
  std::string make_key(const std::string& store);
  [[nodiscard]] std::string store_path(const std::string& store) const { return place_.path() / store; }

  FastScratch scratch_;
  TemporaryDirectory place_;
  std::string key_;
};

// Each call expects to succeed, and is told to `expected`.
class App {
 public:
  App(CrashWorld& world, Files& files, std::function<std::size_t()> position, Expectations& expected)
      : world_(world), files_(files), position_(std::move(position)), expected_(expected) {}

  void mount();
  void unmount();
  // The process dies here, and with it what it did not write below.
  void die(RecordingFiles& recorder);
  void checkpoint();
  // A checkpoint by another thread, which starts before the `n`-th lower call of `act`. It goes as far as it
  // can in a moment before `act` goes on.
  void checkpoint_during(RecordingFiles& recorder, std::size_t n, const std::function<void()>& act);

  // Files stay open until close().
  void create(const std::string& path);
  void open(const std::string& path);
  void write(const std::string& path, std::size_t offset, std::size_t size, char fill);
  void resize(const std::string& path, std::size_t size);
  void allocate(const std::string& path, int mode, std::size_t offset, std::size_t size);  // fallocate
  void punch(const std::string& path, std::size_t offset, std::size_t size);
  void zero(const std::string& path, std::size_t offset, std::size_t size);
  void fsync(const std::string& path);
  void fdatasync(const std::string& path);
  void close(const std::string& path);
  // A new data key, two sectors at a time; after each of these `between` may do other things, and answers
  // whether to go on.
  using Between = std::function<bool(int chunk)>;
  void renew(
      const std::string& path, const Between& between = [](int) { return true; });
  // The whole volume; between the looks at files `between` may do other things, and answers whether to go on.
  void rekey(
      const RekeyRequest& request, const std::function<bool()>& between = [] { return true; });
  // create(), write() and close().
  void make_file(const std::string& path, std::size_t size, char fill);

  void mkdir(const std::string& path);
  void symlink(const std::string& target, const std::string& path);
  void fsync_directory(const std::string& path);
  void rename(const std::string& from, const std::string& to);
  void link(const std::string& path, const std::string& to);
  void unlink(const std::string& path);
  void rmdir(const std::string& path);

  [[nodiscard]] OpenVolume& volume() { return *volume_; }
  [[nodiscard]] CrashWorld& world() { return world_; }
  // A line for each call, with the position before it.
  [[nodiscard]] const std::vector<std::string>& trace() const { return trace_; }

 private:
  std::size_t begin(const std::string& call);
  InodeNumber inode(const std::string& path);
  FileHandle& handle(const std::string& path) { return *handles_.at(path); }
  void sync(const std::string& path, bool data_only);

  CrashWorld& world_;
  Files& files_;
  std::function<std::size_t()> position_;
  Expectations& expected_;
  std::unique_ptr<OpenVolume> volume_;
  std::map<std::string, std::unique_ptr<FileHandle>> handles_;
  std::vector<std::string> trace_;
};

// Of all files in the root, as the next `rekey --new-data-keys` would; says what went wrong.
std::string renew_all(OpenVolume& volume);

// As the next `rekey` with these arguments would; what went wrong, or is left below under another key.
std::string rekey_all(OpenVolume& volume, const RekeyRequest& request);

// Lists and reads all there is, by way of lookups, as find and cat would.
SeenTree look_at(Volume& tree);

}  // namespace enfold
