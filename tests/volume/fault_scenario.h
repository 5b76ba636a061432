// What an application does in one mount, call by call, with each call's outcome told to a model.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/volume/fault_model.h"
#include "tests/volume/fault_world.h"

namespace enfold {

// One open volume, and the application's handles. Each call tells the model how it ended.
class FaultSession {
 public:
  FaultSession(FaultWorld& world, OpenVolume& volume, FaultModel& model)
      : world_(world), volume_(volume), model_(model) {}

  Result<void> create(const std::string& path);  // leaves it open
  Result<void> open(const std::string& path);
  // Where no handle is open, because that failed, these do nothing.
  Result<void> write(const std::string& path, std::size_t offset, std::size_t size);
  Result<void> sync(const std::string& path, bool data_only = false);
  Result<void> close(const std::string& path);  // as close(2): flush, and release, whose error nobody sees

  Result<void> allocate(const std::string& path, int mode, std::size_t offset, std::size_t size);

  Result<void> resize(const std::string& path, std::size_t length);
  Result<void> make_directory(const std::string& path);
  Result<void> make_symlink(const std::string& path, const std::string& target);
  Result<void> make_fifo(const std::string& path);
  Result<void> rename(const std::string& from, const std::string& to);
  Result<void> link(const std::string& from, const std::string& to);
  Result<void> unlink(const std::string& path);
  Result<void> remove_directory(const std::string& path);
  Result<void> sync_directory(const std::string& path);
  Result<void> set_xattr(const std::string& path, const std::string& value);
  Result<void> remove_xattr(const std::string& path);
  Result<void> set_mode(const std::string& path, mode_t mode);
  Result<void> list(const std::string& path);
  Result<void> checkpoint();

  void close_all();
  [[nodiscard]] std::map<std::string, std::unique_ptr<FileHandle>>& handles() { return handles_; }
  // Files and directories whose sync has failed.
  [[nodiscard]] const std::set<std::string>& unsynced() const { return unsynced_; }
  Volume& tree() { return volume_.tree(); }
  OpenVolume& volume() { return volume_; }

 private:
  struct Place {
    InodeNumber parent;
    std::string name;
  };
  Result<Place> place(const std::string& path);
  FileHandle* handle(const std::string& path);

  FaultWorld& world_;
  OpenVolume& volume_;
  FaultModel& model_;
  std::map<std::string, std::unique_ptr<FileHandle>> handles_;
  std::set<std::string> unsynced_;
};

struct FaultStep {
  const char* name;
  std::function<Result<void>(FaultSession&)> act;
  bool may_put_off_writes = false;  // of a hint for repair, or a length found again after a failed seal
};

// What there is, durable and sealed, before the mount in which calls fail.
std::vector<FaultStep> steps_before();
// All that the interface offers, each step on its own names as far as can be, so that an error in one leaves
// the others' outcomes known.
std::vector<FaultStep> steps_of_a_mount();

// A volume in which steps_before() were taken, closed and kept. All tests of a process share one.
struct PreparedVolume {
  static PreparedVolume& get();
  FaultWorld world;
  FaultModel model;

 private:
  PreparedVolume();
};

}  // namespace enfold
