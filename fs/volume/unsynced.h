// What was made below and is not known to be on the device: a journal commits the names of headers, markers,
// sidecars and special objects before their bytes (FORMAT.md, "Crashes").
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fs/volume/epochs.h"
#include "fs/volume/inode.h"

namespace enfold {

// Thread-safe; no I/O. By lower identity, not by inode: the kernel may forget an inode before its bytes are
// on the device. What is entered stays until it was synced, or its epoch is durable, or it was removed. Enter
// it after its bytes were written: an epoch that ends between them covers the bytes only.
class Unsynced {
 public:
  explicit Unsynced(Epochs& epochs) : epochs_(epochs) {}

  // A special object, or a directory (its marker is meant), was made under that name.
  void made(const LowerId& directory, const std::string& lower_name, const LowerId& object);
  // The same for a file whose header is still to be written: nothing makes it synced before written().
  void begun(const LowerId& directory, const std::string& lower_name, const LowerId& file);
  void written(const LowerId& file);
  // A marker was written again, or anew.
  void rewritten_marker(const LowerId& directory);
  void made_sidecar(const LowerId& directory, const std::string& sidecar_name);

  [[nodiscard]] bool contains(const LowerId& object) const;
  [[nodiscard]] bool contains_sidecar(const LowerId& directory, const std::string& sidecar_name) const;
  [[nodiscard]] bool empty() const { return size_.load(std::memory_order_acquire) == 0; }

  // Another name of something, which a sync of that directory waits for, too.
  void linked(const LowerId& directory, const std::string& lower_name, const LowerId& object);
  // A name that something no longer has.
  void unlinked(const LowerId& directory, const std::string& lower_name, const LowerId& object);
  // It is gone with its last name.
  void removed(const LowerId& object);
  void removed_sidecar(const LowerId& directory, const std::string& sidecar_name);

  // What a sync of that directory waits for, files not yet written apart.
  struct Waiting {
    std::vector<std::pair<std::string, LowerId>> objects;
    std::vector<std::string> sidecars;
    bool too_many = false;  // more than are kept by name, or than a sync of each is worth
  };
  static constexpr std::size_t kMaxNames = 64;  // of objects in one directory
  [[nodiscard]] Waiting in_directory(const LowerId& directory) const;

  // Take a mark, sync, then say so: what was entered since is another one, and stays.
  using Mark = std::uint64_t;
  [[nodiscard]] Mark mark() const;
  void synced(const LowerId& object, Mark mark);
  void synced_sidecar(const LowerId& directory, const std::string& sidecar_name, Mark mark);
  void synced_all(Mark mark);
  // After each checkpoint.
  void drop_durable();

 private:
  struct Stamp {
    CrashEpoch epoch;
    Mark mark = 0;
  };
  struct Object {
    Stamp entered;
    bool is_written = true;
    std::vector<std::pair<LowerId, std::string>> names;  // those in directories_
  };
  struct Directory {
    std::map<std::string, LowerId> objects;
    std::map<std::string, Stamp> sidecars;
    std::optional<Stamp> overflow;  // when there was no room for a name the last time
  };
  using Objects = std::unordered_map<LowerId, Object, LowerIdHash>;

  // With mutex_ held.
  Stamp stamp() { return {epochs_.current(), ++last_mark_}; }
  void enter(const LowerId& directory, const std::string& lower_name, const LowerId& object, bool is_written);
  void add_name(const LowerId& directory, const std::string& lower_name, const LowerId& object);
  void drop_name(const LowerId& directory, const std::string& lower_name);
  void drop_sidecar(const LowerId& directory, const std::string& sidecar_name);
  void drop_if_empty(const LowerId& directory);
  Objects::iterator erase(Objects::iterator object);
  template <class Predicate>
  void drop_where(const Predicate& predicate);
  void count() { size_.store(objects_.size() + sidecar_count_, std::memory_order_release); }

  Epochs& epochs_;
  std::atomic<std::size_t> size_{0};
  mutable std::mutex mutex_;
  Mark last_mark_ = 0;
  std::size_t sidecar_count_ = 0;
  Objects objects_;
  std::unordered_map<LowerId, Directory, LowerIdHash> directories_;
};

}  // namespace enfold
