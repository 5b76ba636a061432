// Recovery: what a crash left of an object whose name was committed and whose bytes were not. It is moved to
// `enfold.lost` in the lower root, whole as it is, never emptied nor deleted.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "fs/volume/moved_objects.h"
#include "fs/volume/places.h"
#include "fs/volume/unsynced.h"
#include "fs/volume/volume_context.h"

namespace enfold {

// For use while Epochs::recovering(). Thread-safe. Takes Places::names() itself. On a read-only volume
// nothing is moved, and what is lost is to be hidden.
class SetAside {
 public:
  SetAside(VolumeContext& context, InodeTable& table, Places& places, Unsynced& unsynced, MovedObjects& moved)
      : context_(context), table_(table), places_(places), unsynced_(unsynced), moved_(moved) {}

  // True where what was at that name is lost, and set aside: a file shorter than its header page or with a
  // first page of zeros, a special object that is cut short or has a page of zeros, a hashed name without its
  // sidecar. Nothing of the kind is what this mount made itself.
  Result<bool> entry(const Link& link);
  // The same without the sidecar, for who knows the name and can write it again.
  Result<bool> content(const Link& link);
  // A directory with entries and without its id.
  Result<void> directory(const InodePtr& directory);

  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  // With names() held.
  Result<std::string> reason(const Link& link, int dir, bool with_sidecar);  // empty: it is not lost
  Result<std::string> reason_in_content(int dir, const std::string& name, const StatX& lower);
  Result<SharedFd> lost_directory();
  Result<void> move(const Link& link, int dir, const std::string& why);
  void note_moved(int lost, const std::string& name);

  Result<bool> check(const Link& link, bool with_sidecar);

  VolumeContext& context_;
  InodeTable& table_;
  Places& places_;
  Unsynced& unsynced_;
  MovedObjects& moved_;
  std::atomic<std::uint64_t> count_{0};
};

// A sidecar that is missing, too short to be one, or all zero.
Result<bool> is_sidecar_lost(Files& files, int dir, const std::string& lower_name);

}  // namespace enfold
