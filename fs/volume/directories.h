// Directories of a volume: their ids, the lower names of their entries, and their listings.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fs/format/marker.h"
#include "fs/format/names.h"
#include "fs/volume/durable_first.h"
#include "fs/volume/marker_repair.h"
#include "fs/volume/places.h"
#include "fs/volume/unsynced.h"
#include "fs/volume/volume.h"
#include "fs/volume/volume_context.h"

namespace enfold {

// A name in a directory, and what it is below.
struct Spot {
  InodePtr directory;
  DirectoryId directory_id;
  LowerName lower;

  [[nodiscard]] Link link() const { return {directory, lower.name}; }
};

// Thread-safe. Takes Places::names() itself, but where it says otherwise.
class Directories {
 public:
  Directories(VolumeContext& context, InodeTable& table, Places& places, Unsynced& unsynced,
              DurableFirst& durable_first, MarkerRepair& marker_repair)
      : context_(context),
        table_(table),
        places_(places),
        unsynced_(unsynced),
        durable_first_(durable_first),
        marker_repair_(marker_repair) {}

  // Read from the marker once. kDamaged where the marker is missing or wrong; kSystem ENOENT for a directory
  // that was removed, ENOTDIR for what is none. After a crash a lost marker is restored first, or its
  // directory set aside (ENOENT).
  Result<DirectoryId> id(const InodePtr& directory);
  // For `check --repair`: see MarkerRepair::repair().
  Result<bool> repair_marker(const InodePtr& directory);

  // kInvalidArgument for a name that no entry can have, kSystem ENAMETOOLONG for one over 255 bytes.
  Result<Spot> spot(const InodePtr& directory, std::string_view name);

  // What can be shown; the rest is logged, and what another tool put there too. Types that a lower listing
  // does not tell are 0.
  Result<std::vector<DirectoryEntry>> list(const InodePtr& directory);

  // The plain name of an entry. kDamaged where it does not decrypt.
  Result<std::string> plain_name(const Link& link);

  // S_IFMT bits of a listed entry.
  Result<mode_t> type_of(const InodePtr& directory, const DirectoryEntry& entry);

  // A hashed name's sidecar must be there before its entry; nothing to do for other names. `dir` is the
  // spot's directory. With names() held exclusively: nobody may see it half written, or take it away.
  Result<void> make_sidecar(const Spot& spot, int dir);
  // And on the device before an entry moves there.
  Result<void> make_durable_sidecar(const Spot& spot, int dir);
  // It goes after the entry; with names() held exclusively, so that nobody is making that entry again.
  void remove_sidecar(const Link& link, int dir);

 private:
  DirectoryId parent_hint(const InodePtr& directory);
  Result<Marker> read_marker(const InodePtr& directory);
  Result<Bytes> read_marker_bytes(const InodePtr& directory);
  // What to do about names that the directory's mode keeps us from reading.
  enum class Forbidden : std::uint8_t { kFails, kIsLeftOut };
  Result<std::vector<DirectoryEntry>> list_below(const Inode& directory, const DirectoryId& id, int dir,
                                                 Forbidden forbidden);
  Result<std::optional<DirectoryEntry>> show(const Inode& directory, const DirectoryId& id, int dir,
                                             const LowerEntry& entry, Forbidden forbidden);
  Result<std::string> shown_name(const DirectoryId& id, int dir, const LowerEntry& entry);

  VolumeContext& context_;
  InodeTable& table_;
  Places& places_;
  Unsynced& unsynced_;
  DurableFirst& durable_first_;
  MarkerRepair& marker_repair_;
};

// Writes the marker of a directory that has none.
Result<void> write_new_marker(Files& files, int dir, ByteSpan marker);

// Gives a moved directory's marker its new parent: a hint for repair only, so what fails is logged.
// Takes the namespace lock.
void write_parent_hint(VolumeContext& context, FairSharedMutex& names, int dir, const DirectoryId& parent);

}  // namespace enfold
