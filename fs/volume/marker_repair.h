// Markers that a crash lost, or that somebody took away, changed or exchanged.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "fs/format/marker.h"
#include "fs/volume/durable_first.h"
#include "fs/volume/marker_hints.h"
#include "fs/volume/set_aside.h"

namespace enfold {

// Thread-safe. Takes Places::names() itself.
class MarkerRepair {
 public:
  MarkerRepair(VolumeContext& context, Places& places, Unsynced& unsynced, DurableFirst& durable_first,
               SetAside& set_aside)
      : context_(context),
        places_(places),
        unsynced_(unsynced),
        durable_first_(durable_first),
        set_aside_(set_aside) {}

  // While Epochs::recovering(), for a directory whose marker does not verify. Where it looks lost in the
  // crash: writes the one that hints tell, or a new one for a directory without entries, syncs it (on a
  // read-only volume nothing is written), and answers its id; sets aside a directory with entries and without
  // a hint, and answers kSystem ENOENT. Nothing where the marker is whole and wrong: that is damage.
  Result<std::optional<DirectoryId>> restore(const InodePtr& directory, const DirectoryId& parent);

  // For `check --repair`: as above for whatever marker is there, but sets nothing aside. kNotFound where
  // nothing in the directory tells its id. Answers false where the marker is right.
  Result<bool> repair(const InodePtr& directory, const DirectoryId& parent);

  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  Result<bool> is_lost(const InodePtr& directory);
  Result<MarkerHint> find_hint(const InodePtr& directory);
  Result<void> write(const InodePtr& directory, const Marker& marker);
  Result<bool> opens_its_entries(const InodePtr& directory);

  VolumeContext& context_;
  Places& places_;
  Unsynced& unsynced_;
  DurableFirst& durable_first_;
  SetAside& set_aside_;
  // One at a time, so that nobody writes a second new id; taken before all other locks, held over I/O. As
  // long as nobody knows the directory's id nothing in it is made, removed or renamed.
  std::mutex one_;
  std::atomic<std::uint64_t> count_{0};
};

}  // namespace enfold
