// What the operations on the tree share.
#pragma once

#include <mutex>
#include <shared_mutex>

#include "fs/volume/directories.h"
#include "fs/volume/durable_first.h"
#include "fs/volume/inode_table.h"
#include "fs/volume/marker_repair.h"
#include "fs/volume/moved_objects.h"
#include "fs/volume/open_files.h"
#include "fs/volume/places.h"
#include "fs/volume/recovery.h"
#include "fs/volume/set_aside.h"
#include "fs/volume/special_objects.h"
#include "fs/volume/unsynced.h"
#include "fs/volume/volume_context.h"

namespace enfold {

struct TreeParts {
  TreeParts(VolumeContext& its_context, const LowerId& root_id, SharedFd root)
      : context(its_context),
        table(root_id),
        places(its_context.files, table, std::move(root)),
        moved_objects(table, places),
        unsynced(its_context.epochs),
        durable_first(its_context, table, places, unsynced),
        set_aside(its_context, table, places, unsynced, moved_objects),
        marker_repair(its_context, places, unsynced, durable_first, set_aside),
        directories(its_context, table, places, unsynced, durable_first, marker_repair),
        specials(its_context, places),
        open_files(its_context, table, places, unsynced, durable_first),
        recovery(its_context, table, places, directories, open_files, marker_repair, set_aside) {}

  VolumeContext& context;
  InodeTable table;
  Places places;
  MovedObjects moved_objects;
  Unsynced unsynced;
  DurableFirst durable_first;
  SetAside set_aside;
  MarkerRepair marker_repair;
  Directories directories;
  SpecialObjects specials;
  OpenFiles open_files;
  Recovery recovery;
};

using SharedNames = std::shared_lock<FairSharedMutex>;
using ExclusiveNames = std::unique_lock<FairSharedMutex>;

// kDamaged, and a line in the log, for what is neither a directory nor a regular file.
Result<LowerId> require_own(const StatX& lower, const Spot& spot);

}  // namespace enfold
